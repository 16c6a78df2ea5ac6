//! Connecting to servers of our own, with everything that can go wrong.
#![allow(clippy::disallowed_methods)] // the driver itself answers

use super::*;
use crate::base::{Failure, FailureKind};
use crate::pg::Embedded;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CANARY: &str = "c4n4ry";

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server on 127.0.0.1, and its port.
async fn tcp_server() -> (Embedded, u16) {
    let port = free_port();
    let parameters = [("listen_addresses", "127.0.0.1"), ("port", &port.to_string())];
    (Embedded::throwaway_with(None, &parameters).await.unwrap(), port)
}

async fn run(server: &Embedded, sql: &str) {
    let connection = reach(&server.settings()).await.unwrap();
    connection.client.batch_execute(sql).await.unwrap();
}

/// Replaces the rules for who gets in; the socket stays open for us.
async fn rules(server: &Embedded, lines: &str) {
    fs::write(server.data_dir().join("pg_hba.conf"), format!("local all postgres trust\n{lines}\n")).unwrap();
    run(server, "SELECT pg_reload_conf()").await;
}

async fn reach(settings: &Settings) -> Result<Connection, Failure> {
    connect(settings, Duration::ZERO).await
}

fn settings(url: &str) -> Settings {
    let mut env = ProcessEnv::of(Vec::<(String, String)>::new());
    env.user = Some("nobody-in-particular".to_owned());
    Settings::resolve(Some(url), &env).unwrap()
}

async fn refused(url: &str) -> Failure {
    let failure = reach(&settings(url)).await.expect_err(url);
    assert_eq!(failure.kind, FailureKind::Database, "{url}");
    assert!(!format!("{failure:?} {failure}").contains(CANARY), "{failure:?}");
    failure
}

/// The message without what was to be reached.
fn why(failure: &Failure) -> &str {
    failure.message.split_once("`: ").map_or("", |(_, why)| why)
}

#[tokio::test]
async fn every_refusal_is_explained() {
    let (server, port) = tcp_server().await;
    run(&server, "SET password_encryption = 'scram-sha-256'; CREATE ROLE alice LOGIN PASSWORD 'c4n4ry-right'").await;
    run(
        &server,
        "CREATE ROLE one LOGIN PASSWORD 'c4n4ry' CONNECTION LIMIT 0; CREATE ROLE norole NOLOGIN PASSWORD 'c4n4ry'",
    )
    .await;
    rules(&server, "host all mallory 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256").await;
    let url = |user: &str, password: &str, db: &str| format!("postgres://{user}:{password}@127.0.0.1:{port}/{db}");

    let connection = reach(&settings(&url("alice", "c4n4ry-right", "postgres"))).await.unwrap();
    assert!(!connection.encrypted);
    assert!(connection.server_major >= 14);
    for (address, message, help) in [
        (
            url("alice", "c4n4ry-wrong", "postgres"),
            "password authentication failed for user \"alice\"",
            "check the password",
        ),
        (url("alice", "", "postgres"), "the server requires a password and none was given", "`PGPASSWORD`"),
        (url("alice", "c4n4ry-right", "nowhere"), "database \"nowhere\" does not exist", "CREATE DATABASE"),
        (url("one", "c4n4ry", "postgres"), "too many connections for role \"one\"", "close idle connections"),
        (url("norole", "c4n4ry", "postgres"), "role \"norole\" is not permitted to log in", "check the user"),
        (url("mallory", "c4n4ry", "postgres"), "pg_hba.conf rejects connection", "pg_hba.conf"),
        (
            format!("{}?sslmode=require", url("alice", "c4n4ry-right", "postgres")),
            "the server does not offer TLS",
            "ssl = on",
        ),
        (
            format!("{}?channel_binding=require", url("alice", "c4n4ry-right", "postgres")),
            "channel binding",
            "needs TLS",
        ),
        (
            format!("postgres://127.0.0.1:{}/x", free_port()),
            "connection refused: no server listens there",
            "start the server",
        ),
        ("postgres:///x?host=/no/such/dir".to_owned(), "no such socket: no server listens there", "start the server"),
        ("postgres://no-such-host.invalid/x".to_owned(), "the host `no-such-host.invalid` is not found", "DNS"),
    ] {
        let failure = refused(&address).await;
        assert!(why(&failure).contains(message), "{failure}");
        assert!(failure.help.as_ref().is_some_and(|h| h.to_string().contains(help)), "{failure:?}");
    }
    rules(&server, "").await;
    let failure = refused(&url("alice", "c4n4ry-right", "postgres")).await;
    assert!(why(&failure).contains("no pg_hba.conf entry"), "{failure}");
    assert!(failure.help.as_ref().is_some_and(|help| help.to_string().contains("allow this user")), "{failure:?}");
    // a role that is not there is told to trusted callers only
    let failure = reach(&Settings { user: "ghost".to_owned(), ..server.settings() }).await.unwrap_err();
    assert!(failure.message.contains("ghost"), "{failure}");
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let failure = refused(&format!("postgres://127.0.0.1:{port}/x?connect_timeout=1")).await;
    assert_eq!(why(&failure), "no answer in time");
    drop(listener);
}

#[tokio::test]
async fn waiting_goes_on_until_the_server_is_there() {
    let port = free_port();
    let url = settings(&format!("postgres://postgres@127.0.0.1:{port}/postgres"));
    let mut heard = Vec::new();
    let connecting = connect_with(&url, Duration::from_secs(60), |failure| heard.push(failure.message.clone()));
    let starting = async {
        let port = port.to_string();
        Embedded::throwaway_with(None, &[("listen_addresses", "127.0.0.1"), ("port", &port)]).await.unwrap()
    };
    let (connection, _server) = tokio::join!(connecting, starting);
    assert!(connection.is_ok());
    assert!(heard[0].contains("connection refused"), "{heard:?}");

    // what does not pass by itself is not waited for
    let url = settings(&format!("postgres://postgres@127.0.0.1:{port}/nowhere"));
    let mut pauses = 0;
    let failure = connect_with(&url, Duration::from_secs(3600), |_| pauses += 1).await.unwrap_err();
    assert!(failure.message.contains("does not exist"), "{failure}");
    assert_eq!(pauses, 0);
}

#[tokio::test]
async fn the_first_server_that_will_do_is_taken() {
    let (_server, port) = tcp_server().await;
    let (user, nobody) = ("postgres", free_port());
    let list = format!("postgres://{user}@127.0.0.1:{nobody},127.0.0.1:{port}/postgres");
    reach(&settings(&list)).await.unwrap();
    for (kind, fits) in [
        ("any", true),
        ("read-write", true),
        ("primary", true),
        ("prefer-standby", true),
        ("standby", false),
        ("read-only", false),
    ] {
        let answer = reach(&settings(&format!("{list}?target_session_attrs={kind}"))).await;
        assert_eq!(answer.is_ok(), fits, "{kind}");
        if let Err(failure) = answer {
            assert!(why(&failure).contains("not"), "{failure}");
            assert!(failure.notes[0].to_string().contains("connection refused"), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn notices_and_cancelling_reach_the_other_side() {
    let server = Embedded::throwaway(None).await.unwrap();
    let mut connection = reach(&server.settings()).await.unwrap();
    connection.client.batch_execute("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful'; END $$").await.unwrap();
    let heard = [connection.notices.recv().await.unwrap(), connection.notices.recv().await.unwrap()];
    let heard = heard.map(|n| format!("{}: {}", n.severity, n.message));
    assert_eq!(heard, ["NOTICE: hello", "WARNING: careful"]);

    let name: String =
        connection.client.query_one("SELECT current_setting('application_name')", &[]).await.unwrap().get(0);
    assert_eq!(name, "dagmar");

    let canceler = connection.canceler();
    let sleeping = connection.client.batch_execute("SELECT pg_sleep(3600)");
    let cancelling = async {
        // until the statement runs: a cancel that comes earlier is lost
        let other = reach(&server.settings()).await.unwrap();
        let query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(3600)' AND pid <> pg_backend_pid()";
        while other.client.query_one(query, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
        canceler.cancel().await.unwrap();
    };
    let (answer, ()) = tokio::join!(sleeping, cancelling);
    let failure = ServerError::of(&answer.unwrap_err());
    assert_eq!(failure.sqlstate, "57014");
    assert!(!failure.is_retryable() && !failure.is_connection_lost());
}

#[tokio::test]
async fn what_a_statement_meets_holds_no_row() {
    let server = Embedded::throwaway(None).await.unwrap();
    let connection = reach(&server.settings()).await.unwrap();
    let client = &connection.client;
    client
        .batch_execute(
            "CREATE SCHEMA s; CREATE TABLE s.t (a text PRIMARY KEY, b int CONSTRAINT positive CHECK (b > 0))",
        )
        .await
        .unwrap();
    let met = |answer: Result<(), tokio_postgres::Error>| ServerError::of(&answer.unwrap_err());
    let failure = met(client.batch_execute("INSERT INTO s.t VALUES ('c4n4ry', -1)").await);
    assert_eq!((failure.sqlstate.as_str(), failure.constraint.as_deref()), ("23514", Some("positive")));
    assert_eq!(failure.table.as_deref(), Some("s.t"));
    assert!(!format!("{failure} {}", serde_json::to_string(&failure).unwrap()).contains(CANARY));
    assert_eq!(failure.detail.as_deref(), Some("Failing row contains (c4n4ry, -1)."));
    let failure = met(client.batch_execute("SELECT 1; SELECT nope").await);
    assert_eq!((failure.sqlstate.as_str(), failure.position), ("42703", Some(18)));
    assert_eq!(
        serde_json::to_value(&failure).unwrap(),
        serde_json::json!({"sqlstate": "42703", "message": "column \"nope\" does not exist", "position": 18})
    );

    let failure = met(client.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").await);
    assert!(failure.is_connection_lost(), "{failure}");
    let failure = met(client.batch_execute("SELECT 1").await);
    assert!(failure.is_connection_lost(), "{failure}");
    for (sqlstate, retryable) in [("40001", true), ("40P01", true), ("55P03", true), ("23505", false)] {
        assert_eq!(ServerError { sqlstate: sqlstate.to_owned(), ..failure.clone() }.is_retryable(), retryable);
    }
}

/// An authority and certificates of its making, in `dir`.
fn certificates(dir: &Path) {
    let script = r#"
set -e
key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key" && chmod 600 "$1.key"; }
key ca; openssl req -x509 -new -key ca.key -subj /CN=ca -days 2 -out ca.crt
key other; openssl req -x509 -new -key other.key -subj /CN=other -days 2 -out other.crt
key own; openssl req -x509 -new -key own.key -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 -out own.crt
signed() {
  key "$1"; openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  printf '%s\n' "subjectAltName=$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
}
signed server localhost DNS:localhost
signed alice alice DNS:alice
"#;
    let output = Command::new("sh").args(["-c", script]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Gives the server a certificate.
async fn use_certificate(server: &Embedded, dir: &Path, name: &str) {
    let data = server.data_dir();
    let owner = fs::metadata(&data).unwrap();
    for (from, to) in
        [(format!("{name}.crt"), "server.crt"), (format!("{name}.key"), "server.key"), ("ca.crt".to_owned(), "ca.crt")]
    {
        let to = data.join(to);
        fs::copy(dir.join(from), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    run(server, "ALTER SYSTEM SET ssl_ca_file = 'ca.crt'").await;
    run(server, "ALTER SYSTEM SET ssl = on").await;
    run(server, "SELECT pg_reload_conf()").await;
    // the postmaster takes the signal when it gets to it: a connection tells
    let url = settings(&format!(
        "postgres://postgres@127.0.0.1:{}/postgres?sslmode=require",
        server.settings().targets[0].port
    ));
    while reach(&url).await.is_err() {}
}

#[tokio::test]
async fn tls_is_as_strict_as_it_is_asked_to_be() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let dir = files.path();
    certificates(dir);
    let (server, port) = tcp_server().await;
    run(&server, "SET password_encryption = 'scram-sha-256'; CREATE ROLE alice LOGIN PASSWORD 'c4n4ry'").await;
    use_certificate(&server, dir, "server").await;
    rules(&server, "host all postgres 127.0.0.1/32 trust\nhostssl all alice 127.0.0.1/32 scram-sha-256").await;
    let file = |name: &str| dir.join(name).display().to_string();
    let url = |host: &str, query: &str| {
        format!("host={host} hostaddr=127.0.0.1 port={port} user=alice password=c4n4ry dbname=postgres {query}")
    };
    let ca = format!("sslrootcert={}", file("ca.crt"));
    let other = format!("sslrootcert={}", file("other.crt"));

    for (host, query) in [
        ("localhost", format!("sslmode=verify-full {ca}")),
        ("localhost", format!("sslmode=verify-full channel_binding=require {ca}")),
        ("wrong.example", format!("sslmode=verify-ca {ca}")),
        ("127.0.0.1", format!("sslmode=verify-ca {ca} sslsni=0 ssl_min_protocol_version=TLSv1.3")),
        ("127.0.0.1", format!("sslmode=require {ca} ssl_max_protocol_version=TLSv1.2")),
        ("wrong.example", "sslmode=require".to_owned()),
        ("wrong.example", "sslmode=prefer".to_owned()),
        // pg_hba.conf refuses alice without TLS
        ("wrong.example", "sslmode=allow".to_owned()),
    ] {
        let connection = reach(&settings(&url(host, &query))).await.unwrap_or_else(|f| panic!("{host} {query}: {f:?}"));
        assert!(connection.encrypted, "{host} {query}");
        let seen: bool = connection
            .client
            .query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[])
            .await
            .unwrap()
            .get(0);
        assert!(seen, "{host} {query}");
        connection.canceler().cancel().await.unwrap();
    }
    for (host, query, message) in [
        (
            "localhost",
            format!("sslmode=verify-full {other}"),
            "the server's certificate is signed by an untrusted authority",
        ),
        (
            "localhost",
            format!("sslmode=verify-ca {other}"),
            "the server's certificate is signed by an untrusted authority",
        ),
        // libpq's rule: a root certificate makes `require` check
        (
            "localhost",
            format!("sslmode=require {other}"),
            "the server's certificate is signed by an untrusted authority",
        ),
        ("wrong.example", format!("sslmode=verify-full {ca}"), "the server's certificate is not valid for this host"),
        ("localhost", "sslmode=disable".to_owned(), "no pg_hba.conf entry"),
    ] {
        let failure = refused(&url(host, &query)).await;
        assert!(why(&failure).contains(message), "{host} {query}: {failure}");
        assert!(failure.help.is_some());
    }
    for (query, message) in [
        (format!("sslmode=verify-full sslrootcert={}", file("none.crt")), "the root certificate `"),
        (format!("sslmode=verify-full sslrootcert={}", file("ca.key")), "it holds no certificate"),
        (
            format!("sslmode=require sslcert={} sslkey={}", file("alice.crt"), file("ca.key")),
            "the client certificate `",
        ),
    ] {
        assert!(refused(&url("localhost", &query)).await.message.contains(message), "{query}");
    }

    // a password in clear text crosses the network inside of TLS only; 0.0.0.0 is this machine
    // by an address that is none of loopback's
    rules(&server, "host all postgres 127.0.0.1/32 trust\nhost all alice 127.0.0.1/32 password").await;
    let network = |query: &str| url("localhost", query).replace("127.0.0.1", "0.0.0.0");
    for (query, good) in [
        ("sslmode=require", true),
        ("sslmode=prefer", true),
        ("sslmode=disable", false),
        ("sslmode=disable require_auth=password", true),
        ("sslmode=require require_auth=password", true),
        ("sslmode=require require_auth=scram-sha-256", false),
        ("sslmode=prefer require_auth=scram-sha-256", false),
    ] {
        let answer = reach(&settings(&network(query))).await;
        assert_eq!(answer.is_ok(), good, "{query}: {:?}", answer.err());
    }

    // a client certificate in place of the password
    rules(&server, "host all postgres 127.0.0.1/32 trust\nhostssl all alice 127.0.0.1/32 cert").await;
    let with = format!("sslmode=verify-full {ca} sslcert={} sslkey={}", file("alice.crt"), file("alice.key"));
    reach(&settings(&url("localhost", &with))).await.unwrap();
    refused(&url("localhost", &format!("sslmode=verify-full {ca}"))).await;
    fs::set_permissions(PathBuf::from(file("alice.key")), fs::Permissions::from_mode(0o644)).unwrap();
    let failure = refused(&url("localhost", &with)).await;
    assert!(failure.message.contains("other users may read it (mode 0644)"), "{failure}");
}

#[tokio::test]
async fn a_self_signed_certificate_may_vouch_for_itself() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let dir = files.path();
    certificates(dir);
    let (server, port) = tcp_server().await;
    use_certificate(&server, dir, "own").await;
    let url = |host: &str, mode: &str, root: &str| {
        let root = dir.join(root).display().to_string();
        format!(
            "host={host} hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres sslmode={mode} sslrootcert={root}"
        )
    };
    reach(&settings(&url("localhost", "verify-full", "own.crt"))).await.unwrap();
    reach(&settings(&url("wrong.example", "verify-ca", "own.crt"))).await.unwrap();
    refused(&url("wrong.example", "verify-full", "own.crt")).await;
    refused(&url("localhost", "verify-ca", "other.crt")).await;
}
