//! Webhooks: who is told of runs and plans, what, how often, and what keeps it from nobody else.

use crate::support::exposition::Exposition;
use crate::support::hook::{Answers, Hook, Received};
use crate::support::{Database, Project, SECRET, Service, project, sql, table, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

const SIGNS: &str = "0123456789-secret-of-hooks";

/// A project with these webhooks, each in YAML.
fn hooked(changesets: &[crate::support::Changeset], hooks: &[&str]) -> Project {
    let project = project(changesets);
    let rows: String = hooks.iter().map(|hook| format!("    - {{ {hook} }}\n")).collect();
    project.write("dagmar.yaml", &format!("environments: {{ dev: {{}}, live: {{}} }}\nserve:\n  webhooks:\n{rows}"));
    project
}

const OPS: &str = "name: ops, url: \"${OPS_HOOK}\", secret: \"${OPS_SECRET}\", on: [runFinished, runFailed]";

fn command(project: &Project, database: &Database, hook: &Hook) -> Command {
    let mut command =
        project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url(), "--observe", "200ms"]);
    command.env("DAGMAR_SECRET", SECRET).env("OPS_SECRET", SIGNS);
    command.env("OPS_HOOK", format!("http://{}/hidden-path/1?key=hidden-key", hook.address));
    command.env("CHAT_HOOK", format!("http://{}/chat", hook.address));
    command
}

/// A service that has looked at its ledger: what is run from now on is told.
fn start(project: &Project, database: &Database, hook: &Hook) -> Service {
    let service = Service::run(command(project, database, hook));
    let looked = || Exposition::read(&service.get("/metrics").body).value("dagmar_environment_up", "environment=dev");
    until("it has looked", || looked() == Some(1.0));
    // the row of a hook is there once somebody has looked at a ledger
    if database.sql("SELECT to_regclass('dagmar.delivery') IS NOT NULL") == "t" {
        database.until("SELECT count(*) > 0 FROM dagmar.delivery");
    }
    service
}

/// What a path was sent, when there is so much.
#[track_caller]
fn received(hook: &Hook, path: &str, number: usize) -> Vec<Received> {
    let of_path = || hook.received().into_iter().filter(|one| one.path.starts_with(path)).collect::<Vec<_>>();
    until(&format!("{number} messages to {path}: {:?}", of_path()), || of_path().len() >= number);
    let all = of_path();
    assert_eq!(all.len(), number, "{all:#?}");
    all
}

fn migrate(service: &Service, name: &str) -> Value {
    service.post("/migrate", &json!({ "migration_name": name }).to_string()).json()
}

/// Has a hook tried again at once.
fn try_now(database: &Database) {
    database
        .until("SELECT count(*) = 1 FROM dagmar.delivery WHERE hook = 'ops' AND leased_until IS NULL AND tries > 0");
    database.sql("UPDATE dagmar.delivery SET next_at = clock_timestamp() WHERE hook = 'ops'");
}

#[test]
fn runs_are_told_with_a_signature() {
    let (database, hook) = (Database::new(), Hook::new());
    let bad = "DO $$BEGIN RAISE EXCEPTION '<!channel> & \"more\"'; END$$";
    let chat = "name: chat, url: \"${CHAT_HOOK}\", form: slack, on: [runFailed]";
    let elsewhere = "name: elsewhere, url: \"${CHAT_HOOK}\", form: slack, on: [runFinished], environments: [live]";
    let project = hooked(&[table("a"), sql("bad", bad, "SELECT 1"), table("b")], &[OPS, chat, elsewhere]);
    let mut serve = command(&project, &database, &hook);
    serve.args(["--public-url", "https://dagmar.example.org"]);
    let service = Service::run(serve);
    until("it has looked", || {
        let metrics = Exposition::read(&service.get("/metrics").body);
        metrics.value("dagmar_environment_up", "environment=dev") == Some(1.0)
    });
    let done = migrate(&service, "a");
    let first = &received(&hook, "/hidden-path/1?key=hidden-key", 1)[0];
    let message = first.json();
    let installation = database.sql("SELECT value FROM dagmar.meta WHERE key = 'installation'");
    let seq = database.sql("SELECT max(seq) FROM dagmar.event WHERE kind = 'runFinished'");
    let at = message["at"].as_str().unwrap().to_owned();
    assert_eq!(
        message,
        json!({ "id": format!("{installation}:{seq}"), "event": "runFinished", "environment": "dev", "at": at,
            "by": "secret@127.0.0.1", "run": done["run"], "kind": "apply", "status": "done", "request": done["id"],
            "url": format!("https://dagmar.example.org/e/dev/runs/{}", done["run"].as_str().unwrap()) })
    );
    assert_eq!(first.header("dagmar-delivery"), message["id"]);
    assert_eq!(first.header("content-type"), "application/json");
    assert!(first.is_signed_with(SIGNS) && !first.is_signed_with("another secret, 16"), "{first:?}");
    // as the documentation says
    let page = std::fs::read_to_string("docs/service.md").unwrap();
    let (_, script) = page.split_once("```sh\n# verify").unwrap();
    let script = format!("# verify{}", script.split_once("```").unwrap().0);
    let verified = |body: &str| {
        let mut sh = Command::new("sh");
        sh.args(["-euc", &script]).env("body", body).env("signature", first.header("dagmar-signature"));
        let out = sh.env("OPS_SECRET", SIGNS).output().unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    assert_eq!(verified(&first.body), (true, "it is from dagmar\n".to_owned(), String::new()));
    assert!(!verified(&first.body.replace("done", "fail")).0);
    // a failed one, and one of the command line
    migrate(&service, "bad");
    let failed = received(&hook, "/hidden-path", 2)[1].json();
    assert_eq!((&failed["event"], &failed["status"]), (&json!("runFailed"), &json!("failed")));
    let failure = json!({ "changeset": "bad", "sqlstate": "P0001", "message": "<!channel> & \"more\"" });
    assert_eq!(failed["failure"], failure);
    let said = received(&hook, "/chat", 1)[0].clone();
    let text = "dev: apply failed (by secret@127.0.0.1)\nbad: &lt;!channel&gt; &amp; \"more\"\nhttps://dagmar.example.org/e/dev/runs/";
    let run = failed["run"].as_str().unwrap();
    assert_eq!(said.json(), json!({ "text": format!("{text}{run}") }));
    assert_eq!((said.header("dagmar-signature"), said.header("dagmar-delivery")), ("", ""));
    project.on(&database, &["apply", "--env", "dev", "--select", "b"]).ok();
    let by_hand = received(&hook, "/hidden-path", 3)[2].json();
    assert_eq!((&by_hand["event"], &by_hand["request"]), (&json!("runFinished"), &Value::Null));
    assert!(by_hand["by"].as_str().unwrap().contains('@') && by_hand["by"] != message["by"], "{by_hand}");
    received(&hook, "/chat", 1);
    for (name, number) in [("ops", 3.0), ("chat", 1.0)] {
        let delivered = || {
            let metrics = Exposition::read(&service.get("/metrics").body);
            metrics.value("dagmar_webhook_deliveries_total", &format!("hook={name},result=delivered"))
        };
        until("it is counted", || delivered() == Some(number));
    }
    let log = service.stop();
    assert_eq!(log.matches("webhook told").count(), 4, "{log}");
    for hidden in ["hidden-path", "hidden-key", SIGNS, &hook.address] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
    // the history is as it was: who is told is not in it
    project.on(&database, &["history", "--env", "dev", "--verify"]).ok();
}

#[test]
fn what_failed_is_tried_again_also_by_the_next_service() {
    let (database, hook) = (Database::new(), Hook::new());
    let project = hooked(&[table("a"), table("b"), table("c")], &[OPS]);
    // what was before the hook is not told
    project.on(&database, &["apply", "--env", "dev", "--select", "c"]).ok();
    let service = start(&project, &database, &hook);
    hook.next(&[Answers::Status(500), Answers::Status(302)]);
    migrate(&service, "a");
    migrate(&service, "b");
    let rows = "SELECT tries || ' ' || (next_at - clock_timestamp() BETWEEN '5 s' AND '10 s') || ' ' || last_error FROM dagmar.delivery";
    database.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE tries = 1");
    assert_eq!(database.sql(rows), "1 true it answers 500");
    try_now(&database);
    // a redirection is not followed
    database.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE tries = 2");
    let soon =
        "SELECT (next_at - clock_timestamp() BETWEEN '50 s' AND '60 s') || ' ' || last_error FROM dagmar.delivery";
    assert_eq!(database.sql(soon), "true it answers 302");
    let log = service.stop();
    assert!(
        log.contains("webhook not told: it answers 500") && log.contains("webhook not told: it answers 302"),
        "{log}"
    );
    try_now(&database);
    let service = start(&project, &database, &hook);
    let all = received(&hook, "/", 4);
    assert!(all.iter().all(|one| one.is_signed_with(SIGNS) && one.path.starts_with("/hidden-path")), "{all:#?}");
    let ids: Vec<&str> = all.iter().map(|one| one.header("dagmar-delivery")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    database.until(
        "SELECT count(*) = 1 FROM dagmar.delivery WHERE tries = 0 AND last_error IS NULL AND tried_since IS NULL",
    );
    service.stop();
}

#[test]
fn several_services_tell_once() {
    let (database, hook) = (Database::new(), Hook::new());
    let all: Vec<_> = (0..5).map(|n| table(&format!("t{n}"))).collect();
    let project = hooked(&all, &[OPS]);
    project.on(&database, &["apply", "--env", "dev", "--select", "t0"]).ok();
    let services = [start(&project, &database, &hook), start(&project, &database, &hook)];
    hook.usually(Answers::Slowly);
    for n in 1..5 {
        project.on(&database, &["apply", "--env", "dev", "--select", &format!("t{n}")]).ok();
    }
    let told = received(&hook, "/", 4);
    let newest = "SELECT count(*) = 1 FROM dagmar.delivery WHERE seq = (SELECT max(seq) FROM dagmar.event WHERE kind = 'runFinished')";
    database.until(&format!("{newest} AND leased_until IS NULL"));
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    told.iter().for_each(|one| *times.entry(one.header("dagmar-delivery").to_owned()).or_default() += 1);
    assert_eq!(times.values().copied().collect::<Vec<_>>(), [1; 4]);
    for service in services {
        service.stop();
    }
    received(&hook, "/", 4);
}

#[test]
fn one_that_hangs_holds_up_nobody() {
    let (database, hook, hangs) = (Database::new(), Hook::new(), Hook::new());
    hangs.usually(Answers::Never);
    let stuck = "name: stuck, url: \"${STUCK_HOOK}\", form: slack, on: [runFinished]";
    let project = hooked(&[table("a"), table("b")], &[stuck, OPS]);
    let mut serve = command(&project, &database, &hook);
    serve.env("STUCK_HOOK", format!("http://{}/", hangs.address));
    let service = Service::run(serve);
    until("it has looked", || service.get("/metrics").body.contains("dagmar_environment_up{environment=\"dev\"} 1"));
    assert_eq!(migrate(&service, "a")["status"], "done");
    received(&hangs, "/", 1);
    // it hangs: runs, requests and the other one go on
    let began = Instant::now();
    assert_eq!(migrate(&service, "b")["status"], "done");
    received(&hook, "/", 2);
    assert_eq!(service.get("/status").status, 200);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // it has its time
    service.until_logged("webhook not told: it does not answer in time");
    assert_eq!(
        database.sql("SELECT tries || ' ' || (leased_until IS NULL) FROM dagmar.delivery WHERE hook = 'stuck'"),
        "1 true"
    );
    service.stop();
}

#[test]
fn after_a_day_an_event_is_given_up() {
    let (database, hook) = (Database::new(), Hook::new());
    let project = hooked(&[table("a"), table("b"), table("c")], &[OPS]);
    project.on(&database, &["apply", "--env", "dev", "--select", "c"]).ok();
    let service = start(&project, &database, &hook);
    hook.next(&[Answers::Status(503), Answers::Status(503), Answers::Status(503)]);
    migrate(&service, "a");
    migrate(&service, "b");
    database.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE tries = 1 AND leased_until IS NULL");
    // less than a day is not enough
    database.sql(
        "UPDATE dagmar.delivery SET tried_since = clock_timestamp() - interval '23 h', next_at = clock_timestamp()",
    );
    database.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE tries = 2 AND leased_until IS NULL");
    database.sql(
        "UPDATE dagmar.delivery SET tried_since = clock_timestamp() - interval '24 h', next_at = clock_timestamp()",
    );
    let all = received(&hook, "/", 4);
    let ids: Vec<&str> = all.iter().map(|one| one.header("dagmar-delivery")).collect();
    assert!(ids[0] == ids[2] && ids[2] != ids[3], "the next one is told: {ids:?}");
    database.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE given_up = 1 AND tries = 0 AND tried_since IS NULL");
    for (result, number) in [("failed", 2.0), ("givenUp", 1.0), ("delivered", 1.0)] {
        let labels = format!("hook=ops,result={result}");
        let tried =
            || Exposition::read(&service.get("/metrics").body).value("dagmar_webhook_deliveries_total", &labels);
        until("it is counted", || tried() == Some(number));
    }
    assert!(service.stop().contains("given up: it answers 503"));
}

#[test]
fn plans_are_told_where_somebody_has_to_approve_them() {
    let (dev, live, hook) = (Database::new(), Database::new(), Hook::new());
    let project = project(&[table("a")]);
    let config = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", approvals: {{ count: 1 }} }}\nserve:\n  webhooks:\n    \
         - {{ name: ops, url: \"${{OPS_HOOK}}\", secret: \"${{OPS_SECRET}}\", on: [approvalAsked] }}\n",
        dev.url(),
        live.url()
    );
    // the ledgers are there before anybody has to approve
    project.write("dagmar.yaml", &config.replace(", approvals: { count: 1 }", ""));
    for environment in ["dev", "live"] {
        let mut apply = project.command(&["apply", "--env", environment, "--yes"]);
        assert!(apply.env("OPS_HOOK", "").env("OPS_SECRET", "").output().unwrap().status.success());
    }
    project.write("dagmar.yaml", &config);
    let mut serve = project.command(&["serve", "--listen", "127.0.0.1:0", "--observe", "200ms"]);
    serve.env("DAGMAR_SECRET", SECRET).env("OPS_SECRET", SIGNS).env("OPS_HOOK", format!("http://{}/", hook.address));
    let service = Service::run(serve);
    for database in [&dev, &live] {
        database.until("SELECT count(*) = 1 FROM dagmar.delivery");
        let plan = format!("p1:{}", "7".repeat(64));
        let detail = json!({ "plan": plan, "by": "anna@10.0.0.1" });
        database.sql(&format!("INSERT INTO dagmar.event (kind, detail) VALUES ('planUploaded', '{detail}')"));
    }
    let message = received(&hook, "/", 1)[0].json();
    let seq = live.sql("SELECT max(seq) FROM dagmar.event");
    assert!(message["id"].as_str().unwrap().ends_with(&format!(":{seq}")), "{message}");
    assert_eq!((&message["event"], &message["environment"]), (&json!("approvalAsked"), &json!("live")));
    assert_eq!((&message["by"], &message["plan"]), (&json!("anna@10.0.0.1"), &json!(format!("p1:{}", "7".repeat(64)))));
    assert_eq!((&message["run"], &message["status"]), (&Value::Null, &Value::Null));
    // a run is nothing that it is told
    let mut apply = project.command(&["apply", "--env", "dev", "--yes"]);
    assert!(apply.output().unwrap().status.success());
    live.until("SELECT count(*) = 1 FROM dagmar.delivery WHERE leased_until IS NULL AND tries = 0");
    service.stop();
    received(&hook, "/", 1);
}

#[test]
fn a_new_hook_begins_with_what_comes_after_it() {
    let (database, hook) = (Database::new(), Hook::new());
    let other = OPS.replace("ops", "other").replace("OPS_HOOK", "CHAT_HOOK");
    let with = |hooks: &[&str]| hooked(&[table("a"), table("b")], hooks);
    let project = with(&[&other]);
    let service = Service::run(command(&project, &database, &hook));
    until("it has looked", || service.get("/metrics").body.contains("dagmar_environment_up{environment=\"dev\"} 1"));
    migrate(&service, "a");
    received(&hook, "/chat", 1);
    let both = with(&[&other, OPS]);
    project.write("dagmar.yaml", &std::fs::read_to_string(both.path().join("dagmar.yaml")).unwrap());
    service.signal("HUP");
    database.until("SELECT count(*) = 2 FROM dagmar.delivery");
    migrate(&service, "b");
    received(&hook, "/chat", 2);
    let told = received(&hook, "/hidden-path", 1);
    let last = database.sql("SELECT max(seq) FROM dagmar.event WHERE kind = 'runFinished'");
    assert!(told[0].header("dagmar-delivery").ends_with(&format!(":{last}")), "{told:?}");
    service.stop();
}

#[test]
fn a_hook_without_its_variables_starts_nothing() {
    let (database, hook) = (Database::new(), Hook::new());
    let project = hooked(&[table("a")], &[OPS]);
    let refused = |change: &dyn Fn(&mut Command)| {
        let mut serve = command(&project, &database, &hook);
        change(&mut serve);
        crate::support::Run::of(serve.output().unwrap()).fails(2)
    };
    let missing = refused(&|serve| _ = serve.env_remove("OPS_SECRET"));
    assert!(missing.contains("the secret of the webhook `ops`") && missing.contains("OPS_SECRET"), "{missing}");
    let short = refused(&|serve| _ = serve.env("OPS_SECRET", "hunter2"));
    assert!(short.contains("it is too short") && !short.contains("hunter2"), "{short}");
    let plain = refused(&|serve| _ = serve.env("OPS_HOOK", "http://hooks.example.org/hidden"));
    assert!(plain.contains("readable on its way") && !plain.contains("hidden"), "{plain}");
}
