//! What a service does with a dagmar.yaml that changed, and with environments that its callers do not see.

use crate::support::tokens::Tokens;
use crate::support::{Database, SECRET, Service, bearer, project, sql, table, until};
use dagmar::base::Role;

#[test]
fn a_broken_project_is_not_taken_over() {
    let (dev, live, strange) = (Database::new(), Database::new(), Database::new());
    let project = project(&[table("a")]);
    let good = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev }}\n",
        dev.url(),
        live.url()
    );
    project.write("dagmar.yaml", &good);
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DAGMAR_SECRET", SECRET);
    let service = Service::run(command);
    let names = || {
        let answer = service.get("/api/v1/environments").json();
        let names: Vec<String> =
            answer["environments"].as_array().unwrap().iter().map(|one| one["name"].to_string()).collect();
        names.join(" ")
    };
    let only_live = format!("environments:\n  live: {{ url: \"{}\" }}\n", live.url());
    let turned =
        format!("environments:\n  strange: {{ url: \"{}\" }}\n  dev: {{ url: \"{}\" }}\n", strange.url(), dev.url());
    for (times, broken) in ["environments: [", "", "# being written", &only_live, &turned].iter().enumerate() {
        project.write("dagmar.yaml", broken);
        service.signal("HUP");
        let refused = || service.log().matches("the project cannot be read again").count();
        until("it was refused", || refused() == times + 1);
        assert_eq!(names(), "\"dev\" \"live\"", "{broken}");
        assert_eq!(service.get("/status").json()["environment"], "dev", "{broken}");
    }
    assert_eq!(service.post("/migrate", "").status, 200);
    assert_eq!(
        (dev.sql("SELECT to_regclass('a')"), strange.sql("SELECT to_regclass('a') IS NULL")),
        ("a".into(), "t".into())
    );
    project.write("dagmar.yaml", &good.replace("live:", "prod:"));
    service.signal("HUP");
    service.until_logged("the project was read again");
    assert_eq!(names(), "\"dev\" \"prod\"");
    service.stop();
}

#[test]
fn an_administrator_has_the_project_read_again() {
    let (dev, live) = (Database::new(), Database::new());
    let project = project(&[table("a")]);
    let of_dev = format!("environments:\n  dev: {{ url: \"{}\" }}\n", dev.url());
    project.write("dagmar.yaml", &of_dev);
    let mut tokens = Tokens::default();
    let admin = tokens.add("admin", &[Role::Admin], |_| ());
    let others = tokens.add("others", &[Role::Run, Role::Approve], |_| ());
    tokens.write(&project);
    let service = Service::start(&project, &[]);
    let before = service.get("/api/v1/project").json();
    let reload = |header: &str| service.ask("POST", "/api/v1/project/reload", header);
    let both = format!("{of_dev}  live: {{ url: \"{}\", promoteFrom: dev }}\n", live.url());
    project.write("dagmar.yaml", &both);
    for header in [&bearer(), &others] {
        assert_eq!((reload(header).status, reload(header).code().as_str()), (403, "forbidden"));
    }
    assert_eq!(service.get("/api/v1/environments/live/status").status, 404);
    let read = reload(&admin).json();
    assert_eq!(service.get("/api/v1/environments/live/status").status, 200);
    assert_eq!((&read["name"], &read["problems"]), (&before["name"], &serde_json::json!([])));
    assert_eq!(read, service.get("/api/v1/project").json());
    let at = |project: &serde_json::Value| project["readAt"].as_str().unwrap().to_owned();
    assert!(at(&read) >= at(&before));
    // it is the same as the signal: what is broken is not taken over, and said to who asked
    for broken in ["environments: [", &both.replace("dev:", "other:").replace("promoteFrom: dev", "promoteFrom: other")]
    {
        project.write("dagmar.yaml", broken);
        let refused = reload(&admin);
        assert_eq!((refused.status, refused.code().as_str()), (422, "source"), "{}", refused.body);
        assert!(!refused.json()["detail"].as_str().unwrap().is_empty());
        assert_eq!(at(&service.get("/api/v1/project").json()), at(&read));
        assert_eq!(service.get("/api/v1/environments/live/status").status, 200);
    }
    assert_eq!(service.log().matches("the project cannot be read again").count(), 2);
    assert_eq!(service.log().matches("the project was read again").count(), 1);
    service.stop();
}

#[test]
fn a_source_that_a_caller_does_not_see_is_none_for_him() {
    let live = Database::new();
    let project = project(&[table("a")]);
    let hidden = "postgres://hiddenuser@127.0.0.1:1/hiddenname";
    let config = format!(
        "environments:\n  dev: {{ url: \"{hidden}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev }}\n",
        live.url()
    );
    project.write("dagmar.yaml", &config);
    let mut tokens = Tokens::default();
    let header = tokens.add("live", &Role::ALL, |entry| entry.environments = Some(vec!["live".to_owned()]));
    tokens.write(&project);
    let service = Service::start(&project, &["--env", "live"]);
    let ask = |path: &str, headers: &str, body: &str| {
        let (host, length) = (service.address, body.len());
        service.send(&format!(
            "POST /api/v1/environments/live/{path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ))
    };
    let start = format!("{header}Idempotency-Key: k\r\n");
    for (path, headers, body) in [
        ("promotion-plan", &header, "{}"),
        ("promotion-plan", &header, "{\"from\":\"dev\"}"),
        ("promotions", &start, "{\"digest\":\"x\"}"),
        ("promotions", &start, "{\"digest\":\"x\",\"from\":\"dev\"}"),
    ] {
        let reply = ask(path, headers, body);
        assert_eq!((reply.status, reply.code().as_str()), (404, "notFound"), "{path} {body}");
        let names_it = !body.contains("dev") && reply.body.contains("dev");
        assert!(!reply.body.contains("hidden") && !names_it, "{}", reply.body);
    }
    let why = |headers: &str| service.ask("GET", "/api/v1/environments/live/changesets/a/why", headers).body;
    let page = |path: &str, headers: &str| service.ask("GET", path, headers).body;
    let changeset = "/e/live/changeset?id=a";
    for hidden in [why(&header), page(changeset, &header), page("/e/live", &header), page("/", &header)] {
        let hidden = hidden.replace("device-width", "");
        assert!(!hidden.contains("hiddenname") && !hidden.contains("dev"), "{hidden}");
    }
    assert!(why(&bearer()).contains("`dev` cannot be queried") && page(changeset, &bearer()).contains("dev"));
    // who sees both is told what is wrong with it
    assert!(ask("promotion-plan", &bearer(), "{}").body.contains("hiddenname"));
    service.stop();
}

#[test]
fn a_stream_ends_with_the_token_that_opened_it() {
    let database = Database::new();
    let held = sql("a", "SELECT pg_advisory_xact_lock_shared(77, 1)", "SELECT 1");
    let project = project(&[held]);
    let mut tokens = Tokens::default();
    let header = tokens.add("reader", &[Role::Read], |_| ());
    tokens.write(&project);
    let hold = database.hold("SELECT pg_advisory_lock(77, 1)");
    let running = project.start(&database, &["apply"]);
    let service = Service::of(&project, &database, &[]);
    let runs = || service.get("/api/v1/environments/default/runs").json()["runs"].as_array().cloned().unwrap();
    database.until_runs("pg_advisory_xact_lock_shared");
    let id = runs()[0]["id"].as_str().unwrap().to_owned();
    let mut http = service.connect();
    http.send(format!(
        "GET /api/v1/environments/default/runs/{id}/events HTTP/1.1\r\nHost: {}\r\n{header}\r\n",
        service.address
    ));
    Tokens::default().write(&project);
    let told = http.ended();
    assert!(told.starts_with("HTTP/1.1 200") && !told.contains("event: ended"), "{told}");
    drop(hold);
    drop(running);
    service.stop();
}
