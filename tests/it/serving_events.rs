//! What a run tells while it goes on: as a stream that can be taken up again, and as one document.

use crate::support::http::{Event, names};
use crate::support::tokens::Tokens;
use crate::support::{
    Changeset, Database, Previewed, Project, Service, bearer, digest, project, sql, table, tables, until,
};
use dagmar::base::Role;
use dagmar::ops::TargetSpec;
use serde_json::{Value, json};

const RUNS: &str = "/api/v1/environments/default/runs";

fn held(id: &str) -> Changeset {
    sql(id, &format!("SELECT pg_advisory_xact_lock_shared(77, 1);\nCREATE TABLE {id} ()"), &format!("DROP TABLE {id}"))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

/// Starts a run of what is pending; its id.
#[track_caller]
fn start(service: &Service, project: &Project, database: &Database) -> String {
    let spec = TargetSpec { environment: Some("default".to_owned()), ..TargetSpec::url(&database.url()) };
    let seen = digest(project.path(), spec, &[], &Previewed::Pending(&[]));
    let reply = service.post_once(RUNS, &seen, &json!({ "digest": seen }));
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn events_of(id: &str) -> String {
    format!("{RUNS}/{id}/events")
}

fn ids(events: &[Event]) -> String {
    events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// The document of events.
#[track_caller]
fn document(service: &Service, path: &str) -> Value {
    let reply = service.ask("GET", path, &format!("{}Accept: application/json\r\n", bearer()));
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{reply:?}");
    reply.json()
}

#[test]
fn a_stream_has_the_lines_of_the_command_line() {
    let (database, other) = (Database::new(), Database::new());
    let project = project(&[table("a"), held("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let path = events_of(&start(&service, &project, &database));
    // two listen while it goes on, and one of them goes away
    let mut stream = service.events(&path, "");
    let mut gone = service.events(&path, "");
    let begun = stream.until("stepDone");
    assert_eq!(names(&begun), names(&gone.until("stepDone")));
    drop(gone);
    let so_far = document(&service, &path);
    assert_eq!((&so_far["over"], so_far["events"].as_array().unwrap().len() >= begun.len()), (&json!(false), true));
    drop(holder);
    let all = [begun, stream.rest()].concat();
    assert_eq!(stream.other, ["retry: 2000"]);
    let (last, lines) = all.split_last().unwrap();
    assert_eq!((last.name.as_str(), last.id.as_str()), ("ended", "end"));
    assert_eq!((&last.data["phase"], &last.data["done"]), (&json!("done"), &json!(["a", "b"])));
    let numbers: Vec<String> = (1..=lines.len()).map(|n| n.to_string()).collect();
    assert_eq!(ids(lines), numbers.join(" "));
    // the same as `apply` writes
    let written = project.on(&other, &["apply", "--format", "json"]).ok();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = written.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names(lines), kinds.join(" "));
    for (line, written) in lines.iter().zip(&written) {
        assert_eq!(line.data["event"], line.name);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&line.data), keys(written), "{}", line.name);
    }
    // from where the client was
    let from = |place: &str| service.events(&path, &format!("Last-Event-ID: {place}\r\n")).rest();
    assert_eq!(ids(&from("2")), [&numbers[2..].join(" "), "end"].join(" "));
    assert_eq!(ids(&from(numbers.last().unwrap())), "end");
    let end = service.ask("GET", &path, &format!("{}Last-Event-ID: end\r\n", bearer()));
    assert_eq!((end.status, end.body.as_str()), (204, ""), "a browser that has all of it does not come again");
    for wrong in ["x", "-1", "L"] {
        let reply = service.ask("GET", &path, &format!("{}Last-Event-ID: {wrong}\r\n", bearer()));
        assert_eq!((reply.status, reply.code().as_str()), (400, "badRequest"), "{wrong}");
    }
    // as documents, page by page
    let page = document(&service, &format!("{path}?limit=2"));
    assert_eq!(
        (page["events"].as_array().unwrap().len(), &page["next"], &page["over"]),
        (2, &json!("2"), &json!(false))
    );
    let rest = document(&service, &format!("{path}?after=2"));
    assert_eq!(rest["events"].as_array().unwrap().len(), lines.len() - 2);
    assert_eq!((&rest["over"], &rest["next"]), (&json!(true), &json!(numbers.last().unwrap())));
    assert_eq!(rest["events"][0], json!({ "id": "3", "event": lines[2].data }));
    // a number that no line has yet is of another log
    for beyond in [lines.len() as u64 + 1, u64::MAX] {
        let whole = document(&service, &format!("{path}?after={beyond}"));
        assert_eq!(whole["events"][0]["event"], json!({ "event": "gap", "from": beyond.to_string(), "to": null }));
        assert_eq!(whole["events"].as_array().unwrap().len(), lines.len() + 1);
    }
}

#[test]
fn a_run_of_another_process_is_told_from_the_ledger() {
    let database = Database::new();
    let project = project(&[table("a"), held("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let command = project.start(&database, &["apply"]);
    database.until_runs("CREATE TABLE b");
    let run = service.get(RUNS).json()["runs"][0].clone();
    assert_eq!((&run["phase"], &run["id"], &run["here"]), (&json!("running"), &run["run"], &json!(false)));
    let path = events_of(run["run"].as_str().unwrap());
    let mut stream = service.events(&path, "");
    let begun = stream.until("applied");
    assert_eq!((&begun[0].data["detail"]["steps"], begun[0].name.as_str()), (&json!(2), "runStarted"));
    assert_eq!(begun.last().unwrap().data["changeset"], "a");
    drop(holder);
    command.end().ok();
    let rest = stream.rest();
    assert_eq!(names(&rest), "applied runFinished ended");
    assert_eq!(rest.last().unwrap().data["done"], json!(["a", "b"]));
    let all = [begun, rest].concat();
    assert!(all.iter().all(|event| event.id.starts_with('L') || event.id == "end"), "{}", ids(&all));
    // from where the client was
    let after = service.events(&path, &format!("Last-Event-ID: {}\r\n", all[all.len() - 3].id)).rest();
    assert_eq!(names(&after), "runFinished ended");
    let history = document(&service, &path);
    let kinds: Vec<&str> =
        history["events"].as_array().unwrap().iter().map(|item| item["event"]["event"].as_str().unwrap()).collect();
    assert_eq!((kinds.join(" "), &history["over"]), (names(&all[..all.len() - 1]), &json!(true)));
    let none = service.get(&events_of("0123456789abcdef"));
    assert_eq!((none.status, none.code().as_str()), (404, "notFound"));
}

#[test]
fn a_stream_goes_on_after_a_restart() {
    let database = Database::new();
    let project = project(&[table("a"), held("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &["--on-stop", "finish"]);
    let holder = database.hold(HOLD);
    let id = start(&service, &project, &database);
    let mut stream = service.events(&events_of(&id), "");
    let begun = stream.until("stepDone");
    // who listens is told that the service stops; what it does goes on
    service.signal("TERM");
    assert_eq!(names(&stream.until("stopping")).rsplit(' ').next(), Some("stopping"));
    drop((stream, holder));
    let mut service = service;
    assert_eq!(service.end().0, 0, "{}", service.log());
    assert_eq!(tables(&database), "a b");
    let service = Service::of(&project, &database, &[]);
    let last = begun.last().unwrap();
    let again = service.events(&events_of(&id), &format!("Last-Event-ID: {}\r\n", last.id)).rest();
    // the numbers of the other process mean nothing here: all that the ledger has
    assert_eq!((again[0].name.as_str(), &again[0].data["from"]), ("gap", &json!(last.id)));
    assert_eq!(names(&again[1..]), "runStarted applied applied runFinished ended");
    assert_eq!((&again.last().unwrap().data["id"], &again.last().unwrap().data["phase"]), (&json!(id), &json!("done")));
}

#[test]
fn a_run_that_connects_again_is_one_run() {
    let database = Database::new();
    let project = project(&[table("a"), held("b").depends_on(["a"]), table("c").depends_on(["b"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let id = start(&service, &project, &database);
    database.until_runs("pg_advisory_xact_lock_shared");
    let first = service.get(&format!("{RUNS}/{id}")).json()["run"].clone();
    database.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE \
         'dagmar%'",
    );
    database.until("SELECT count(*) = 2 FROM dagmar.run");
    drop(holder);
    let seen = service.events(&events_of(&id), "").rest();
    assert_eq!(names(&seen).matches("runStarted").count(), 2, "{}", names(&seen));
    let here = &seen.last().unwrap().data;
    assert_eq!((&here["phase"], &here["done"]), (&json!("done"), &json!(["a", "b", "c"])));
    // and by the ledger, under all of its names
    service.stop();
    let service = Service::of(&project, &database, &[]);
    for name in [id.as_str(), first.as_str().unwrap(), here["run"].as_str().unwrap()] {
        let run = service.get(&format!("{RUNS}/{name}")).json();
        assert_eq!((&run["id"], &run["run"], &run["phase"]), (&json!(id), &here["run"], &json!("done")));
        assert_eq!((&run["done"], &run["steps"]), (&json!(["a", "b", "c"]), &json!(3)));
    }
    let list = service.get(RUNS).json();
    assert_eq!((list["runs"].as_array().unwrap().len(), &list["runs"][0]["run"]), (1, &here["run"]));
    let told = names(&service.events(&events_of(&id), "").rest());
    assert_eq!(told.replace("retried ", ""), "runStarted applied runStarted applied applied runFinished ended");
}

#[test]
fn the_lines_of_the_last_runs_are_kept() {
    let database = Database::new();
    let names_of: Vec<String> = (1..=7).map(|n| format!("t{n}")).collect();
    let project = project(&names_of.iter().map(|name| table(name)).collect::<Vec<_>>());
    let service = Service::of(&project, &database, &[]);
    let run = |name: &String| {
        let reply = service.post("/migrate", &json!({ "migration_name": name }).to_string());
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let runs: Vec<String> = names_of.iter().map(run).collect();
    let first_id = |id: &String| service.events(&events_of(id), "").next().unwrap().id;
    let firsts: Vec<String> = runs.iter().map(first_id).collect();
    let of_the_ledger = firsts.iter().take_while(|id| id.starts_with('L')).count();
    assert_eq!((of_the_ledger, &firsts[2..]), (2, vec!["1".to_owned(); 5].as_slice()), "{firsts:?}");
    // what is known of the others is more than the ledger has
    let old = service.get(&format!("{RUNS}/{}", runs[0])).json();
    assert_eq!((&old["here"], &old["changesets"]), (&json!(true), &json!(["t1"])));
    let again = service.events(&events_of(&runs[0]), "Last-Event-ID: 2\r\n").rest();
    assert_eq!(names(&again), "gap runStarted applied runFinished ended");
}

#[test]
fn streams_have_a_limit_and_outlive_silence() {
    let database = Database::new();
    let project = project(&[held("a")]);
    let limits = "streams: 3, streamsPerCaller: 2, headerTime: 1s, bodyTime: 1s, requestTime: 1s";
    project.write("dagmar.yaml", &format!("serve: {{ limits: {{ {limits} }} }}"));
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let path = events_of(&start(&service, &project, &database));
    let (mut first, mut second) = (service.events(&path, ""), service.events(&path, ""));
    first.until("stepStarted");
    second.until("stepStarted");
    let third = service.get(&path);
    assert_eq!((third.status, third.code().as_str()), (503, "overloaded"));
    // another caller has places of his own
    assert_eq!(service.ask("HEAD", &path, &reader).status, 200);
    // a document is no stream
    assert_eq!(document(&service, &path)["over"], false);
    drop(second);
    // its place is free when the service notices
    let mut next = None;
    until("there is a place", || {
        let reply = service.ask("HEAD", &path, &bearer());
        next = Some(reply.status);
        next == Some(200)
    });
    // longer than any limit of a request
    let began = std::time::Instant::now();
    until("limits have passed", || began.elapsed() > std::time::Duration::from_secs(3));
    drop(holder);
    assert_eq!(first.rest().last().unwrap().data["phase"], "done");
}
