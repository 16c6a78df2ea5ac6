//! A proxy in front of the service: whom it has signed in, from where, and what is ignored when others say it.

use crate::support::http::{Http, Reply};
use crate::support::{Database, Project, Run, Service, bearer, project, table};
use serde_json::{Value, json};
use std::os::unix::net::UnixStream;

/// A project whose service believes a proxy at these addresses, and limits nobody.
fn behind(addresses: &str, more: &str) -> Project {
    let project = project(&[table("a")]);
    let who = "userHeader: X-Forwarded-User, groupsHeader: X-Groups";
    let roles = "roles: { run: [dba], read: ['*'] }, environments: { dba: [dev], qa: [other] }";
    let proxy = format!("proxy: {{ addresses: [{addresses}], {who}, {roles} }}");
    let text = format!("environments: {{ dev: {{}}, other: {{}} }}\nserve: {{ {proxy}{more} }}");
    project.write("dagmar.yaml", &text);
    project
}

/// A service that only the proxy opens.
fn service(project: &Project, database: &Database) -> Service {
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url()]);
    command.env_remove("DAGMAR_SECRET");
    Service::run(command)
}

const ANNA: &str =
    "X-Forwarded-User: anna@example.org\r\nX-Groups: dba, x\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n";

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, if reply.status == 200 { String::new() } else { reply.code() })
}

#[test]
fn who_was_signed_in_acts_under_his_name() {
    let (database, project) = (Database::new(), behind("127.0.0.1", ""));
    let service = service(&project, &database);
    let own = format!("Origin: http://{}\r\n", service.address);
    let fine = (200, String::new());
    assert_eq!(told(&service.ask("GET", "/status", ANNA)), fine);
    assert_eq!(told(&service.ask("POST", "/migrate", &format!("{ANNA}{own}"))), fine);
    let started = project.on(&database, &["history", "--format", "json", "--kind", "runStarted"]).json();
    let started: &Value = &started["events"][0];
    assert_eq!(started["by"], "anna@example.org@203.0.113.9");
    assert_eq!((&started["origin"]["way"], &started["origin"]["groups"]), (&json!("proxy"), &json!(["dba", "x"])));
    // his groups say what he may and sees
    let qa = "X-Forwarded-User: qa\r\nX-Groups: qa\r\n";
    assert_eq!(
        told(&service.ask("POST", "/migrate?environment=other", &format!("{qa}{own}"))),
        (403, "forbidden".to_owned())
    );
    assert_eq!(told(&service.ask("GET", "/status", qa)), (404, "notFound".to_owned()));
    assert_eq!(told(&service.ask("GET", "/status?environment=other", ANNA)), (404, "notFound".to_owned()));
    let nobody = "X-Forwarded-User: new\r\n";
    assert_eq!(told(&service.ask("GET", "/status", nobody)), (404, "notFound".to_owned()));
    // several proxies may name the client, and strangers before them may not
    assert!(
        service.log().contains("person=\"anna@example.org\" way=\"proxy\" address=\"203.0.113.9\""),
        "{}",
        service.log()
    );
    service.stop();
}

#[test]
fn a_foreign_page_cannot_write_with_what_the_proxy_signs() {
    let (database, project) = (Database::new(), behind("127.0.0.1", ""));
    let service = service(&project, &database);
    let refused = (403, "originRefused".to_owned());
    let own = format!("http://{}", service.address);
    for headers in [
        String::new(),
        "Origin: https://evil.example.org\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: {own}\r\nOrigin: {own}\r\n"),
        format!("Origin: {own}.evil.org\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
    ] {
        for path in ["/migrate", "/rollback", "/nothing"] {
            let reply = service.ask("POST", path, &format!("{ANNA}{headers}"));
            assert_eq!(told(&reply), refused, "{path} {headers}");
        }
    }
    assert_eq!(database.sql("SELECT to_regclass('dagmar.run') IS NULL AND to_regclass('a') IS NULL"), "t");
    // nor read under a name that a stranger's name server gave to this machine
    let evil = format!("GET /status HTTP/1.1\r\nHost: evil.example.org\r\n{ANNA}\r\n");
    assert_eq!(told(&service.send(&evil)), (421, "misdirected".to_owned()));
    let same = format!("{ANNA}Sec-Fetch-Site: same-origin\r\n");
    assert_eq!(service.ask("POST", "/migrate", &same).status, 200);
    service.stop();
}

#[test]
fn what_others_say_of_themselves_is_ignored() {
    let (database, project) = (Database::new(), behind("127.0.0.9", ", limits: { failuresPerMinute: 100 }"));
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.ask("GET", "/status", ANNA).status, 401);
    // who shows something else is who he shows to be
    let both = format!("{}{ANNA}X-Request-Id: forged-request\r\n", bearer());
    assert_eq!(service.ask("POST", "/migrate", &both).status, 200);
    let log = service.stop();
    assert!(log.contains("person=\"secret\" way=\"secret\" address=\"127.0.0.1\""), "{log}");
    assert!(!log.contains("203.0.113.9") && !log.contains("forged-request"), "{log}");
}

#[test]
fn one_name_and_nothing_beside_it_is_believed() {
    let (database, project) = (Database::new(), behind("127.0.0.1, unix", ", limits: { failuresPerMinute: 3 }"));
    let path = project.path().join("socket");
    let address = format!("unix:{}", path.display());
    let service = Service::of(&project, &database, &["--listen", &address]);
    let from = |client: &str, headers: &str| {
        told(&service.ask("GET", "/status", &format!("X-Forwarded-For: {client}\r\n{headers}")))
    };
    let (fine, wrong) = ((200, String::new()), (401, "unauthenticated".to_owned()));
    let (one, dba) = ("X-Forwarded-User: anna\r\n", "X-Groups: dba\r\n");
    assert_eq!(from("203.0.113.1", &format!("{one}{dba}")), fine);
    for headers in
        [format!("{one}{one}{dba}"), format!("X-Forwarded-User: \r\n{dba}"), format!("{one}{dba}{}", bearer())]
    {
        assert_eq!(from("203.0.113.1", &headers), wrong, "{headers}");
    }
    // who guesses is locked out, and not everybody behind the proxy
    assert_eq!(from("203.0.113.1", &bearer()).0, 429);
    assert_eq!(from("203.0.113.2", &bearer()), fine);
    // the proxy's id of a request is in the log; the service has its own
    let reply = service.ask("GET", "/status", &format!("{one}{dba}X-Request-Id: a1b2c3d4-e5\r\n"));
    assert_eq!((reply.status, reply.header("x-request-id").len()), (200, 16));
    service.until_logged("proxy_request=\"a1b2c3d4-e5\"");
    // the socket of a proxy on this machine
    let mut http = Http::over(UnixStream::connect(&path).unwrap());
    http.send(format!("GET /status HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n{one}{dba}\r\n"));
    assert_eq!(http.reply().unwrap().status, 200);
    service.until_logged("way=\"proxy\" address=\"203.0.113.7\"");
    let log = service.stop();
    assert!(log.contains("proxy_request=\"-\""), "{log}");
}

#[test]
fn a_proxy_that_signs_nobody_in_needs_another_way() {
    let (database, project) = (Database::new(), project(&[table("a")]));
    project.write("dagmar.yaml", "serve: { proxy: { addresses: [127.0.0.1] } }");
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0"]);
    let said = Run::of(command.env_remove("DAGMAR_SECRET").output().unwrap()).fails(2);
    assert!(said.contains("nobody could use the service"), "{said}");
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.ask("GET", "/status", "X-Forwarded-User: anna\r\n").status, 401);
    let headers = format!("{}X-Forwarded-For: 203.0.113.9\r\n", bearer());
    assert_eq!(service.ask("POST", "/migrate", &headers).status, 200, "a secret needs no Origin");
    let run = database.sql("SELECT os_user || '@' || host FROM dagmar.run");
    assert_eq!(run, "secret@203.0.113.9");
}
