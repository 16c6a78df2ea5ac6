//! How a server may ask for the password, and what it may make us hold.

use crate::support::fake_server::Fake;
use crate::support::{Cluster, Project, Run, against, project, sql};

/// A password that must never be seen.
const CANARY: &str = "canary-5e1f-hunter2";

/// The requests for authentication, with what stands behind their codes.
const PASSWORD: (u32, &[u8]) = (3, b"");
const MD5: (u32, &[u8]) = (5, b"salt");
const GSS: (u32, &[u8]) = (7, b"");
const SCRAM: (u32, &[u8]) = (10, b"SCRAM-SHA-256\0\0");
const TRUST: (u32, &[u8]) = (0, b"");

/// An address of this machine that is none of loopback's.
const NETWORK: &str = "0.0.0.0";

fn small() -> Project {
    project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a")])
}

/// `status` with these variables and arguments.
fn status(project: &Project, url: &str, vars: &[(&str, &str)], more: &[&str]) -> Run {
    let mut command = project.command(&["status"]);
    command.args(["--url", url]).args(more).envs(vars.iter().copied());
    Run::of(command.output().unwrap())
}

#[track_caller]
fn refused(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run:?}");
    let all = format!("{}{}", run.out, run.err);
    assert!(!all.contains("hunter2"), "{all}");
    for word in words {
        assert!(all.contains(word), "{word}\n{all}");
    }
}

#[test]
fn nothing_is_sent_in_a_way_that_is_not_allowed() {
    let project = small();
    for (require, (request, more), why) in [
        ("scram-sha-256", PASSWORD, "server requested a cleartext password"),
        ("scram-sha-256", MD5, "server requested a hashed password"),
        ("!password,!md5", PASSWORD, "server requested a cleartext password"),
        ("scram-sha-256", GSS, "server requested GSSAPI authentication"),
        ("md5", SCRAM, "server requested SASL authentication"),
        ("scram-sha-256", TRUST, "server did not complete authentication"),
        ("!none", TRUST, "server did not complete authentication"),
        ("!none", (99, b""), "server requested an unknown authentication type"),
    ] {
        let message = format!("authentication method requirement \"{require}\" failed: {why}");
        // loopback, where everything is allowed that is not forbidden
        let given = [("PGREQUIREAUTH", require)];
        for (vars, parameter) in [(&given[..], String::new()), (&[], format!("require_auth={require}"))] {
            let fake = Fake::asking(request, more);
            let run = status(&project, &fake.url("127.0.0.1", CANARY, &parameter), vars, &["-q"]);
            refused(&run, 7, &[&message, "help: "]);
            assert_eq!(fake.was_sent(), b"", "{require} {request}");
        }
    }
    // a service file is read too
    project.write("services", "[ours]\nrequire_auth=scram-sha-256\n");
    let (fake, file) = (Fake::asking(3, b""), project.path().join("services"));
    let url = fake.url("127.0.0.1", CANARY, "service=ours");
    let run = status(&project, &url, &[("PGSERVICEFILE", file.to_str().unwrap())], &[]);
    refused(&run, 7, &["authentication method requirement"]);
    assert_eq!(fake.was_sent(), b"");
}

#[test]
fn a_password_does_not_cross_a_network_in_clear() {
    let project = small();
    for ((request, more), method, asks) in
        [(PASSWORD, "password", "for the password in clear text"), (MD5, "md5", "for an MD5 hash of the password")]
    {
        let fake = Fake::asking(request, more);
        for mode in ["", "sslmode=disable", "sslmode=allow"] {
            let run = status(&project, &fake.url(NETWORK, CANARY, mode), &[], &[]);
            let help = format!("`require_auth={method}` sends it nevertheless");
            refused(&run, 7, &[&format!("the server asks {asks} over a connection without TLS"), &help]);
        }
        assert_eq!(fake.was_sent(), b"");
        // asked for by name, or on this machine: sent, and the fake server says no more
        for (host, more) in [
            (NETWORK, format!("require_auth={method}&connect_timeout=1")),
            ("127.0.0.1", "connect_timeout=1".to_owned()),
        ] {
            let fake = Fake::asking(request, b"salt".get(..if request == 5 { 4 } else { 0 }).unwrap());
            refused(&status(&project, &fake.url(host, CANARY, &more), &[], &[]), 7, &["no answer in time"]);
            assert_eq!(fake.was_sent().first(), Some(&b'p'), "{host} {more}");
        }
    }
}

#[test]
fn variables_that_ask_for_security_are_not_passed_over() {
    let project = small();
    let fake = Fake::asking(3, b"");
    let url = fake.url("127.0.0.1", CANARY, "");
    for more in [&[][..], &["-q"]] {
        refused(&status(&project, &url, &[("PGREQUIRESSL", "1")], more), 7, &["the server does not offer TLS"]);
        let unknown = status(&project, &url, &[("PGREQUIRETHIS", "1")], more);
        refused(&unknown, 2, &["the variable `PGREQUIRETHIS` is not supported by dagmar", "help: "]);
        let mut command = project.command(&["status", "--url", &url]);
        let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"scram-sha-256\xff");
        let odd = Run::of(command.args(more).env("PGREQUIREAUTH", odd).output().unwrap());
        refused(&odd, 2, &["the variable `PGREQUIREAUTH` is not valid UTF-8", "help: "]);
        let bad = status(&project, &url, &[("PGREQUIREAUTH", "scram")], more);
        refused(&bad, 2, &["invalid require_auth value: \"scram\"", "scram-sha-256"]);
    }
    assert_eq!(fake.was_sent(), b"");
}

/// The same against a real server, in every way in which it can ask.
#[test]
fn real_servers_ask_in_allowed_ways() {
    let cluster = Cluster::new();
    cluster.sql(&format!("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD '{CANARY}'"));
    cluster.sql(&format!("SET password_encryption = 'scram-sha-256'; CREATE ROLE new LOGIN PASSWORD '{CANARY}'"));
    let project = small();
    let socket = cluster.sockets().display().to_string();
    let requires = ["none", "password", "md5", "scram-sha-256", "!none", "!password", "!md5", "!scram-sha-256"];
    for (method, role, asked) in [
        ("trust", "new", "none"),
        ("password", "new", "password"),
        ("md5", "old", "md5"),
        // a password that is kept for SCRAM is asked for by SCRAM
        ("md5", "new", "scram-sha-256"),
        ("scram-sha-256", "new", "scram-sha-256"),
    ] {
        // each step can be seen from outside
        cluster.let_in_by("trust");
        cluster.let_in_by(method);
        for require in requires {
            let url = format!("postgres://{role}:{CANARY}@/postgres?host={socket}&require_auth={require}");
            let run = status(&project, &url, &[], &[]);
            match (require == asked, require.strip_prefix('!').is_some_and(|not| not != asked)) {
                (false, false) => {
                    refused(&run, 7, &[&format!("authentication method requirement \"{require}\" failed: server ")]);
                }
                _ => drop(run.ok()),
            }
        }
    }
}

#[test]
fn the_server_of_a_socket_is_the_one_that_is_required() {
    let cluster = Cluster::new();
    let project = small();
    let url = cluster.url("postgres", "postgres");
    let socket = std::fs::metadata(cluster.sockets().join(".s.PGSQL.5432")).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&socket);
    let owner = Run::of(std::process::Command::new("id").args(["-un", &owner.to_string()]).output().unwrap()).ok();
    let owner = owner.trim();
    status(&project, &url, &[("PGREQUIREPEER", owner)], &[]).ok();
    let run = status(&project, &url, &[("PGREQUIREPEER", "somebody")], &["-q"]);
    let message = format!("requirepeer specifies \"somebody\", but actual peer user name is \"{owner}\"");
    refused(&run, 7, &[&message, "help: correct `requirepeer`"]);
    against(&project, &format!("{url}&requirepeer=somebody"), &["status"]).fails(7);
}

/// Servers that never come to an end, or make us hold more and more.
#[test]
fn a_server_is_not_waited_for_or_listened_to_without_end() {
    let project = small();
    let ends = |fake: &Fake, words: &[&str]| {
        let run = status(&project, &fake.url("127.0.0.1", CANARY, "connect_timeout=3"), &[], &[]);
        refused(&run, 7, words);
    };
    ends(
        &Fake::new(|talk| {
            talk.say(b'R', &[0; 4])?;
            (0..).try_for_each(|i| talk.say(b'S', format!("name{i}\0{}\0", "x".repeat(1000)).as_bytes()))
        }),
        &["the server sent", "at most 256 are accepted", "help: "],
    );
    ends(
        &Fake::new(|talk| {
            talk.say(b'R', &[0; 4])?;
            (0..).try_for_each(|_| talk.complain(b'N', "00000", &"x".repeat(10_000)))
        }),
        &["the server sent too many messages before it was ready; at most 1 MiB are accepted"],
    );
    ends(&Fake::new(|talk| talk.say(b'R', &[0; 3000])), &["a message of 3000 bytes; at most 2000 bytes are accepted"]);
    ends(
        // a length of 2 GB, and nothing behind it
        &Fake::new(|talk| {
            talk.let_in()?;
            talk.hear()?;
            talk.bare(&[b'D', 0x7f, 0xff, 0xff, 0xff])
        }),
        &["a message of 2147483643 bytes; at most 256 MiB are accepted"],
    );
    ends(&Fake::new(|talk| talk.let_in()), &["accepted the connection but did not answer within 3s", "help: "]);
    ends(
        &Fake::new(|talk| {
            talk.let_in()?;
            (0..).try_for_each(|_| talk.complain(b'N', "00000", "still thinking"))
        }),
        &["did not answer within 3s"],
    );
}

/// Answers that are no text, or too few, while we ask whether the server is the wanted kind.
#[test]
fn odd_answers_while_connecting_are_errors() {
    let project = small();
    for value in [&b"t"[..], b"\xff\xfe"] {
        let fake = Fake::new(move |talk| {
            talk.let_in()?;
            // the path that authors have, which is asked for first
            talk.answer(b"public")?;
            talk.answer(value)
        });
        let url = fake.url("127.0.0.1", CANARY, "target_session_attrs=read-write&connect_timeout=3");
        refused(&status(&project, &url, &[], &[]), 7, &["the server does not say what it is"]);
    }
}

/// A server knows the password that it was sent, and says it in every text that it has.
#[test]
fn a_server_that_repeats_the_password_is_not_repeated() {
    let project = small();
    let said = |fake: &Fake, code: i32, words: &[&str]| {
        for more in [&["-v"][..], &["--format", "json"]] {
            refused(&status(&project, &fake.url("127.0.0.1", CANARY, "connect_timeout=3"), &[], more), code, words);
        }
    };
    let refuses = Fake::new(|talk| {
        talk.say(b'R', &3_u32.to_be_bytes())?;
        let (_, password) = talk.hear()?;
        let password = String::from_utf8_lossy(&password).trim_end_matches('\0').to_owned();
        talk.complain(b'E', "28P01", &format!("{password} is wrong, so is {}", password.replace('-', "%2D")))
    });
    said(&refuses, 7, &["*** is wrong"]);
    let fails = Fake::new(|talk| {
        talk.let_in()?;
        talk.answer(b"public")?;
        talk.hear()?;
        talk.complain(b'N', "00000", CANARY)?;
        talk.complain(b'E', "58000", &format!("no room for {CANARY}"))?;
        talk.say(b'Z', b"I")
    });
    said(&fails, 7, &["no room for ***"]);
    // what is shown anyway is no secret
    let plain = Fake::new(|talk| talk.complain(b'E', "28000", "role \"u\" is not for u@db"));
    refused(&status(&project, &plain.url("127.0.0.1", "u", ""), &[], &[]), 7, &["role \"u\" is not for u@db"]);
}

/// Pieces of a password that was not encoded, taken for parameters.
#[test]
fn pieces_of_a_password_are_not_shown() {
    let project = small();
    for url in [
        "postgres://u:1/a?x&hunter2=b@h/d",
        "postgres://u:1/a?hunter2=b",
        "postgres://u:1/a?hunter2=b=c",
        "host=h password=a hunter2=x",
        "host=h password=a b hunter2=x",
    ] {
        refused(&status(&project, url, &[], &["-v"]), 2, &["error: the connection settings are wrong", "help: "]);
    }
}
