//! The service, as scripts and probes see it: what an environment has, whether it is ready, start and stop.

use crate::support::{Database, Project, SECRET, Service, bearer, project, sql, table};
use dagmar::serve::old::ROUTES;
use dagmar::serve::route::Method;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Waits until the default environment was looked at.
fn ready(service: &Service) {
    assert_eq!(service.open("/ready").json(), json!({ "status": "ready" }));
}

#[test]
fn status_says_what_is_applied_pending_and_failed() {
    let database = Database::new();
    let all = [
        table("a"),
        table("c").depends_on(["b"]),
        sql("b", "CREATE TABLE b (n int); SELECT 1/0", "DROP TABLE b").depends_on(["a"]),
        table("d"),
    ];
    let project = project(&all);
    project.on(&database, &["apply", "--select", "+b"]).fails(8);
    let service = Service::of(&project, &database, &[]);
    let reply = service.get("/status");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    let found = reply.json();
    let names =
        |list: &str| -> Vec<Value> { found[list].as_array().unwrap().iter().map(|row| row["name"].clone()).collect() };
    assert_eq!(
        (names("applied"), names("pending"), names("failed")),
        (vec![json!("a")], vec![json!("c"), json!("d")], vec![json!("b")])
    );
    assert_eq!((&found["database"], &found["running"]), (&json!(database.name), &Value::Null));
    let first = &found["applied"][0];
    assert_eq!(first["applied_by"], "postgres");
    assert!(first["applied_at"].as_str().unwrap().ends_with('Z') && first["execution_time_ms"].is_u64(), "{first}");
    assert!(found["failed"][0]["error"].as_str().unwrap().contains("division by zero"), "{found}");
    // what was applied meanwhile is seen at once
    project.on(&database, &["apply", "--select", "d"]).ok();
    assert_eq!(service.get("/status").json()["applied"][1]["name"], "d");
    service.stop();
}

#[test]
fn mistakes_in_the_files_leave_what_the_ledger_says() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.get("/status").status, 200);
    project.write("plans/more.yaml", "changesets: [{ id: b, dependsOn: [nobody], changes: [] }]");
    assert_eq!(service.get("/status").status, 200, "files are read when it is told to");
    service.signal("HUP");
    service.until_logged("the project was read again");
    let reply = service.get("/status");
    let found = reply.json();
    assert_eq!((reply.status, reply.code().as_str()), (422, "source"));
    assert_eq!((&found["applied"][0]["name"], &found["environment"]), (&json!("a"), &json!("default")));
    assert!(found.get("pending").is_none() && found["diagnostics"].as_array().is_some_and(|all| !all.is_empty()));
    // a folder that is no project any more: what was read stays
    std::fs::rename(project.path().join("dagmar.yaml"), project.path().join("away")).unwrap();
    service.signal("HUP");
    service.until_logged("cannot be read again");
    assert_eq!(service.get("/status").status, 422);
    std::fs::rename(project.path().join("away"), project.path().join("dagmar.yaml")).unwrap();
    project.write("plans/more.yaml", &crate::support::file(&[table("b")]));
    service.signal("HUP");
    crate::support::until("it reads the project again", || service.get("/status").status == 200);
    assert_eq!(service.get("/status").json()["pending"][0]["name"], "b");
}

#[test]
fn environments_are_named_or_the_default_one() {
    let (dev, live) = (Database::new(), Database::new());
    let urls = format!(
        "environments: {{ dev: {{ url: '{}' }}, live: {{ url: '{}' }}, other: {{ url: '{}' }} }}",
        dev.url(),
        live.url(),
        live.url()
    );
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", &urls);
    project.run(&["apply", "--env", "live", "--yes"]).ok();
    let service = Service::start(&project, &["--environments", "dev,live"]);
    let asked = |path: &str| {
        let found = service.get(path).json();
        (found["environment"].clone(), found["database"].clone(), found["applied"].as_array().map_or(9, Vec::len))
    };
    assert_eq!(asked("/status"), (json!("dev"), json!(dev.name), 0));
    assert_eq!(asked("/status?environment=live"), (json!("live"), json!(live.name), 1));
    for path in ["/status?environment=other", "/status?environment=none", "/status?environment="] {
        assert_eq!((service.get(path).status, service.get(path).code().as_str()), (404, "notFound"), "{path}");
    }
    assert_eq!(service.get("/status?env=live").code(), "badRequest");
    assert_eq!(service.get("/status?environment=dev&environment=live").code(), "badRequest");
    // another default environment
    let service = Service::start(&project, &["--env", "live"]);
    assert_eq!(service.get("/status").json()["environment"], "live");
}

/// A database that is away: the service says so, to strangers without a word about the place.
#[test]
fn readiness_is_not_health() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let url = "postgres://somebody:hunter22@127.0.0.1:1/hidden_name";
    let service = Service::start(&project, &["--url", url]);
    assert_eq!((service.open("/health").status, service.open("/health").json()), (200, json!({ "status": "ok" })));
    let reply = service.open("/ready");
    assert_eq!((reply.status, reply.code().as_str()), (503, "unreachable"));
    let status = service.get("/status");
    assert_eq!((status.status, status.code().as_str()), (503, "database"));
    service.until_logged("not ready: ");
    assert!(service.log().contains("127.0.0.1"), "{}", service.log());
    for secret in ["hunter22", SECRET] {
        assert!(![&reply.body, &status.body, &service.log()].iter().any(|text| text.contains(secret)));
    }
    assert!(
        !reply.body.contains("127.0.0.1") && !reply.body.contains("hidden_name") && !reply.body.contains("somebody")
    );
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", service.pid())).unwrap();
    assert!(!command_line.contains(SECRET));
    service.stop();
    project.write("dagmar.yaml", "environments: { a: { urll: x } }");
    let service = Service::of(&project, &database, &[]);
    assert_eq!((service.open("/ready").code().as_str(), service.open("/health").status), ("broken", 200));
}

/// Strangers may ask for readiness: that is one look at the database at a time, also for those who do not wait.
#[test]
fn readiness_is_one_look_at_a_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = looks.clone();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        // a server that never says a word
        for stream in silent.incoming() {
            kept.push(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let project = Project::new(&[]);
    let service = Service::start(&project, &["--url", &format!("postgres://{address}/none?sslmode=disable")]);
    for _ in 0..50 {
        let mut gone = service.connect();
        gone.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_eq!(service.open("/health").status, 200, "who went away was read");
    assert_eq!(service.open("/ready").code(), "unreachable");
    let found = looks.load(Ordering::SeqCst);
    assert!((1..=2).contains(&found), "{found} looks");
}

/// Clients that ask while a read is under way share the next one.
#[test]
fn many_clients_are_few_connections() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let service = Service::of(&project, &database, &["--observe", "0s"]);
    ready(&service);
    let holder = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let ask = || {
        let mut http = service.connect();
        http.send(format!("GET /status HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer()));
        http
    };
    let first = ask();
    database.until_runs("%dagmar%changeset%");
    let mut later: Vec<_> = (0..30).map(|_| ask()).collect();
    later.push(first);
    // another answer comes through meanwhile, and all have been read by then
    assert_eq!(service.get("/nothing").status, 404);
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(database.sql(sessions), "1");
    drop(holder);
    for mut http in later {
        assert_eq!(http.reply().unwrap().json()["applied"][0]["name"], "a");
    }
    service.stop();
}

#[test]
fn a_stop_lets_requests_end() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let mut service = Service::of(&project, &database, &["--observe", "0s"]);
    ready(&service);
    let holder = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let (mut idle, mut silent, mut asking) = (service.connect(), service.connect(), service.connect());
    idle.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").reply().unwrap();
    asking.send(format!("GET /status HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer()));
    database.until_runs("%dagmar%changeset%");
    service.signal("TERM");
    service.until_logged("stopping");
    assert_eq!((idle.ended(), silent.ended()), (String::new(), String::new()), "who asks nothing is let go at once");
    crate::support::until("it listens no more", || TcpStream::connect(service.address).is_err());
    drop(holder);
    let reply = asking.reply().unwrap();
    assert_eq!((reply.status, &reply.json()["applied"][0]["name"]), (200, &json!("a")));
    assert_eq!(service.end().0, 0, "{}", service.log());
    service.until_logged("stopped");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let mut service = Service::of(&project, &database, &["--observe", "0s"]);
    ready(&service);
    let _holder = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let mut asking = service.connect();
    asking.send(format!("GET /status HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer()));
    database.until_runs("%dagmar%changeset%");
    service.signal("INT");
    service.until_logged("stopping");
    service.signal("TERM");
    let (code, took) = service.end();
    assert!(code == 9 && took < Duration::from_secs(5), "{code} {took:?}");
    service.until_logged("ended at once by a second signal");
}

/// A request that never ends does not keep the service for ever.
#[test]
fn a_stop_does_not_wait_for_ever() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let mut service = Service::of(&project, &database, &["--observe", "0s"]);
    ready(&service);
    let _holder = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let mut asking = service.connect();
    asking.send(format!("GET /status HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer()));
    database.until_runs("%dagmar%changeset%");
    service.signal("TERM");
    let (code, took) = service.end();
    assert!(code == 0 && (9..20).contains(&took.as_secs()), "{code} {took:?}");
    service.until_logged("requests did not end in time");
}

/// The private server runs as long as the service, and not once for each read.
#[test]
fn the_private_server_stays_while_the_service_runs() {
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "environments: { dev: { url: embedded }, two: { url: embedded } }");
    let service = Service::start(&project, &[]);
    ready(&service);
    let running = |environment: &str| {
        project.run(&["dev", "status", "--env", environment, "--format", "json"]).json()["running"].clone()
    };
    assert_eq!((running("dev"), running("two")), (json!(true), json!(false)));
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(service.get("/status").json()["pending"][0]["name"], "a");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "no server is started for a read: {:?}", began.elapsed());
    assert_eq!(service.get("/status?environment=two").status, 200);
    assert_eq!(running("two"), true);
    service.stop();
    assert_eq!((running("dev"), running("two")), (json!(false), json!(false)));
    project.run(&["dev", "reset", "--yes"]).ok();
    project.run(&["dev", "reset", "--env", "two", "--yes"]).ok();
}

#[test]
fn the_log_is_text_or_json_without_secrets() {
    let database = Database::new();
    let project = Project::new(&[]);
    let service = Service::of(&project, &database, &["--log-format", "json", "--log-level", "debug"]);
    let reply = service.get("/status");
    service.ask("GET", "/status", "Authorization: Bearer another-secret\r\n");
    service.open("/health");
    let id = reply.header("x-request-id").to_owned();
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    let log = service.stop();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about = |id: &str| lines.iter().find(|line| line["fields"]["request"] == id).unwrap()["fields"].clone();
    let line = about(&id);
    let of = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["method", "route", "person", "way", "address"].map(of),
        ["GET", "status", "secret", "secret", "127.0.0.1"]
    );
    assert_eq!((&line["status"], line["ms"].is_u64()), (&json!(200), true));
    let refused = lines.iter().find(|line| line["fields"]["status"] == 401).unwrap();
    assert_eq!((&refused["fields"]["refusal"], &refused["fields"]["route"]), (&json!("unauthenticated"), &json!("-")));
    assert!(lines.iter().any(|line| line["fields"]["route"] == "health" && line["level"] == "DEBUG"));
    assert!(!log.contains(SECRET) && !log.contains("another-secret"), "{log}");
    let service = Service::of(&project, &database, &[]);
    service.open("/health");
    service.get("/status");
    let log = service.stop();
    assert!(log.contains(" INFO request method=GET route=\"status\" status=200") && !log.contains("health"), "{log}");
}

/// Programs of the project run with the rights of the service, but have nothing to do with its clients.
#[test]
fn programs_of_the_project_do_not_get_the_secret() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let command = format!("env > environment.txt; echo '{}'", database.url());
    let config = json!({
        "variables": { "stolen": "${DAGMAR_SECRET}" },
        "environments": { "dev": { "urlCommand": ["sh", "-c", command] } }
    });
    project.write("dagmar.yaml", &config.to_string());
    let service = Service::start(&project, &[]);
    let reply = service.get("/status");
    assert!(reply.status != 200 && reply.body.contains("DAGMAR_SECRET") && !reply.body.contains(SECRET), "{reply:?}");
    project.write(
        "dagmar.yaml",
        &json!({ "environments": { "dev": { "urlCommand": ["sh", "-c", command] } } }).to_string(),
    );
    service.signal("HUP");
    service.until_logged("the project was read again");
    assert_eq!(service.get("/status").status, 200);
    let environment = std::fs::read_to_string(project.path().join("environment.txt")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains(SECRET), "{environment}");
    service.stop();
}

/// What a route says of its answers holds; those of the API are compared with their document (`serving_openapi.rs`).
#[test]
fn answers_are_those_that_the_routes_name() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"])]);
    project.on(&database, &["apply", "--select", "a"]).ok();
    let service = Service::of(&project, &database, &[]);
    let mut with_schema = 0;
    for route in ROUTES {
        let reply = match route.method {
            Method::Get => service.get(route.path),
            Method::Post => {
                service.post(route.path, if route.path == "/rollback" { r#"{"last_run":true}"# } else { "" })
            }
        };
        let named = route.replies.iter().find(|named| named.status == reply.status);
        let named = named.unwrap_or_else(|| panic!("{}: {reply:?}", route.path));
        assert_eq!(reply.header("content-type"), named.media);
        let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let Some(mut schema) = named.schema.map(|schema| schema(&mut generator).to_value()) else { continue };
        schema["$defs"] = Value::Object(generator.take_definitions(true));
        // closed, so that a field without a schema is noticed
        for definition in schema["$defs"].as_object_mut().unwrap().values_mut() {
            if definition.get("properties").is_some() {
                definition["additionalProperties"] = false.into();
            }
        }
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&reply.json()).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}\n{}", route.path, reply.body);
        assert!(!validator.is_valid(&json!({ "status": 1, "more": 1 })));
        with_schema += 1;
    }
    assert!(with_schema >= 5);
}
