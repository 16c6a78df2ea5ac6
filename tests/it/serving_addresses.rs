//! Where the service listens: TLS, Unix sockets, and starts that are refused.

use crate::support::http::Http;
use crate::support::{Project, SECRET, Service, bearer, dagmar, until};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const NOWHERE: &str = "postgres://127.0.0.1:1/none";

/// Puts one of the certificates of the tests into the project.
fn certificate(project: &Project, name: &str) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
    for part in ["cert", "key"] {
        let to = project.path().join(format!("{part}.pem"));
        fs::copy(data.join(format!("{name}.{part}.pem")), &to).unwrap();
        fs::set_permissions(to, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A connection with TLS by a client that trusts only this certificate; `None`: it does not trust the service.
fn trusting(service: &Service, name: &str) -> Option<Http<StreamOwned<ClientConnection, TcpStream>>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data.join(format!("{name}.cert.pem"))).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(service.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = stream;
    while client.is_handshaking() {
        client.complete_io(&mut stream).ok()?;
    }
    Some(Http::over(StreamOwned::new(client, stream)))
}

#[test]
fn a_certificate_makes_it_https() {
    let project = Project::new(&[("dagmar.yaml", "serve: { limits: { headerTime: 1s } }")]);
    certificate(&project, "first");
    let service = Service::start(&project, &["--url", NOWHERE, "--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    assert!(service.log().contains("listening address=https://127.0.0.1:"), "{}", service.log());
    let mut http = trusting(&service, "first").unwrap();
    let asked = format!("GET /nothing HTTP/1.1\r\nHost: localhost\r\n{}\r\n", bearer());
    let reply = http.send(&asked).reply().unwrap();
    assert_eq!((reply.status, reply.header("strict-transport-security")), (404, "max-age=31536000"));
    assert!(trusting(&service, "second").is_none());
    // who speaks without TLS gets nothing, and silence has its time
    let mut plain = service.connect();
    assert!(!plain.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").ended().contains("HTTP/1.1"));
    assert_eq!(service.connect().ended(), "");
    // a renewed certificate counts for new connections
    certificate(&project, "second");
    service.signal("HUP");
    service.until_logged("the certificate was read again");
    assert!(trusting(&service, "second").is_some() && trusting(&service, "first").is_none());
    // one that cannot be used leaves the one before
    project.write("cert.pem", "nothing");
    service.signal("HUP");
    service.until_logged("the certificate cannot be read again");
    assert!(trusting(&service, "second").is_some());
    service.stop();
}

#[test]
fn a_unix_socket_has_rights_and_goes_with_the_service() {
    let project = Project::new(&[]);
    let path = project.path().join("socket");
    let address = format!("unix:{}", path.display());
    let start = |args: &[&str]| {
        let mut command = project.command(&[&["serve", "--url", NOWHERE, "--listen", &address], args].concat());
        command.env("DAGMAR_SECRET", SECRET);
        command
    };
    let ask = || {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Http::over(stream).send(format!("GET /nothing HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer())).reply().unwrap()
    };
    // what a killed process left
    drop(UnixListener::bind(&path).unwrap());
    assert!(UnixStream::connect(&path).is_err());
    let service = Service::run(start(&[]));
    assert_eq!((ask().status, service.address.port()), (404, 0));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
    service.until_logged("address=\"socket\"");
    let files: Vec<_> = fs::read_dir(project.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files.iter().filter(|name| name.to_string_lossy().starts_with("socket")).count(), 1, "{files:?}");
    // another process does not take it away
    let second = crate::support::Run::of(start(&[]).output().unwrap()).fails(2);
    assert!(second.contains("cannot listen on") && second.contains("another process listens there"), "{second}");
    assert_eq!(ask().status, 404);
    service.stop();
    assert!(!path.exists());
    let service = Service::run(start(&["--socket-mode", "600", "--listen", "127.0.0.1:0"]));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    until("both are listened on", || service.log().matches("listening").count() == 2);
    // a socket that somebody else has put in its place stays
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    service.stop();
    assert!(path.exists());
    fs::remove_file(&path).unwrap();
    project.write("socket", "a file");
    let run = crate::support::Run::of(start(&[]).output().unwrap()).fails(2);
    assert!(run.contains("no socket") && fs::read_to_string(&path).unwrap() == "a file", "{run}");
}

#[test]
fn a_start_with_mistakes_is_refused() {
    let project =
        Project::new(&[("dagmar.yaml", "environments: { dev: { url: 'postgres://127.0.0.1:1/none' }, live: {} }")]);
    project.write("secret", &format!("{SECRET}\n"));
    project.write("open", SECRET);
    certificate(&project, "first");
    let rights = |file: &str, mode| {
        fs::set_permissions(project.path().join(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    rights("secret", 0o600);
    rights("open", 0o644);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let start = |secret: Option<&str>, args: &[&str]| -> Command {
        let mut command = dagmar(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        command.current_dir(project.path());
        secret.map(|secret| command.env("DAGMAR_SECRET", secret));
        command
    };
    let refused = |secret: Option<&str>, args: &[&str], words: &str| {
        let said = crate::support::Run::of(start(secret, args).output().unwrap()).fails(2);
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(!said.contains(SECRET), "{said}");
    };
    let fine = Some(SECRET);
    refused(None, &[], "nobody could use the service: it has no secret and no valid token");
    refused(Some(""), &[], "it has no secret and no valid token");
    refused(Some("0123456789abcde"), &[], "the secret of the service is too short");
    refused(Some("0123456789 abcdef"), &[], "has characters that a header cannot carry");
    refused(Some(&"a".repeat(5000)), &[], "is too long");
    refused(fine, &["--secret-file", "secret"], "there are two secrets");
    refused(None, &["--secret-file", "open"], "`open` can be read by others than its owner");
    refused(None, &["--secret-file", "none"], "the secret's file `none` does not exist");
    refused(fine, &["--tls-cert", "cert.pem"], "--tls-key");
    refused(fine, &["--tls-key", "key.pem"], "--tls-cert");
    refused(fine, &["--tls-cert", "key.pem", "--tls-key", "key.pem"], "`key.pem` has no certificate as PEM");
    refused(fine, &["--tls-cert", "cert.pem", "--tls-key", "cert.pem"], "`cert.pem` has no private key as PEM");
    rights("key.pem", 0o640);
    refused(fine, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"], "`key.pem` can be read by others");
    refused(fine, &["--listen", &taken], "another process listens there");
    refused(fine, &["--listen", "192.0.2.1:0"], "choose an address of this machine");
    refused(fine, &["--listen", "8080"], "is not an address");
    refused(fine, &["--public-url", "dagmar.example.org"], "is not an address of a service");
    refused(fine, &["--socket-mode", "999"], "no rights of a file");
    refused(fine, &["--environments", "dev,lvie"], "did you mean `live`?");
    refused(fine, &["--environments", "live"], "the default environment `dev` is not one of");
    refused(fine, &["--env", "none"], "the environment `none` does not exist");
    // and without one it starts
    let service = Service::run(start(None, &["--secret-file", "secret"]));
    assert_eq!(service.get("/nothing").status, 404, "the end of the line is no part of the secret");
    service.stop();
}

/// The secret is readable on the way where there is no TLS.
#[test]
fn a_public_address_without_tls_is_warned_of() {
    let project = Project::new(&[]);
    let warns = |args: &[&str]| {
        let mut command = project.command(&[&["serve", "--url", NOWHERE], args].concat());
        command.env("DAGMAR_SECRET", SECRET);
        Service::run(command).stop().contains("secrets and tokens are sent without TLS")
    };
    assert!(warns(&["--listen", "0.0.0.0:0"]));
    assert!(!warns(&["--listen", "127.0.0.1:0"]) && !warns(&["--listen", "[::1]:0"]));
    assert!(!warns(&["--listen", "0.0.0.0:0", "--public-url", "https://dagmar.example.org"]));
}
