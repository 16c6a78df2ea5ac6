//! The pages of the service: who gets in, what a foreign page can do, what is shown.

use crate::support::http::Reply;
use crate::support::tokens::Tokens;
use crate::support::{Database, SECRET, Service, project, table, until};
use dagmar::base::Role;
use dagmar::serve::route::{Guard, Method, Route};
use dagmar::serve::routes::ROUTES;
use std::collections::BTreeSet;

/// A page, and a request that it answers.
const PAGES: &[(&str, &str, &str)] = &[
    ("GET", "/assets/{name}", "/assets/none"),
    ("GET", "/login", "/login"),
    ("POST", "/login", "/login"),
    ("POST", "/logout", "/logout"),
    ("GET", "/", "/"),
    ("GET", "/e/{environment}", "/e/default"),
    ("GET", "/e/{environment}/changeset", "/e/default/changeset?id=a"),
    ("GET", "/e/{environment}/graph", "/e/default/graph"),
    ("GET", "/e/{environment}/plan", "/e/default/plan"),
    ("GET", "/e/{environment}/history", "/e/default/history"),
    ("GET", "/matrix", "/matrix"),
    ("GET", "/promote/{environment}", "/promote/live"),
    ("POST", "/promote/{environment}", "/promote/live"),
    ("GET", "/e/{environment}/rollback", "/e/default/rollback"),
    ("POST", "/e/{environment}/rollback", "/e/default/rollback"),
    ("POST", "/e/{environment}/rollbacks", "/e/default/rollbacks"),
    ("GET", "/e/{environment}/runs", "/e/default/runs"),
    ("POST", "/e/{environment}/runs", "/e/default/runs"),
    ("GET", "/e/{environment}/runs/{run}", "/e/default/runs/RUN"),
    ("GET", "/e/{environment}/runs/{run}/stream", "/e/default/runs/RUN/stream"),
    ("POST", "/e/{environment}/runs/{run}/cancel", "/e/default/runs/none/cancel"),
    ("POST", "/e/{environment}/pause", "/e/default/pause"),
    ("POST", "/e/{environment}/resume", "/e/default/resume"),
    ("GET", "/plans", "/plans"),
    ("POST", "/plans", "/plans"),
    ("GET", "/plans/{digest}", "/plans/PLAN"),
    ("POST", "/e/{environment}/plans/{digest}/decision", "/e/default/plans/PLAN/decision"),
    ("GET", "/e/{environment}/plans/{digest}", "/e/default/plans/PLAN"),
    ("POST", "/e/{environment}/plans/{digest}", "/e/default/plans/PLAN"),
];

fn pages() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().flat_map(|table| table.iter()).filter(|route| route.guard.is_page())
}

/// Those that only somebody who is known sees.
fn guarded(method: Method) -> impl Iterator<Item = &'static str> {
    let is_guarded = move |path: &str| {
        pages().any(|route| route.path == path && route.method == method && matches!(route.guard, Guard::Page(_)))
    };
    PAGES.iter().filter(move |(own, path, _)| *own == method.word() && is_guarded(path)).map(|(_, _, asked)| *asked)
}

/// What a browser sends with a form of the service's own page.
fn own(service: &Service) -> String {
    format!("Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n", service.address)
}

/// Sends a form.
fn form(service: &Service, path: &str, headers: &str, body: &str) -> Reply {
    let (host, length) = (service.address, body.len());
    service.send(&format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

/// Logs in; the header with the cookie.
#[track_caller]
fn login(service: &Service, token: &str) -> String {
    let reply = form(service, "/login", &own(service), &format!("token={token}&to=%2Fe%2Fdefault"));
    assert_eq!((reply.status, reply.header("location")), (303, "/e/default"), "{reply:?}");
    format!("Cookie: {}\r\n", reply.header("set-cookie").split(';').next().unwrap())
}

/// The token of the forms on a page.
fn form_token(page: &Reply) -> String {
    page.body.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn service(database: &Database) -> Service {
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "serve: { limits: { failuresPerMinute: 100000, perSecond: 0 } }");
    Service::of(&project, database, &[])
}

#[test]
fn every_page_has_a_row() {
    let routes: BTreeSet<(&str, &str)> = pages().map(|route| (route.method.word(), route.path)).collect();
    let rows: BTreeSet<(&str, &str)> = PAGES.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(routes, rows, "a page without a row, or a row without a page");
}

#[test]
fn strangers_are_sent_to_the_login_and_back() {
    let database = Database::new();
    let service = service(&database);
    for path in guarded(Method::Get) {
        let reply = service.open(path);
        let to: String = path
            .bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect();
        let expected = if path == "/" { "/login".to_owned() } else { format!("/login?to={to}") };
        assert_eq!((reply.status, reply.header("location")), (303, expected.as_str()));
        assert_eq!(reply.body, "");
        // a link on another site comes without the cookie: the page asks once more, by itself
        let linked = service.ask("GET", path, "Sec-Fetch-Site: cross-site\r\n");
        assert!(linked.status == 200 && linked.body.contains("http-equiv=\"refresh\""), "{linked:?}");
        for odd in ["Cookie: dagmar=\r\n", "Cookie: dagmar=00\r\n", "Authorization: Bearer wrong\r\n"] {
            assert_eq!(service.ask("GET", path, odd).status, 303, "{odd}");
        }
        let other = service.send(&format!("GET {path} HTTP/1.1\r\nHost: evil.example.org\r\n\r\n"));
        assert_eq!(other.status, 421, "{other:?}");
    }
    for path in guarded(Method::Post) {
        let sent = form(&service, path, &own(&service), "");
        assert_eq!((sent.status, sent.header("location")), (303, "/login"), "{path}");
    }
    let wrong = form(&service, "/login", &own(&service), "token=wrong&to=%2F");
    assert!(wrong.status == 401 && wrong.body.contains("This is not accepted"), "{wrong:?}");
    assert!(wrong.headers.iter().all(|(name, _)| name != "set-cookie"));
    let elsewhere = form(&service, "/login", &own(&service), &format!("token={SECRET}&to=%2F%2Fevil.example.org"));
    assert_eq!((elsewhere.status, elsewhere.header("location")), (303, "/"));
    // who is known is told what does not exist
    let cookie = login(&service, SECRET);
    let nothing = service.ask("GET", "/nothing", &format!("{cookie}Accept: text/html\r\n"));
    assert!(nothing.status == 404 && nothing.body.contains("there is no such path"), "{nothing:?}");
    let environment = service.ask("GET", "/e/other", &cookie);
    assert!(environment.status == 404 && environment.body.contains("no environment <code>other</code>"));
    let log = service.stop();
    assert!(!log.contains(SECRET) && !log.contains("wrong"), "{log}");
}

#[test]
fn a_session_opens_pages_and_nothing_else() {
    let (database, live) = (Database::new(), Database::new());
    let project = project(&[table("a")]);
    let config = format!(
        "serve: {{ limits: {{ failuresPerMinute: 100000, perSecond: 0 }} }}\nenvironments:\n  default: {{ url: \"{}\" }}\n  \
         live: {{ url: \"{}\", promoteFrom: default }}\n",
        database.url(),
        live.url()
    );
    project.write("dagmar.yaml", &config);
    let service = Service::start(&project, &["--env", "default"]);
    let run = service.post("/migrate", "{}").json()["id"].as_str().unwrap().to_owned();
    project.run(&["plan", "--for", "default", "--out", "p.plan"]).ok();
    let file = std::fs::read_to_string(project.path().join("p.plan")).unwrap();
    let media = "Content-Type: application/vnd.dagmar.plan+json\r\n";
    let plan = service.post_with("/api/v1/plans", media, &file).json()["digest"].as_str().unwrap().to_owned();
    let cookie = login(&service, SECRET);
    for path in guarded(Method::Get) {
        let path = &path.replace("RUN", &run).replace("PLAN", &plan);
        let page = service.ask("GET", path, &cookie);
        if path.ends_with("/stream") {
            assert_eq!((page.status, page.header("content-type")), (200, "text/event-stream"), "{page:?}");
            continue;
        }
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{page:?}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        assert!(!page.body.contains(SECRET) && page.body.contains("<h1>"));
        // also by the header: a monitor may look at pages
        assert_eq!(service.get(path).status, 200);
    }
    for route in ROUTES.iter().flat_map(|table| table.iter()) {
        if let Guard::Api(_) = route.guard {
            let reply = service.ask(route.method.word(), route.path, &cookie);
            assert_eq!(reply.code(), "unauthenticated", "{}", route.path);
        }
    }
    let cookie_twice = format!("{}; {}\r\n", cookie.trim_end(), cookie.trim_start_matches("Cookie: ").trim_end());
    assert_eq!(service.ask("GET", "/", &cookie_twice).status, 303);
    let page = service.ask("GET", "/", &cookie);
    for at in page.body.split(['"', '\'']).filter(|text| text.starts_with("/assets/")) {
        let asset = service.open(at);
        assert!(asset.status == 200 && asset.header("cache-control").contains("immutable"), "{at}");
    }
    assert_eq!(service.open("/assets/none").status, 404);
    service.stop();
}

#[test]
fn forms_of_other_pages_do_nothing() {
    let database = Database::new();
    let service = service(&database);
    let (cookie, other) = (login(&service, SECRET), login(&service, SECRET));
    let token = form_token(&service.ask("GET", "/", &cookie));
    let logout = |headers: &str, body: &str| form(&service, "/logout", headers, body);
    let right = format!("form_token={token}");
    for origin in [
        "",
        "Origin: null\r\n",
        "Origin: http://evil.example.org\r\n",
        "Origin: http://127.0.0.1\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let refused = logout(&format!("{cookie}{origin}"), &right);
        assert!(refused.status == 403 && refused.body.contains("Request from another site"), "{origin}: {refused:?}");
        let login = form(&service, "/login", origin, &format!("token={SECRET}&to=%2F"));
        assert_eq!(login.status, 403, "{origin}");
    }
    let own = own(&service);
    for body in ["", "form_token=", "form_token=00", &right[..right.len() - 1], "form_token=%ff"] {
        assert!([400, 403].contains(&logout(&format!("{cookie}{own}"), body).status), "{body}");
    }
    assert_eq!(logout(&format!("{other}{own}"), &right).status, 403, "the token is of another session");
    let done = logout(&format!("{cookie}{own}"), &right);
    assert_eq!((done.status, done.header("location")), (303, "/login"));
    assert!(done.header("set-cookie").starts_with("dagmar=; ") && done.header("set-cookie").ends_with("; Max-Age=0"));
    service.stop();
}

#[test]
fn sessions_end_with_the_service_or_with_their_key() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let first = Service::of(&project, &database, &[]);
    let cookie = login(&first, SECRET);
    first.stop();
    let second = Service::of(&project, &database, &[]);
    assert_eq!(second.ask("GET", "/", &cookie).status, 303, "it has another key");
    second.stop();
    project.secret("session.key", "0123456789abcdef0123456789abcdef");
    let key = ["--session-key", "session.key"];
    let first = Service::of(&project, &database, &key);
    let cookie = login(&first, SECRET);
    first.stop();
    let second = Service::of(&project, &database, &key);
    assert_eq!(second.ask("GET", "/", &cookie).status, 200, "it has the same key");
    second.stop();
    // who knew the former secret is nobody any more
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url(), key[0], key[1]]);
    command.env("DAGMAR_SECRET", "another secret of the service".replace(' ', "-"));
    let third = Service::run(command);
    assert_eq!(third.ask("GET", "/", &cookie).status, 303);
    third.stop();
    project.write("shared.key", "0123456789abcdef0123456789abcdef");
    let refused = project.command(&["serve", "--session-key", "shared.key"]).env("DAGMAR_SECRET", SECRET).output();
    let refused = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(refused.contains("can be read by others than its owner"), "{refused}");
}

#[test]
fn a_token_is_not_typed_into_a_page_without_tls() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let mut command = project.command(&["serve", "--listen", "0.0.0.0:0", "--url", &database.url()]);
    let service = Service::run({
        command.env("DAGMAR_SECRET", SECRET);
        command
    });
    let port = service.address.port();
    let host = format!("10.1.2.3:{port}");
    let page = service.send(&format!("GET /login HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(page.body.contains("The login needs HTTPS") && !page.body.contains("<input"), "{page:?}");
    let body = format!("token={SECRET}");
    let shown = service.send(&format!(
        "POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(shown.status, 403, "{shown:?}");
    assert!(shown.headers.iter().all(|(name, _)| name != "set-cookie"));
    service.stop();
    let tls = Service::of(&project, &database, &["--public-url", "https://d.example.org"]);
    let body = format!("token={SECRET}");
    let shown = tls.send(&format!(
        "POST /login HTTP/1.1\r\nHost: d.example.org\r\nOrigin: https://d.example.org\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(shown.header("set-cookie").starts_with("__Host-dagmar="), "{shown:?}");
    assert!(shown.header("set-cookie").contains("; Secure; HttpOnly; SameSite=Strict"));
    tls.stop();
}

#[test]
fn a_session_may_what_its_token_may_as_long_as_it_may() {
    let (dev, live) = (Database::new(), Database::new());
    let project = project(&[table("a")]);
    let config =
        format!("environments: {{ dev: {{ url: \"{}\" }}, live: {{ url: \"{}\" }} }}\n", dev.url(), live.url());
    project.write("dagmar.yaml", &config);
    let mut tokens = Tokens::default();
    let header = tokens.add("ann", &[Role::Read], |entry| entry.environments = Some(vec!["dev".to_owned()]));
    let text = header.trim_start_matches("Authorization: Bearer ").trim_end().to_owned();
    tokens.write(&project);
    let service = Service::start(&project, &["--env", "dev"]);
    let reply = form(&service, "/login", &own(&service), &format!("token={text}"));
    let cookie = format!("Cookie: {}\r\n", reply.header("set-cookie").split(';').next().unwrap());
    let overview = service.ask("GET", "/", &cookie);
    assert!(overview.body.contains("<span>ann</span>") && !overview.body.contains("live"), "{}", overview.body);
    assert_eq!(
        (service.ask("GET", "/e/dev", &cookie).status, service.ask("GET", "/e/live", &cookie).status),
        (200, 404)
    );
    // who has more sees more, also at the same time
    assert!(service.ask("GET", "/", &login(&service, SECRET)).body.contains("live"));
    Tokens::default().write(&project);
    until("the session ends with its token", || service.ask("GET", "/", &cookie).status == 303);
    let log = service.stop();
    assert!(!log.contains(&text));
}
