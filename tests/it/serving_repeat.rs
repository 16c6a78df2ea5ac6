//! A request that comes twice runs once: sent again, after a restart, at another service, and by two people at once.

use crate::support::http::Reply;
use crate::support::{Changeset, Database, Previewed, Project, Service, digest, project, sql, table, tables, until};
use dagmar::ops::TargetSpec;
use dagmar::plan::rollback::Target as Which;
use serde_json::{Value, json};

const RUNS: &str = "/api/v1/environments/default/runs";
const ROLLBACKS: &str = "/api/v1/environments/default/rollbacks";

fn held(id: &str) -> Changeset {
    sql(id, &format!("SELECT pg_advisory_xact_lock_shared(77, 1);\nCREATE TABLE {id} ()"), &format!("DROP TABLE {id}"))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

fn seen(project: &Project, database: &Database, what: &Previewed<'_>) -> Value {
    let spec = TargetSpec { environment: Some("default".to_owned()), ..TargetSpec::url(&database.url()) };
    json!({ "digest": digest(project.path(), spec, &[], what) })
}

/// Waits for the end of a run.
#[track_caller]
fn over(service: &Service, reply: &Reply) -> Value {
    let path = reply.header("location").to_owned();
    let mut run = Value::Null;
    until("it is over", || {
        run = service.get(&path).json();
        !run["finishedAt"].is_null()
    });
    run
}

#[track_caller]
fn replayed(reply: &Reply, first: &Reply) {
    assert_eq!((reply.status, reply.header("idempotent-replayed")), (200, "true"), "{reply:?}");
    assert_eq!((&reply.json()["id"], &reply.json()["run"]), (&first.json()["id"], &first.json()["run"]));
    assert_eq!(reply.header("location"), first.header("location"));
}

#[test]
fn a_key_holds_over_a_restart_and_at_another_service() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let body = seen(&project, &database, &Previewed::Pending(&[]));
    let first = service.post_once(RUNS, "release-7", &body);
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(over(&service, &first)["phase"], "done");
    replayed(&service.post_once(RUNS, "release-7", &body), &first);
    // a rollback of the last run would go further back if it were run again
    let mut back = seen(&project, &database, &Previewed::Rollback(Which::LastRun, false));
    back["lastRun"] = json!(true);
    let rollback = service.post_once(ROLLBACKS, "back", &back);
    assert_eq!(over(&service, &rollback)["done"], json!(["b", "a"]));
    project.on(&database, &["apply"]).ok();
    service.stop();
    let (later, other) = (Service::of(&project, &database, &[]), Service::of(&project, &database, &[]));
    for service in [&later, &other] {
        replayed(&service.post_once(RUNS, "release-7", &body), &first);
        replayed(&service.post_once(ROLLBACKS, "back", &back), &rollback);
        // the key is that of the request
        for (path, key, body) in
            [(RUNS, "release-7", json!({ "digest": "p1:00" })), (ROLLBACKS, "release-7", back.clone())]
        {
            let reply = service.post_once(path, key, &body);
            assert_eq!((reply.status, reply.code().as_str()), (422, "idempotencyKeyReused"), "{reply:?}");
            assert_eq!(reply.json()["id"], first.json()["id"]);
        }
    }
    assert_eq!(tables(&database), "a b");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "3");
    // a day later it is another request
    database.sql("UPDATE dagmar.run SET started_at = started_at - interval '25 hours'");
    let reply = other.post_once(RUNS, "release-7", &seen(&project, &database, &Previewed::Pending(&[])));
    assert!(reply.status == 200 && !reply.headers.iter().any(|(name, _)| name == "idempotent-replayed"), "{reply:?}");
}

#[test]
fn the_routes_of_scripts_know_keys_of_before_too() {
    let database = Database::new();
    let broken = [table("a"), sql("b", "SELECT 1/0", "SELECT 1").depends_on(["a"])];
    let project = project(&broken);
    let service = Service::of(&project, &database, &[]);
    let key = "Idempotency-Key: 1\r\n";
    let first = service.post_with("/migrate", key, r#"{"migration_name":"a"}"#);
    let failed = service.post_with("/migrate", "Idempotency-Key: 2\r\n", "{}");
    assert_eq!((first.status, failed.status), (200, 500), "{first:?} {failed:?}");
    service.stop();
    let service = Service::of(&project, &database, &[]);
    let again = service.post_with("/migrate", key, r#"{"migration_name":"a"}"#);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), "true"));
    let again = service.post_with("/migrate", "Idempotency-Key: 2\r\n", "{}");
    assert_eq!((again.status, again.code().as_str(), again.header("idempotent-replayed")), (500, "failed", "true"));
    assert_eq!((&again.json()["id"], &again.json()["applied"]), (&failed.json()["id"], &json!([])));
    let other = service.post_with("/migrate", key, "{}");
    assert_eq!((other.status, other.code().as_str()), (422, "idempotencyKeyReused"));
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "2");
}

#[test]
fn a_client_that_goes_away_finds_its_run_again() {
    let database = Database::new();
    let project = project(&[held("a"), table("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let body = seen(&project, &database, &Previewed::Pending(&[]));
    let client = service.begin(RUNS, "Idempotency-Key: once\r\n", &body.to_string());
    database.until_runs("pg_advisory_xact_lock_shared");
    drop(client);
    let found = service.post_once(RUNS, "once", &body);
    assert_eq!((found.status, found.header("idempotent-replayed")), (200, "true"));
    assert_eq!(found.json()["phase"], "running");
    // another service does not know the request, and its run has the lock
    let other = Service::of(&project, &database, &[]);
    let there = other.post_once(RUNS, "once", &body);
    replayed(&there, &found);
    assert_eq!((&there.json()["phase"], &there.json()["here"]), (&json!("running"), &json!(false)));
    drop(holder);
    assert_eq!(over(&service, &found)["done"], json!(["a", "b"]));
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "1");
}

#[test]
fn two_people_at_two_services_run_it_once() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"])]);
    let services = [Service::of(&project, &database, &[]), Service::of(&project, &database, &[])];
    let mut body = seen(&project, &database, &Previewed::Pending(&[]));
    body["ifBusy"] = json!("queue");
    // the same key at both, and both at once
    let asked = services.each_ref().map(|service| service.begin(RUNS, "Idempotency-Key: k\r\n", &body.to_string()));
    let replies = asked.map(|mut http| http.reply().unwrap());
    // one runs it; the other one finds another plan, nothing to do, or the run of the first one
    let began: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 202).collect();
    assert!(!began.is_empty(), "{replies:?}");
    for (service, reply) in services.iter().zip(&replies) {
        assert!([200, 202, 409].contains(&reply.status), "{reply:?}");
        if reply.status == 202 {
            over(service, reply);
        }
    }
    assert_eq!(tables(&database), "a b");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'applied'"), "2");
}

#[test]
fn a_killed_service_leaves_a_run_that_the_next_one_shows() {
    let database = Database::new();
    let long = sql("b", "SELECT pg_sleep(300)", "SELECT 1").depends_on(["a"]);
    let project = project(&[table("a"), long]);
    let mut service = Service::of(&project, &database, &[]);
    let body = seen(&project, &database, &Previewed::Pending(&[]));
    let first = service.post_once(RUNS, "k", &body);
    database.until_runs("pg_sleep");
    service.signal("KILL");
    service.end();
    // the server notices within seconds that nobody listens
    database.until_alone();
    project.write("plans/a.yaml", &crate::support::file(&[table("a"), table("b").depends_on(["a"])]));
    let service = Service::of(&project, &database, &[]);
    let path = first.header("location");
    let run = service.get(path).json();
    assert_eq!((&run["phase"], &run["done"], &run["here"]), (&json!("terminated"), &json!(["a"]), &json!(false)));
    assert_eq!(run["failure"]["error"]["notes"], json!(["the next run continues"]));
    let events = service.events(&format!("{path}/events"), "").rest();
    assert_eq!(crate::support::http::names(&events), "runStarted applied ended");
    assert_eq!(service.get(&format!("{RUNS}?status=terminated")).json()["runs"][0]["id"], run["id"]);
    // its key is used, and the next run continues
    replayed(&service.post_once(RUNS, "k", &body), &first);
    let next = service.post_once(RUNS, "k2", &seen(&project, &database, &Previewed::Pending(&[])));
    assert_eq!(over(&service, &next)["done"], json!(["b"]));
    assert_eq!(service.get(path).json()["phase"], "terminated");
    assert_eq!(tables(&database), "a b");
}
