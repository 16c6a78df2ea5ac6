//! Nobody gets past the guard of the service: every route, with every way of not being allowed.

use crate::support::http::Reply;
use crate::support::{Database, SECRET, Service, bearer, project, table};
use dagmar::serve::route::{Guard, Method};
use dagmar::serve::routes::ROUTES;
use std::collections::BTreeSet;

/// A route, and a request that it answers when it is allowed.
struct Call {
    method: &'static str,
    path: &'static str,
    asked: &'static str,
}

const CALLS: &[Call] = &[
    Call { method: "GET", path: "/health", asked: "/health" },
    Call { method: "GET", path: "/ready", asked: "/ready" },
    Call { method: "GET", path: "/status", asked: "/status" },
    Call { method: "POST", path: "/migrate", asked: "/migrate" },
    Call { method: "POST", path: "/rollback", asked: "/rollback" },
    // runs
    Call { method: "GET", path: "/api/v1/environments/{environment}/runs", asked: "/api/v1/environments/default/runs" },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/runs",
        asked: "/api/v1/environments/default/runs",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/runs/{run}",
        asked: "/api/v1/environments/default/runs/0123456789abcdef",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/runs/{run}/events",
        asked: "/api/v1/environments/default/runs/0123456789abcdef/events",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/runs/{run}/cancel",
        asked: "/api/v1/environments/default/runs/0123456789abcdef/cancel",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/pause",
        asked: "/api/v1/environments/default/pause",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/resume",
        asked: "/api/v1/environments/default/resume",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/rollbacks",
        asked: "/api/v1/environments/default/rollbacks",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/rollback-plan",
        asked: "/api/v1/environments/default/rollback-plan",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/promotion-plan",
        asked: "/api/v1/environments/default/promotion-plan",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/promotions",
        asked: "/api/v1/environments/default/promotions",
    },
    Call { method: "GET", path: "/api/v1/openapi.json", asked: "/api/v1/openapi.json" },
    Call { method: "GET", path: "/api/v1/me", asked: "/api/v1/me" },
    Call { method: "GET", path: "/api/v1/project", asked: "/api/v1/project" },
    Call { method: "GET", path: "/api/v1/environments", asked: "/api/v1/environments" },
    Call { method: "GET", path: "/api/v1/matrix", asked: "/api/v1/matrix" },
    Call { method: "GET", path: "/api/v1/checks", asked: "/api/v1/checks" },
    Call { method: "GET", path: "/api/v1/lint", asked: "/api/v1/lint" },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/status",
        asked: "/api/v1/environments/default/status",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets",
        asked: "/api/v1/environments/default/changesets",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}",
        asked: "/api/v1/environments/default/changesets/a",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}/why",
        asked: "/api/v1/environments/default/changesets/a/why",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}/history",
        asked: "/api/v1/environments/default/changesets/a/history",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/graph",
        asked: "/api/v1/environments/default/graph",
    },
    Call { method: "GET", path: "/api/v1/environments/{environment}/plan", asked: "/api/v1/environments/default/plan" },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plan",
        asked: "/api/v1/environments/default/plan",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/gates",
        asked: "/api/v1/environments/default/gates",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/history",
        asked: "/api/v1/environments/default/history",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/history/verification",
        asked: "/api/v1/environments/default/history/verification",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/drift",
        asked: "/api/v1/environments/default/drift",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/attic",
        asked: "/api/v1/environments/default/attic",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/policy",
        asked: "/api/v1/environments/default/policy",
    },
];

#[test]
fn every_route_has_a_row() {
    let routes: BTreeSet<(&str, &str)> =
        ROUTES.iter().flat_map(|table| table.iter()).map(|route| (route.method.word(), route.path)).collect();
    let rows: BTreeSet<(&str, &str)> = CALLS.iter().map(|call| (call.method, call.path)).collect();
    assert_eq!(routes, rows, "a route without a row, or a row without a route");
    assert_eq!(CALLS.len(), rows.len(), "a row twice");
    let names: BTreeSet<&str> = ROUTES.iter().flat_map(|table| table.iter()).map(|route| route.name).collect();
    assert_eq!(names.len(), routes.len(), "names of routes are theirs alone");
}

fn is_open(call: &Call) -> bool {
    let all = ROUTES.iter().flat_map(|table| table.iter());
    let mut own = all.filter(|route| route.method.word() == call.method && route.path == call.path);
    matches!(own.next().unwrap().guard, Guard::Open)
}

/// A service with a database that limits nobody.
fn service(database: &Database) -> Service {
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "serve: { limits: { failuresPerMinute: 100000, perSecond: 0 } }");
    Service::of(&project, database, &[])
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
    let service = service(&database);
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
        .chain([&two, &both, &longer, &shorter].map(String::as_str));
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
            ("referrer-policy", "no-referrer"),
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
