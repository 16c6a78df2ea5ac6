//! Runs through the service: the four routes that scripts know, on a real database.

use crate::support::http::Reply;
use crate::support::{Changeset, Database, Project, Service, project, sql, table, tables, until};
use serde_json::{Value, json};

/// The answer of a run that is done.
#[track_caller]
fn done(reply: &Reply) -> Value {
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("done")), "{reply:?}");
    reply.json()
}

/// A table whose changeset waits until the lock `(77, 1)` is free.
fn held(id: &str) -> Changeset {
    let wait = "SELECT pg_advisory_xact_lock_shared(77, 1)";
    sql(id, &format!("{wait};\nCREATE TABLE \"{id}\" (n int)"), &format!("{wait};\nDROP TABLE \"{id}\""))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

/// The events of a kind, as `history` has them.
fn events(project: &Project, database: &Database, kind: &str) -> Vec<Value> {
    let answer = project.on(database, &["history", "--format", "json", "--kind", kind]).json();
    answer["events"].as_array().unwrap().clone()
}

#[test]
fn everything_pending_is_applied_once() {
    let (database, project) =
        (Database::new(), project(&[table("a"), table("b").depends_on(["a"]), table("c").environments(["other"])]));
    project.write("dagmar.yaml", "environments: { here: {}, other: {} }");
    let service = Service::of(&project, &database, &[]);
    let reply = service.post("/migrate", "");
    let answer = done(&reply);
    assert_eq!(answer["applied"], json!(["a", "b"]));
    assert_eq!(
        (&answer["environment"], &answer["waiting"], &answer["blocked"]),
        (&json!("here"), &json!([]), &json!([]))
    );
    assert_eq!(answer["id"], reply.header("x-request-id"), "the run has the id of its request");
    assert_eq!(tables(&database), "a b");
    let run =
        database.sql("SELECT id || ' ' || kind || ' ' || status || ' ' || os_user || '@' || host FROM dagmar.run");
    assert_eq!(run, format!("{} apply done secret@127.0.0.1", answer["run"].as_str().unwrap()));
    // the history knows who asked, how, and from where
    let started = events(&project, &database, "runStarted");
    assert_eq!(started[0]["by"], "secret@127.0.0.1");
    assert_eq!(started[0]["origin"], json!({ "way": "secret", "address": "127.0.0.1", "request": answer["id"] }));
    let text = project.on(&database, &["history"]).ok();
    assert!(text.contains("via secret"), "{text}");
    // nothing to do is no run; the old script's call has a body and no content type
    for body in ["", "{}", " { } ", r#"{"migration_name": null}"#] {
        let answer = done(&service.post("/migrate", body));
        assert_eq!((&answer["applied"], &answer["run"]), (&json!([]), &Value::Null), "{body}");
    }
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "1");
    let log = service.stop();
    assert!(log.contains("run asked for") && log.contains("run over"), "{log}");
}

#[test]
fn one_changeset_comes_with_what_it_depends_on() {
    let database = Database::new();
    let all = [
        table("001-core"),
        table("002-users").depends_on(["001-core"]),
        table("003-orders").depends_on(["002-users"]).aka(["old-orders"]),
        table("004-a"),
        table("004-b"),
    ];
    let service = Service::of(&project(&all), &database, &[]);
    for (name, why) in [
        ("005", "no changeset has the name `005`"),
        ("002-user", "no changeset has the name `002-user`"),
        ("004", "several changesets may be meant by `004`"),
    ] {
        let reply = service.post("/migrate", &json!({ "migration_name": name }).to_string());
        assert_eq!((reply.status, reply.code().as_str(), &reply.json()["detail"]), (400, "usage", &json!(why)));
    }
    let near = service.post("/migrate", r#"{"migration_name":"002-user"}"#).json();
    assert_eq!(near["remedy"], "did you mean `002-users`?");
    for wrong in ["[]", "null", "[null]", "{", r#"{"migration": "004-a"}"#, r#"{"migration_name": 4}"#, "{} x"] {
        assert_eq!(service.post("/migrate", wrong).code(), "badRequest", "{wrong}");
    }
    assert_eq!(database.sql("SELECT to_regclass('dagmar.run') IS NULL"), "t", "nothing was run");
    let answer = done(&service.post("/migrate", r#"{"migration_name":"002_users.sql"}"#));
    assert_eq!(answer["applied"], json!(["001-core", "002-users"]));
    let answer = done(&service.post("/migrate", r#"{"migration_name":"old-orders"}"#));
    assert_eq!(answer["applied"], json!(["003-orders"]));
    assert_eq!(tables(&database), "001-core 002-users 003-orders");
}

#[test]
fn a_failure_says_what_is_left_and_the_next_call_continues() {
    let database = Database::new();
    let broken =
        |text: &str| [table("a"), sql("b", text, "DROP TABLE b").depends_on(["a"]), table("c").depends_on(["b"])];
    let project = project(&broken("CREATE TABLE b (n int);\nSELECT 1/0"));
    let service = Service::of(&project, &database, &[]);
    let reply = service.post("/migrate", "{}");
    let problem = reply.json();
    assert_eq!((reply.status, reply.code().as_str()), (500, "failed"), "{reply:?}");
    assert!(problem["detail"].as_str().unwrap().contains("`b` failed: division by zero"), "{problem}");
    assert_eq!(problem["applied"], json!(["a"]));
    let failed = &problem["failed"][0];
    assert_eq!(
        (&failed["name"], &failed["sqlstate"], &failed["error"]),
        (&json!("b"), &json!("22012"), &json!("division by zero"))
    );
    assert_eq!(failed["state"], "nothing of it remains");
    assert_eq!(problem["run"].as_str().unwrap().len(), 36);
    assert_eq!(service.get("/status").json()["failed"][0]["name"], "b");
    project.write("plans/a.yaml", &crate::support::file(&broken("CREATE TABLE b (n int)")));
    service.signal("HUP");
    service.until_logged("the project was read again");
    assert_eq!(done(&service.post("/migrate", "{}"))["applied"], json!(["b", "c"]));
    // mistakes in the files are told with their places
    project.write("plans/a.yaml", "changesets: [{ id: d, dependsOn: [nobody], changes: [] }]");
    service.signal("HUP");
    until("it has read them", || service.get("/status").status == 422);
    let reply = service.post("/migrate", "{}");
    assert_eq!((reply.status, reply.code().as_str()), (422, "source"));
    assert!(reply.json()["diagnostics"].as_array().is_some_and(|all| !all.is_empty()));
}

#[test]
fn an_unmet_gate_refuses_as_on_the_command_line() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "environments:\n  staging: {}\n  live: { promoteFrom: staging, promoteOnly: true }\n");
    project.on(&database, &["ledger", "install", "--env", "live"]).ok();
    let service = Service::of(&project, &database, &["--env", "live"]);
    let reply = service.post("/migrate", "{}");
    assert_eq!((reply.status, reply.code().as_str()), (403, "refused"), "{reply:?}");
    let problem = reply.json();
    assert!(problem["cause"][0].as_str().unwrap().starts_with("[promote-only] "), "{problem}");
    assert_eq!(tables(&database), "");
    let refused = events(&project, &database, "refused");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (&refused[0]["origin"]["request"], &refused[0]["by"]),
        (&problem["request"], &json!("secret@127.0.0.1"))
    );
    assert_eq!(service.post("/migrate?environment=nowhere", "{}").code(), "notFound");
}

#[test]
fn two_at_once_are_one_and_the_other_is_refused_or_waits() {
    let database = Database::new();
    let project = project(&[held("a"), table("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let mut first = service.begin("/migrate", "", r#"{"migration_name":"a"}"#);
    database.until_runs("pg_advisory_xact_lock_shared");
    let running = service.get("/status").json()["running"].clone();
    assert_eq!(
        (&running["status"], &running["kind"], &running["by"]),
        (&json!("running"), &json!("apply"), &json!("secret@127.0.0.1"))
    );
    let reply = service.post("/migrate", "{}");
    assert_eq!((reply.status, reply.code().as_str()), (409, "runInProgress"));
    assert_eq!(reply.json()["id"], running["id"]);
    let reply = service.post("/migrate?if_busy=queue&wait=0s", "{}");
    assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("queued")));
    let mut queued = service.begin("/migrate?if_busy=queue", "", "{}");
    // a command line waits for the same lock
    assert_eq!(project.on(&database, &["apply", "--lock-wait", "0"]).code, 6);
    drop(holder);
    assert_eq!(done(&first.reply().unwrap())["applied"], json!(["a"]));
    let answer = done(&queued.reply().unwrap());
    assert_eq!(answer["applied"], json!([]), "the one before it in the queue has applied it");
    assert_eq!(tables(&database), "a b");
    assert_eq!(service.get("/status").json()["running"], Value::Null);
    // and the service for that of a command line
    project.write("plans/a.yaml", &crate::support::file(&[held("c")]));
    let holder = database.hold(HOLD);
    let command = project.start(&database, &["apply"]);
    database.until_runs("CREATE TABLE \"c\"");
    let reply = service.post("/migrate", "{}");
    assert_eq!(service.get("/status").json()["running"]["kind"], "apply");
    assert!(
        reply.status == 200 && reply.json()["run"].is_null(),
        "as it read the files, there is nothing to do: {reply:?}"
    );
    let reply = service.post("/rollback", r#"{"version":"a"}"#);
    assert_eq!((reply.status, reply.code().as_str()), (409, "locked"), "{reply:?}");
    drop(holder);
    command.end().ok();
}

#[test]
fn who_does_not_wait_asks_the_status() {
    let database = Database::new();
    let service = Service::of(&project(&[held("a")]), &database, &[]);
    for wrong in ["wait=soon", "wait=2d", "if_busy=maybe", "waits=1s"] {
        assert_eq!(service.post(&format!("/migrate?{wrong}"), "{}").code(), "badRequest", "{wrong}");
    }
    let holder = database.hold(HOLD);
    let reply = service.post_with("/migrate", "Prefer: respond-async\r\n", "{}");
    assert_eq!(reply.status, 202, "{reply:?}");
    let id = reply.json()["id"].clone();
    assert_eq!(service.get(reply.header("location")).json()["id"], id);
    let running = service.get("/status").json()["running"].clone();
    assert_eq!(running["id"], id, "{running}");
    database.until_runs("pg_advisory_xact_lock_shared");
    let running = service.get("/status").json()["running"].clone();
    assert!(running["status"] == "running" && running["started_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    // who looks at the sessions of the server sees whose they are
    let marked = format!("application_name LIKE 'dagmar%{}'", id.as_str().unwrap());
    let lock =
        format!("SELECT count(*) FROM pg_stat_activity WHERE {marked} AND application_name LIKE 'dagmar lock %'");
    assert_eq!(database.sql(&lock), "1");
    drop(holder);
    until("it is done", || service.get("/status").json()["running"].is_null());
    assert_eq!(service.get("/status").json()["applied"][0]["name"], "a");
}

#[test]
fn a_request_that_comes_again_runs_nothing_again() {
    let database = Database::new();
    let service = Service::of(&project(&[table("a"), table("b").depends_on(["a"])]), &database, &[]);
    let key = "Idempotency-Key: release-7\r\n";
    let first = service.post_with("/migrate", key, r#"{"migration_name":"a"}"#);
    assert_eq!(done(&first)["applied"], json!(["a"]));
    let again = service.post_with("/migrate", key, r#"{"migration_name":"a"}"#);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), "true"));
    let other = service.post_with("/migrate", key, "{}");
    assert_eq!((other.status, other.code().as_str()), (422, "idempotencyKeyReused"));
    // a rollback that comes again does not go further back
    service.post("/migrate", "{}");
    let key = "Idempotency-Key: back\r\n";
    let first = service.post_with("/rollback", key, r#"{"last_run":true}"#);
    assert_eq!(done(&first)["rolled_back"], json!(["b"]));
    let again = service.post_with("/rollback", key, r#"{"last_run":true}"#);
    assert_eq!(again.json(), first.json());
    assert_eq!(tables(&database), "a");
    for wrong in ["Idempotency-Key:\r\n", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n"] {
        assert_eq!(service.post_with("/migrate", wrong, "{}").code(), "badRequest", "{wrong}");
    }
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "3");
    // what is in the ledger is a digest of the key
    let keys =
        database.sql("SELECT count(DISTINCT detail -> 'origin' ->> 'key') FROM dagmar.event WHERE kind = 'runStarted'");
    assert_eq!(keys, "2");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE detail::text LIKE '%release-7%'"), "0");
}

#[test]
fn changesets_are_rolled_back_to_a_version_or_as_a_graph() {
    let database = Database::new();
    let all = [
        table("001-core"),
        table("002-users").depends_on(["001-core"]),
        table("003-orders").depends_on(["002-users"]),
        table("004-other"),
    ];
    let project = project(&all);
    let service = Service::of(&project, &database, &[]);
    let reply = service.post("/rollback", r#"{"version":"001-core"}"#);
    assert_eq!((reply.status, reply.code().as_str()), (400, "usage"), "without a ledger there is nothing: {reply:?}");
    for id in ["001-core", "002-users", "003-orders", "004-other"] {
        done(&service.post("/migrate", &json!({ "migration_name": id }).to_string()));
    }
    for wrong in [
        "",
        "{}",
        r#"{"changesets":[]}"#,
        r#"{"version":"a","last_run":true}"#,
        r#"{"version":"a","changesets":["a"]}"#,
        r#"{"version":"a","cascade":true}"#,
        r#"{"to":"a"}"#,
    ] {
        assert_eq!(service.post("/rollback", wrong).code(), "badRequest", "{wrong}");
    }
    // the rest stays where it is
    let reply = service.post("/rollback", r#"{"changesets":["002_users"]}"#);
    assert_eq!((reply.status, reply.code().as_str()), (403, "refused"));
    assert!(reply.json()["detail"].as_str().unwrap().contains("`003-orders` depends on"), "{reply:?}");
    assert_eq!(tables(&database), "001-core 002-users 003-orders 004-other");
    let answer = done(&service.post("/rollback", r#"{"changesets":["002_users"],"cascade":true}"#));
    assert_eq!(answer["rolled_back"], json!(["003-orders", "002-users"]));
    assert_eq!(tables(&database), "001-core 004-other");
    let answer = done(&service.post("/rollback", r#"{"version":"001_core.sql"}"#));
    assert_eq!(answer["rolled_back"], json!(["004-other"]));
    let answer = done(&service.post("/rollback", r#"{"version":"001"}"#));
    assert_eq!((&answer["rolled_back"], &answer["run"]), (&json!([]), &Value::Null), "it is there already");
    assert_eq!(done(&service.post("/rollback", r#"{"last_run":true}"#))["rolled_back"], json!(["001-core"]));
    let rolled_back = events(&project, &database, "rolledBack");
    assert!(rolled_back.len() == 4 && rolled_back.iter().all(|event| event["origin"]["way"] == "secret"));
    project.on(&database, &["history", "--verify"]).ok();
}
