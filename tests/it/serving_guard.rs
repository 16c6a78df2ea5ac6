//! Nobody gets past the guard of the service: every route, with every way of not being allowed.

use crate::support::calls::{CALLS, Call};
use crate::support::http::Reply;
use crate::support::tokens::Tokens;
use crate::support::{Database, Project, SECRET, Service, bearer, project, table};
use dagmar::base::Role;
use dagmar::serve::route::{Guard, Method, Route};
use dagmar::serve::routes::ROUTES;
use dagmar::serve::who::tokens::Revoked;
use std::collections::BTreeSet;

#[test]
fn every_route_has_a_row() {
    let routes: BTreeSet<(&str, &str)> = api().map(|route| (route.method.word(), route.path)).collect();
    let rows: BTreeSet<(&str, &str)> = CALLS.iter().map(|call| (call.method, call.path)).collect();
    assert_eq!(routes, rows, "a route without a row, or a row without a route");
    assert_eq!(CALLS.len(), rows.len(), "a row twice");
    let all: Vec<&Route> = ROUTES.iter().flat_map(|table| table.iter()).collect();
    let names: BTreeSet<&str> = all.iter().map(|route| route.name).collect();
    assert_eq!(names.len(), all.len(), "names of routes are theirs alone");
}

/// All routes but the pages, which have a table of their own.
fn api() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().flat_map(|table| table.iter()).filter(|route| !route.guard.is_page())
}

fn route(call: &Call) -> &'static Route {
    let mut all = ROUTES.iter().flat_map(|table| table.iter());
    all.find(|route| route.method.word() == call.method && route.path == call.path).unwrap()
}

fn is_open(call: &Call) -> bool {
    matches!(route(call).guard, Guard::Open)
}

/// A project whose service limits nobody.
fn unlimited() -> Project {
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "serve: { limits: { failuresPerMinute: 100000, perSecond: 0 } }");
    project
}

/// A service with a database that limits nobody.
fn service(database: &Database) -> Service {
    Service::of(&unlimited(), database, &[])
}

/// The one answer for everybody who is not known; without what differs each time.
fn stranger(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.code().as_str()), (401, "unauthenticated"), "{reply:?}");
    assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"dagmar\"");
    reply.body.replace(reply.header("x-request-id"), "ID")
}

#[test]
fn strangers_get_one_answer() {
    let database = Database::new();
    let (project, mut tokens, mut other) = (unlimited(), Tokens::default(), Tokens::default());
    let valid = tokens.add("valid", &Role::ALL, |_| ());
    let expired = tokens.add("expired", &Role::ALL, |entry| entry.expires = Some("2026-01-01T00:00:00Z".to_owned()));
    let revoked = tokens.add("revoked", &Role::ALL, |entry| {
        let why = Revoked { at: entry.created.clone(), by: "a@b".to_owned(), reason: "gone".to_owned() };
        entry.revoked = Some(why);
    });
    let unknown = other.add("valid", &Role::ALL, |_| ());
    let forged = format!("{}{}", &valid[..valid.len() - 12], &unknown[unknown.len() - 12..]);
    let with_scheme = valid.replace("Bearer", "Basic");
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.ask("GET", "/status", &valid).status, 200);
    let right = bearer();
    let longer = format!("Authorization: Bearer {SECRET}x\r\n");
    let shorter = format!("Authorization: Bearer {}\r\n", &SECRET[..SECRET.len() - 1]);
    let spaced = [
        format!("Authorization: Bearer  {SECRET}\r\n"),
        format!("Authorization: Bearer {SECRET} x\r\n"),
        format!("Authorization: Bearer {SECRET}, Bearer {SECRET}\r\n"),
        format!("Authorization: Basic {SECRET}\r\n"),
        format!("Authorization: {SECRET}\r\n"),
        format!("Proxy-Authorization: Bearer {SECRET}\r\n"),
        format!("Cookie: dagmar={SECRET}\r\n"),
        format!("Authorization: Bearer {}\r\n", SECRET.to_uppercase()),
        format!("Authorization: Bearer {}\r\n", "a".repeat(9000)),
    ];
    let two = format!("{right}{right}");
    let both = format!("{right}Authorization: Basic x\r\n");
    let fixed = [
        "",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer\r\n",
        "Authorization:\r\n",
        "Authorization: Bearer wrong\r\n",
    ];
    let shown = fixed
        .into_iter()
        .chain(spaced.iter().map(String::as_str))
        .chain([&two, &both, &longer, &shorter].map(String::as_str))
        .chain([&expired, &revoked, &unknown, &forged, &with_scheme].map(String::as_str));
    let expected = stranger(&service.open("/status"));
    for headers in shown {
        for call in CALLS {
            let reply = service.ask(call.method, call.asked, headers);
            if is_open(call) {
                assert_eq!(reply.status, 200, "{} {headers}", call.asked);
            } else {
                assert_eq!(stranger(&reply), expected, "{} {headers}", call.asked);
            }
        }
        // what does not exist looks the same
        assert_eq!(stranger(&service.ask("GET", "/nothing", headers)), expected, "{headers}");
    }
    // in the query it is no secret, and no scheme has a spelling
    assert_eq!(stranger(&service.open(&format!("/status?token={SECRET}"))), expected);
    for scheme in ["bearer", "BEARER"] {
        assert_eq!(service.ask("GET", "/status", &format!("authorization: {scheme} {SECRET}\r\n")).status, 200);
    }
    assert_eq!(database.sql("SELECT to_regclass('dagmar.run') IS NULL AND to_regclass('a') IS NULL"), "t");
    assert!(!expected.contains("status\":200") && !service.log().contains(SECRET));
    service.stop();
}

#[test]
fn paths_have_one_spelling_and_methods_are_told_to_callers() {
    let database = Database::new();
    let service = service(&database);
    let expected = stranger(&service.open("/status"));
    for call in CALLS {
        let path = call.asked;
        let name = &path[1..];
        let upper = format!("/{}", name.to_uppercase());
        let first = format!("/%{:02x}{}", name.as_bytes()[0], &name[1..]);
        for odd in [
            format!("/{path}"),
            format!("{path}/"),
            format!("/.{path}"),
            format!("/%2e{path}"),
            format!("/a/..{path}"),
            format!("/a/%2e%2E{path}"),
            format!("/a%2f..{path}"),
            format!("{path}%00"),
            format!("{path};x"),
            format!("{path}%20"),
            format!("{path}/more/than/there/is"),
            upper,
        ] {
            assert_eq!(stranger(&service.ask(call.method, &odd, "")), expected, "{odd}");
            assert_eq!(service.ask(call.method, &odd, &bearer()).code(), "notFound", "{odd}");
        }
        // a spelling that means the same means the same guard
        let open = |path: &str| service.ask(call.method, path, "").status;
        assert_eq!(open(path), open(&first), "{first}");
        let reads = call.method == "GET";
        let methods: Vec<&str> =
            CALLS.iter().filter(|other| other.path == call.path).map(|other| other.method).collect();
        let head = methods.contains(&"GET").then_some("HEAD");
        let allowed: Vec<&str> = methods.iter().copied().chain(head).collect();
        if reads {
            let head = service.ask("HEAD", path, &bearer());
            // of a run that does not exist it is 404
            assert_eq!((head.status, head.body.as_str()), (service.get(path).status, ""));
            assert!(head.header("content-length").parse::<usize>().unwrap() > 0);
        }
        for method in ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "GET", "POST", "X"] {
            if methods.contains(&method) {
                continue;
            }
            assert_eq!(stranger(&service.ask(method, path, "")), expected, "{method} {path}");
            let reply = service.ask(method, path, &bearer());
            assert_eq!((reply.status, reply.code().as_str()), (405, "methodNotAllowed"));
            assert_eq!(reply.header("allow"), allowed.join(", "));
        }
    }
    // none of all these has run anything
    assert_eq!(database.sql("SELECT to_regclass('dagmar.run') IS NULL AND to_regclass('a') IS NULL"), "t");
    assert!(ROUTES.iter().flat_map(|table| table.iter()).all(|route| Method::of(route.method.word()).is_some()));
}

#[test]
fn every_answer_has_the_headers_that_protect_browsers() {
    let database = Database::new();
    let service = service(&database);
    let replies = [
        service.open("/health"),
        service.open("/status"),
        service.get("/status"),
        service.get("/nothing"),
        service.ask("OPTIONS", "/status", &format!("{}Origin: https://evil.example.org\r\n", bearer())),
    ];
    for reply in replies {
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), value);
        }
        let none = ["access-control-", "set-cookie", "strict-transport", "server"];
        assert!(!reply.headers.iter().any(|(name, _)| none.iter().any(|none| name.starts_with(none))), "{reply:?}");
    }
}

#[test]
fn a_request_names_the_host_that_it_means() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &["--public-url", "https://dagmar.example.org"]);
    let port = service.address.port();
    let ask = |path: &str, hosts: &str, headers: &str| {
        let reply = service.send(&format!("GET {path} HTTP/1.1\r\n{hosts}{headers}\r\n"));
        (reply.status, if reply.status == 200 { String::new() } else { reply.code() })
    };
    let known = (401, "unauthenticated".to_owned());
    for host in [format!("127.0.0.1:{port}"), format!("LOCALHOST:{port}"), "dagmar.example.org".to_owned()] {
        assert_eq!(ask("/status", &format!("Host: {host}\r\n"), ""), known, "{host}");
    }
    for host in ["evil.example.org", "127.0.0.1", "localhost:1", "dagmar.example.org.evil.org"] {
        let host = format!("Host: {host}\r\n");
        assert_eq!(ask("/status", &host, ""), (421, "misdirected".to_owned()), "{host}");
        // a page of a stranger has no secret; probes call by any name
        assert_eq!(ask("/status", &host, &bearer()).0, 200, "{host}");
        assert_eq!(ask("/health", &host, "").0, 200, "{host}");
    }
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: \r\n", "Host: a b\r\n", "Host: a@b\r\n"] {
        for path in ["/status", "/health"] {
            assert_eq!(ask(path, hosts, &bearer()), (400, "badRequest".to_owned()), "{hosts}");
        }
    }
    let old = service.send(&format!("GET /status HTTP/1.0\r\n{}\r\n", bearer()));
    assert_eq!(old.status, 200);
    assert_eq!(service.open("/health").header("strict-transport-security"), "max-age=31536000");
}

#[test]
fn every_route_asks_for_its_role_and_its_environment() {
    let database = Database::new();
    let (project, mut tokens) = (unlimited(), Tokens::default());
    let of_role = Role::ALL.map(|role| (role, tokens.add(role.word(), &[role], |_| ())));
    let everything = tokens.add("everything", &Role::ALL, |_| ());
    let only = |name: &'static str| {
        move |entry: &mut dagmar::serve::who::tokens::TokenEntry| entry.environments = Some(vec![name.to_owned()])
    };
    let elsewhere = tokens.add("elsewhere", &Role::ALL, only("elsewhere"));
    let here = tokens.add("here", &Role::ALL, only("default"));
    tokens.write(&project);
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url()]);
    command.env_remove("DAGMAR_SECRET");
    let service = Service::run(command);
    let includes =
        |role: Role, wanted: Role| role == wanted || wanted == Role::Read || (role, wanted) == (Role::Run, Role::Plan);
    for call in CALLS {
        let route = route(call);
        let Guard::Api(wanted) = route.guard else { continue };
        for (role, header) in &of_role {
            let reply = service.ask(call.method, call.asked, header);
            if includes(*role, wanted) {
                assert!(![401, 403].contains(&reply.status), "{} {}: {reply:?}", role.word(), call.asked);
            } else {
                assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"), "{} {}", role.word(), call.asked);
                let why = format!("this needs the role `{}`", wanted.word());
                assert_eq!(reply.json()["detail"], why, "{}", call.asked);
            }
        }
        let in_query = route.query.iter().any(|parameter| parameter.name == "environment");
        if !in_query && !call.path.contains("{environment}") {
            continue;
        }
        let sign = if call.asked.contains('?') { '&' } else { '?' };
        let asked = if in_query { format!("{}{sign}environment=default", call.asked) } else { call.asked.to_owned() };
        for caller in [&everything, &here] {
            let reply = service.ask(call.method, &asked, caller);
            // a run that does not exist is another thing
            let is_unseen = reply.status == 404 && reply.body.contains("there is no environment");
            assert!(!is_unseen && ![401, 403].contains(&reply.status), "{asked}: {reply:?}");
        }
        let hidden = service.ask(call.method, &asked, &elsewhere);
        let none = service.ask(call.method, &asked.replace("default", "nothing"), &everything);
        assert_eq!((hidden.status, hidden.code().as_str()), (404, "notFound"), "{asked}");
        let said = |reply: &Reply| reply.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(said(&hidden), said(&none).replace("nothing", "default"), "{asked}");
    }
    // who names no environment means the default one
    for (method, path) in [("GET", "/status"), ("POST", "/migrate"), ("POST", "/rollback")] {
        assert_eq!(service.ask(method, path, &elsewhere).status, if path == "/rollback" { 400 } else { 404 }, "{path}");
    }
    service.stop();
}
