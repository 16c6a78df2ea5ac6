//! Runs over `/api/v1`: as they were previewed, one at a time, and shown by every service.

use crate::support::http::Reply;
use crate::support::{
    Changeset, Database, Previewed, Project, Service, Three, digest, project, sql, table, tables, until,
};
use dagmar::ops::TargetSpec;
use dagmar::plan::rollback::Target as Which;
use serde_json::{Value, json};

const RUNS: &str = "/api/v1/environments/default/runs";

/// A table whose changeset waits until the lock `(77, 1)` is free.
fn held(id: &str) -> Changeset {
    sql(id, &format!("SELECT pg_advisory_xact_lock_shared(77, 1);\nCREATE TABLE {id} ()"), &format!("DROP TABLE {id}"))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

fn spec(database: &Database) -> TargetSpec {
    TargetSpec { environment: Some("default".to_owned()), ..TargetSpec::url(&database.url()) }
}

/// The digest of what is pending.
fn pending(project: &Project, database: &Database, select: &[&str]) -> String {
    digest(project.path(), spec(database), &[], &Previewed::Pending(select))
}

/// The run of an answer.
#[track_caller]
fn run(reply: &Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{reply:?}");
    let run = reply.json();
    assert_eq!(reply.header("location"), format!("{RUNS}/{}", run["id"].as_str().unwrap()));
    run
}

/// The run at its end.
#[track_caller]
fn ended(service: &Service, run: &Value) -> Value {
    let path = format!("{RUNS}/{}", run["id"].as_str().unwrap());
    let mut found = Value::Null;
    until("it is over", || {
        found = service.get(&path).json();
        !found["finishedAt"].is_null()
    });
    found
}

/// The problem of an answer, by status and code.
#[track_caller]
fn problem(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{reply:?}");
    reply.json()
}

#[test]
fn a_run_is_the_one_that_was_previewed() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"]), table("c").depends_on(["b"])]);
    let service = Service::of(&project, &database, &[]);
    let seen = pending(&project, &database, &["+b"]);
    let body = json!({ "digest": seen, "select": ["+b"], "jobs": 1, "onFailure": "stop" });
    problem(&service.post(RUNS, &body.to_string()), 400, "idempotencyKeyMissing");
    for wrong in [
        json!({}),
        json!({ "digest": 1 }),
        json!({ "digest": seen, "selects": [] }),
        json!({ "digest": seen, "jobs": 65 }),
        json!({ "digest": seen, "onFailure": "wait" }),
        json!({ "digest": seen, "ifBusy": "wait" }),
        json!([]),
    ] {
        problem(&service.post_once(RUNS, "k", &wrong), 400, "badRequest");
    }
    // all of it is another plan than the one that was seen
    let refused = problem(&service.post_once(RUNS, "k", &json!({ "digest": seen })), 409, "drift");
    assert_eq!(refused["detail"], "the plan differs from the confirmed plan");
    let unknown = service.post_once(RUNS, "k", &json!({ "digest": seen, "select": ["nobody"] }));
    assert_eq!(unknown.status, 400, "{unknown:?}");
    assert_eq!(tables(&database), "");
    // what was refused before it began may be asked for again with its key
    let run = run(&service.post_once(RUNS, "k", &body), 202);
    let (id, steps) = (run["id"].as_str().unwrap(), &run["steps"]);
    assert_eq!((id.len(), steps, &run["changesets"]), (16, &json!(2), &json!(["a", "b"])));
    let last = ended(&service, &run);
    assert_eq!(
        (&last["phase"], &last["done"], &last["kind"], &last["digest"]),
        (&json!("done"), &json!(["a", "b"]), &json!("apply"), &json!(seen))
    );
    assert_eq!(
        (&last["by"], &last["way"], &last["here"], &last["run"], &last["from"]),
        (&json!("secret@127.0.0.1"), &json!("secret"), &json!(true), &run["run"], &json!("127.0.0.1"))
    );
    assert_eq!(service.get(&format!("{RUNS}/{}", run["run"].as_str().unwrap())).json(), last, "by the ledger's id too");
    assert_eq!(tables(&database), "a b");
    // once more: the same request is the same run, and with another key there is nothing to run
    let again = service.post_once(RUNS, "k", &body);
    assert_eq!((again.status, again.header("idempotent-replayed"), again.json()), (200, "true", last));
    assert_eq!(service.post_once(RUNS, "new", &body).status, 200);
}

#[test]
fn overrides_are_for_administrators() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    let seen = pending(&project, &database, &[]);
    for more in [
        json!({ "overrides": ["window"], "reason": "x" }),
        json!({ "allow": ["losesData"] }),
        json!({ "skipPreflight": true }),
    ] {
        let mut body = json!({ "digest": seen });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        problem(&service.post_once(RUNS, "k", &body), 403, "forbidden");
    }
    let all = json!({ "digest": seen, "all": true });
    problem(&service.post_once("/api/v1/environments/default/rollbacks", "k", &all), 403, "forbidden");
    assert_eq!(tables(&database), "");
}

#[test]
fn nothing_to_run_is_no_run() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    let body = json!({ "digest": pending(&project, &database, &[]) });
    ended(&service, &run(&service.post_once(RUNS, "1", &body), 202));
    let nothing = run(&service.post_once(RUNS, "2", &body), 200);
    assert_eq!((&nothing["phase"], &nothing["run"], &nothing["done"]), (&json!("done"), &Value::Null, &json!([])));
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "1");
    let empty = service.events(&format!("{RUNS}/{}/events", nothing["id"].as_str().unwrap()), "").rest();
    assert_eq!(crate::support::http::names(&empty), "summary ended");
}

#[test]
fn a_failed_run_says_what_is_left_and_so_does_the_ledger() {
    let database = Database::new();
    let project = project(&[table("a"), sql("b", "SELECT 1/0", "SELECT 1").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let started = run(&service.post_once(RUNS, "1", &json!({ "digest": pending(&project, &database, &[]) })), 202);
    let failed = ended(&service, &started);
    assert_eq!((&failed["phase"], &failed["done"]), (&json!("failed"), &json!(["a"])));
    assert_eq!(failed["failed"][0]["error"]["sqlstate"], "22012");
    assert_eq!(failed["failure"]["error"]["kind"], "failed");
    service.stop();
    let service = Service::of(&project, &database, &[]);
    let later = ended(&service, &started);
    assert_eq!((&later["phase"], &later["done"], &later["here"]), (&json!("failed"), &json!(["a"]), &json!(false)));
    let message = later["failure"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("division by zero"), "{later}");
    for same in ["id", "run", "by", "way", "kind", "steps", "doneSteps", "from"] {
        assert_eq!(later[same], failed[same], "{same}");
    }
}

#[test]
fn one_at_a_time_and_a_queued_one_can_be_cancelled() {
    let database = Database::new();
    let project = project(&[held("a"), table("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let holder = database.hold(HOLD);
    let seen = json!({ "digest": pending(&project, &database, &[]) });
    let first = run(&service.post_once(RUNS, "1", &seen), 202);
    let busy = service.post_once(RUNS, "2", &seen);
    assert_eq!(problem(&busy, 409, "runInProgress")["id"], first["id"]);
    assert_eq!(busy.header("location"), format!("{RUNS}/{}", first["id"].as_str().unwrap()));
    let other = Service::of(&project, &database, &[]);
    problem(&other.post_once(RUNS, "3", &seen), 409, "locked");
    // another service shows it all the same
    let there = other.get(&format!("{RUNS}/{}", first["id"].as_str().unwrap())).json();
    assert_eq!((&there["phase"], &there["here"], &there["run"]), (&json!("running"), &json!(false), &first["run"]));
    // one that is queued begins when its turn comes, and is cancelled before it
    let body = json!({ "digest": seen["digest"], "ifBusy": "queue" }).to_string();
    let mut queued = service.begin(RUNS, "Idempotency-Key: 4\r\n", &body);
    let mut waiting = Value::Null;
    until("it is queued", || {
        waiting = service.get(&format!("{RUNS}?status=queued")).json()["runs"][0].clone();
        !waiting.is_null()
    });
    let cancel = format!("{RUNS}/{}/cancel", waiting["id"].as_str().unwrap());
    let cancelled = service.post(&cancel, r#"{"reason":"not today"}"#);
    assert_eq!((cancelled.status, &cancelled.json()["reason"]), (200, &json!("not today")));
    let told = problem(&queued.reply().unwrap(), 503, "interrupted");
    assert_eq!(told["detail"], "cancelled by secret@127.0.0.1: not today; nothing was run");
    drop(holder);
    assert_eq!(ended(&service, &first)["phase"], "done");
    assert_eq!(tables(&database), "a b");
}

#[test]
fn a_run_is_cancelled_from_anywhere_by_its_own_id() {
    let database = Database::new();
    let project = project(&[held("a"), table("b").depends_on(["a"])]);
    let (service, other) = (Service::of(&project, &database, &[]), Service::of(&project, &database, &[]));
    let cancel = |of: &Service, id: &str| of.post(&format!("{RUNS}/{id}/cancel"), r#"{"reason":"wrong day"}"#);
    problem(&cancel(&service, "0123456789abcdef"), 404, "notFound");
    let _holder = database.hold(HOLD);
    let seen = json!({ "digest": pending(&project, &database, &[]) });
    let first = run(&service.post_once(RUNS, "1", &seen), 202);
    database.until_runs("pg_advisory_xact_lock_shared");
    let reply = cancel(&other, first["id"].as_str().unwrap());
    assert_eq!((reply.status, &reply.json()["cancelled"]["run"]), (200, &first["run"]), "{reply:?}");
    let last = ended(&service, &first);
    assert_eq!(last["phase"], "interrupted");
    let message = last["failure"]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("cancelled by secret@127.0.0.1: wrong day"), "{message}");
    // it is over, and so none is in progress
    problem(&cancel(&service, first["id"].as_str().unwrap()), 403, "refused");
    let second = run(&service.post_once(RUNS, "2", &seen), 202);
    database.until_runs("pg_advisory_xact_lock_shared");
    let wrong = problem(&cancel(&service, first["id"].as_str().unwrap()), 409, "runInProgress");
    assert_eq!(wrong["run"], second["run"]);
    assert_eq!(cancel(&service, second["run"].as_str().unwrap()).status, 200);
    assert_eq!(ended(&service, &second)["phase"], "interrupted");
    let asked = database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'cancelAsked' AND detail ? 'origin'");
    assert_eq!((asked.as_str(), tables(&database).as_str()), ("2", ""));
}

#[test]
fn backfills_pause_and_go_on() {
    let database = Database::new();
    let project = crate::support::backfill_and_table(&database);
    let service = Service::of(&project, &database, &[]);
    let started = run(&service.post_once(RUNS, "1", &json!({ "digest": pending(&project, &database, &[]) })), 202);
    crate::support::begun(&database);
    let mut events = service.events(&format!("{RUNS}/{}/events", started["id"].as_str().unwrap()), "");
    let pause = service.post("/api/v1/environments/default/pause", r#"{"reason":"the shop is busy"}"#);
    assert_eq!((&pause.json()["paused"], &pause.json()["running"]["run"]), (&json!(true), &started["run"]));
    let waits = events.until("backfillWaits").pop().unwrap().data;
    assert!(waits["paused"] == true && waits["reason"].as_str().unwrap().contains("the shop is busy"), "{waits}");
    assert_eq!(service.post("/api/v1/environments/default/resume", r#"{"reason":"x"}"#).code(), "badRequest");
    let resume = service.post("/api/v1/environments/default/resume", "").json();
    assert_eq!((&resume["paused"], &resume["was"]["reason"]), (&json!(false), &json!("the shop is busy")));
    events.until("backfillGoesOn");
    assert_eq!(ended(&service, &started)["phase"], "done");
}

#[test]
fn all_runs_of_an_environment_are_listed() {
    let database = Database::new();
    let project = project(&[table("a"), table("b"), table("c")]);
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.get(RUNS).json(), json!({ "environment": "default", "runs": [], "next": null }));
    project.on(&database, &["apply", "--select", "a"]).ok();
    let by_api = json!({ "digest": pending(&project, &database, &["b"]), "select": ["b"] });
    let by_api = ended(&service, &run(&service.post_once(RUNS, "1", &by_api), 202));
    project.on(&database, &["rollback", "a"]).ok();
    problem(&service.post_once(RUNS, "2", &json!({ "digest": "p1:00" })), 409, "drift");
    let list = |query: &str| service.get(&format!("{RUNS}{query}")).json();
    let seen = |answer: &Value| -> Vec<String> {
        let rows = answer["runs"].as_array().unwrap().iter();
        rows.map(|run| format!("{} {} {}", run["kind"], run["phase"], run["doneSteps"]).replace('"', "")).collect()
    };
    let all = list("");
    assert_eq!(seen(&all), ["apply refused 0", "rollback done 1", "apply done 1", "apply done 1"]);
    assert_eq!((&all["runs"][2]["id"], &all["runs"][2]["here"]), (&by_api["id"], &json!(true)));
    assert_eq!((&all["runs"][1]["id"], &all["runs"][1]["way"]), (&all["runs"][1]["run"], &Value::Null));
    assert!(all["runs"][0].get("done").is_none() && all["runs"][0]["run"].is_null());
    assert_eq!(seen(&list("?kind=rollback")), ["rollback done 1"]);
    assert_eq!(seen(&list("?status=refused")), ["apply refused 0"]);
    assert_eq!(seen(&list("?status=done&kind=apply&limit=1")), ["apply done 1"]);
    // page by page
    let first = service.get(&format!("{RUNS}?limit=2&status=done"));
    assert_eq!(seen(&first.json()), ["rollback done 1", "apply done 1"]);
    let link = first.header("link").strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    assert!(link.contains(first.json()["next"].as_str().unwrap()), "{link}");
    let second = service.get(&link).json();
    assert_eq!((seen(&second), &second["next"]), (vec!["apply done 1".to_owned()], &Value::Null));
    assert_eq!(second["runs"][0]["id"], all["runs"][3]["id"]);
    for wrong in [
        "?kind=x",
        "?status=x",
        "?limit=0",
        "?limit=501",
        "?limit=x",
        "?before=x",
        "?before=-1",
        "?before=9223372036854775807",
        "?page=2",
    ] {
        problem(&service.get(&format!("{RUNS}{wrong}")), 400, "badRequest");
    }
    problem(&service.get(&format!("{RUNS}/nobody")), 404, "notFound");
    problem(&service.get("/api/v1/environments/other/runs"), 404, "notFound");
}

#[test]
fn changesets_are_rolled_back_as_previewed() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"]), table("c")]);
    let service = Service::of(&project, &database, &[]);
    project.on(&database, &["apply"]).ok();
    let path = "/api/v1/environments/default/rollbacks";
    let seen =
        |which: Which, cascade| digest(project.path(), spec(&database), &[], &Previewed::Rollback(which, cascade));
    // a look at it is the same as the one that the run takes, and leaves nothing
    let plan = "/api/v1/environments/default/rollback-plan";
    let look = |body: Value| service.post(plan, &body.to_string());
    let preview = look(json!({ "changesets": ["a"], "cascade": true })).json();
    assert_eq!(preview["digest"], seen(Which::Ids(vec!["a".to_owned()]), true));
    let steps: Vec<&Value> = preview["steps"].as_array().unwrap().iter().map(|step| &step["changeset"]).collect();
    assert_eq!((steps, &preview["met"]), (vec![&json!("b"), &json!("a")], &json!(true)), "what comes along");
    assert!(preview["hazards"]["a"].as_array().is_some_and(|all| !all.is_empty()), "what is lost: {preview}");
    problem(&look(json!({ "changesets": ["a"] })), 403, "refused");
    for wrong in [json!({}), json!({ "to": "a", "lastRun": true }), json!({ "digest": "x", "to": "a" })] {
        problem(&look(wrong), 400, "badRequest");
    }
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'refused'"), "0");
    let body = json!({ "digest": preview["digest"], "changesets": ["a"], "cascade": true });
    for wrong in [
        json!({ "digest": "x" }),
        json!({ "digest": "x", "changesets": [] }),
        json!({ "digest": "x", "to": "a", "lastRun": true }),
        json!({ "digest": "x", "to": "a", "cascade": true }),
        json!({ "digest": "x", "version": "a" }),
    ] {
        problem(&service.post_once(path, "k", &wrong), 400, "badRequest");
    }
    problem(&service.post_once(path, "k", &json!({ "digest": "x", "changesets": ["a"] })), 403, "refused");
    problem(&service.post_once(path, "k", &json!({ "digest": body["digest"], "lastRun": true })), 409, "drift");
    problem(&service.post(path, &body.to_string()), 400, "idempotencyKeyMissing");
    let done = ended(&service, &run(&service.post_once(path, "k", &body), 202));
    assert_eq!((&done["kind"], &done["done"]), (&json!("rollback"), &json!(["b", "a"])));
    assert_eq!(tables(&database), "c");
    // sent again it does not go further back
    let again = service.post_once(path, "k", &body);
    assert_eq!((again.status, again.header("idempotent-replayed"), &again.json()["id"]), (200, "true", &done["id"]));
    let to = json!({ "digest": seen(Which::To("c".to_owned()), false), "to": "c" });
    assert_eq!(run(&service.post_once(path, "2", &to), 200)["done"], json!([]));
}

#[test]
fn what_another_environment_has_is_promoted() {
    let three = Three::new("promoteOnly: true", &[table("a"), table("b")]);
    let databases = [("DEV_URL", &three.dev), ("STAGING_URL", &three.staging), ("PRODUCTION_URL", &three.production)];
    let urls = databases.map(|(name, database)| (name, database.url()));
    let variables: Vec<(&str, &str)> = urls.iter().map(|(name, url)| (*name, url.as_str())).collect();
    three.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let mut command = three.project.command(&["serve", "--listen", "127.0.0.1:0", "--env", "production"]);
    command.env("DAGMAR_SECRET", crate::support::SECRET).envs(variables.iter().copied());
    let service = Service::run(command);
    let seen = digest(three.project.path(), TargetSpec::environment("production"), &variables, &Previewed::Promotion);
    let path = "/api/v1/environments/production/promotions";
    let refused = service.post_once(path, "k", &json!({ "digest": seen, "from": "dev" }));
    problem(&refused, 400, "usage");
    let refused = service.post_once("/api/v1/environments/production/runs", "k", &json!({ "digest": seen }));
    assert!(problem(&refused, 403, "refused")["cause"][0].as_str().unwrap().starts_with("[promote-only] "));
    // the look at it says the same, without a run
    let plan = "/api/v1/environments/production/promotion-plan";
    let preview = service.post(plan, "").json();
    assert_eq!(
        (&preview["digest"], &preview["from"], &preview["met"]),
        (&json!(seen), &json!("staging"), &json!(true))
    );
    assert_eq!(preview["steps"].as_array().unwrap().len(), 1);
    assert!(preview["gates"].as_array().unwrap().iter().any(|gate| gate["gate"] == "source-settled"), "{preview}");
    problem(&service.post(plan, r#"{"overrides":["window"]}"#), 400, "badRequest");
    problem(&service.post(plan, r#"{"from":"dev"}"#), 400, "usage");
    let reply = service.post_once(path, "k", &json!({ "digest": seen }));
    assert_eq!((reply.status, &reply.json()["kind"]), (202, &json!("promote")), "{reply:?}");
    let events = service.events(&format!("{}/events", reply.header("location")), "").rest();
    let gates = events.iter().find(|event| event.name == "gates").unwrap();
    assert_eq!((&gates.data["from"], &gates.data["met"]), (&json!("staging"), &json!(true)));
    let last = &events.last().unwrap().data;
    assert_eq!((&last["phase"], &last["done"]), (&json!("done"), &json!(["a"])));
    assert_eq!(tables(&three.production), "a");
}
