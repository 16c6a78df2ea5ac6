//! A run through the service outlives its client, and the end of the service leaves what the end of a command line leaves.

use crate::support::{Changeset, Database, Project, Service, project, sql, table, tables, until};
use serde_json::{Value, json};

/// Sleeps until it is cancelled.
fn long(id: &str) -> Changeset {
    sql(id, "SELECT pg_sleep(300)", "SELECT 1")
}

/// Waits until the lock `(77, 1)` is free.
fn held(id: &str) -> Changeset {
    sql(id, &format!("SELECT pg_advisory_xact_lock_shared(77, 1);\nCREATE TABLE {id} ()"), &format!("DROP TABLE {id}"))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

/// With `long` as something that ends.
fn repair(project: &Project) {
    project.write("plans/a.yaml", &crate::support::file(&[table("a"), table("long").depends_on(["a"])]));
}

#[test]
fn a_client_that_goes_away_changes_nothing() {
    let database = Database::new();
    let service = Service::of(&project(&[held("a"), table("b").depends_on(["a"])]), &database, &[]);
    let holder = database.hold(HOLD);
    let client = service.begin("/migrate", "", "{}");
    database.until_runs("pg_advisory_xact_lock_shared");
    drop(client);
    assert_eq!(service.get("/status").json()["running"]["status"], "running");
    drop(holder);
    until("it is done", || service.get("/status").json()["running"].is_null());
    assert_eq!(tables(&database), "a b");
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "done");
}

#[test]
fn the_end_of_the_service_stops_the_run_in_order() {
    let database = Database::new();
    let project = project(&[table("a"), long("long").depends_on(["a"])]);
    let mut service = Service::of(&project, &database, &[]);
    let mut client = service.begin("/migrate", "", "{}");
    database.until_runs("pg_sleep");
    let mut queued = service.begin("/migrate?if_busy=queue", "", "{}");
    let mut second = service.begin("/migrate?if_busy=queue&wait=0s", "", "{}");
    assert_eq!(second.reply().unwrap().json()["status"], "queued", "the one before it waits as well");
    service.signal("TERM");
    let (code, _) = service.end();
    assert_eq!(code, 0, "{}", service.log());
    let reply = client.reply().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "interrupted"), "{reply:?}");
    let problem = reply.json();
    assert_eq!(problem["detail"], "the service stops; the completed steps are recorded");
    assert_eq!(problem["applied"], json!(["a"]));
    let reply = queued.reply().unwrap();
    assert_eq!((reply.status, &reply.json()["detail"]), (503, &json!("the service stops; nothing was run")));
    assert_eq!(database.sql("SELECT string_agg(status, ' ') FROM dagmar.run"), "interrupted");
    repair(&project);
    project.on(&database, &["apply"]).ok();
    assert_eq!(tables(&database), "a long");
}

#[test]
fn the_end_of_the_service_may_wait_for_the_run() {
    let database = Database::new();
    let mut service =
        Service::of(&project(&[held("a"), table("b").depends_on(["a"])]), &database, &["--on-stop", "finish"]);
    let holder = database.hold(HOLD);
    let mut client = service.begin("/migrate", "", "{}");
    database.until_runs("pg_advisory_xact_lock_shared");
    service.signal("TERM");
    service.until_logged("stopping");
    drop(holder);
    let reply = client.reply().unwrap();
    assert_eq!((reply.status, &reply.json()["applied"]), (200, &json!(["a", "b"])), "{reply:?}");
    assert_eq!(service.end().0, 0, "{}", service.log());
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "done");
    // not for ever
    let database = Database::new();
    let mut service =
        Service::of(&project(&[long("long")]), &database, &["--on-stop", "finish", "--stop-within", "1s"]);
    let mut client = service.begin("/migrate", "", "{}");
    database.until_runs("pg_sleep");
    service.signal("TERM");
    assert_eq!(client.reply().unwrap().code(), "interrupted");
    assert_eq!(service.end().0, 0, "{}", service.log());
    assert!(service.log().contains("runs did not end in time: they are stopped"), "{}", service.log());
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "interrupted");
}

#[test]
fn a_killed_service_leaves_what_a_killed_command_line_leaves() {
    let database = Database::new();
    let project = project(&[table("a"), long("long").depends_on(["a"])]);
    let mut service = Service::of(&project, &database, &[]);
    let mut client = service.begin("/migrate", "", "{}");
    database.until_runs("pg_sleep");
    service.signal("KILL");
    service.end();
    assert!(client.reply().is_none(), "nobody answers");
    // the server notices within seconds that nobody listens
    database.until_alone();
    let status = project.on(&database, &["status", "--format", "json"]).json();
    assert_eq!(status["runs"][0]["liveness"], "terminated", "{status}");
    assert_eq!(status["runs"][0]["by"], "secret@127.0.0.1");
    repair(&project);
    let service = Service::of(&project, &database, &[]);
    let found = service.get("/status").json();
    assert_eq!((&found["running"], &found["applied"][0]["name"]), (&Value::Null, &json!("a")));
    let reply = service.post("/migrate?if_busy=queue", "{}");
    assert_eq!((reply.status, &reply.json()["applied"]), (200, &json!(["long"])), "{reply:?}");
    assert_eq!(database.sql("SELECT string_agg(status, ' ' ORDER BY started_at) FROM dagmar.run"), "interrupted done");
    project.on(&database, &["history", "--verify"]).ok();
}
