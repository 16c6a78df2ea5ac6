//! What commands write with `--format json` is what `dagmar schema answers` says, of every command and of
//! everything that it may answer.

use crate::support::{Answers, Database, Project, Run, backfill, binaries, sql};
use serde_json::{Value, json};

/// A project with two environments.
struct Shop {
    project: Project,
    databases: [Database; 2],
}

impl Shop {
    fn run(&self, args: &[&str]) -> Run {
        let mut command = self.project.command(args);
        command.args(["--yes", "--format", "json"]);
        command.env("STAGING", self.databases[0].url()).env("PRODUCTION", self.databases[1].url());
        Run::of(command.output().unwrap())
    }

    fn write(&self, plans: &[&str]) {
        self.project.write("plans/a.yaml", &format!("changesets:\n{}", plans.concat()));
    }
}

impl Answers {
    /// Runs a command in the project.
    #[track_caller]
    fn run(&mut self, project: &Shop, args: &[&str]) -> Vec<Value> {
        let run = project.run(args);
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        self.check(args, &run)
    }

    /// The same of a command that fails with this code; the last value has the error.
    #[track_caller]
    fn fails(&mut self, project: &Shop, code: i32, args: &[&str]) -> Vec<Value> {
        let run = project.run(args);
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        let values = self.check(args, &run);
        assert_eq!(values.last().unwrap()["error"]["exitCode"], code, "{args:?}: {run:?}");
        values
    }
}

const CONFIG: &str = "environments:
  staging: { url: '${STAGING}' }
  production: { url: '${PRODUCTION}', promoteFrom: staging }
  nowhere: { url: 'postgres://127.0.0.1:1/x' }
";

const LIVE: &[&str] = &["--env", "production"];
const HERE: &[&str] = &["--env", "staging"];

#[test]
fn every_answer_has_a_schema() {
    let shop =
        Shop { project: Project::new(&[("dagmar.yaml", CONFIG)]), databases: [Database::new(), Database::new()] };
    let mut answers = Answers::new(&shop.project);
    let of = |args: &[&'static str], more: &[&'static str]| [args, more].concat();

    // files
    answers.run(&shop, &["init", "begun"]);
    answers.fails(&shop, 2, &["init", "begun"]);
    answers.run(&shop, &["new", "first"]);
    answers.fails(&shop, 2, &["new", "first"]);
    std::fs::remove_file(shop.project.path().join("plans/first.yaml")).unwrap();
    answers.run(&shop, &["lint"]);
    answers.run(&shop, &["prove", "--all", "--no-data", "--no-order"]);
    answers.fails(&shop, 2, &["prove", "--all", "--select", "nothing"]);
    answers.fails(&shop, 2, &["lint", "--select", "nothing"]);
    shop.project.write("tests/db/a.yaml", "tests: [{ name: a, steps: [{ expect: { sql: SELECT, count: 1 } }] }]");
    answers.run(&shop, &["test"]);
    answers.run(&shop, &["test", "--list"]);
    answers.fails(&shop, 2, &["test", "nothing"]);
    let (legacy, other) = (Database::new(), shop.project.path().join("legacy"));
    let (url, other) = (legacy.url(), other.to_str().unwrap().to_owned());
    legacy.sql("CREATE SCHEMA old; CREATE TABLE old.t (id int PRIMARY KEY)");
    shop.project.write("legacy/dagmar.yaml", "environments: { old: { url: 'postgres://127.0.0.1:1/x' } }");
    std::fs::create_dir_all(shop.project.path().join("legacy/plans")).unwrap();
    let there = ["--project", &other, "--url", &url];
    answers.run(&shop, &[&["generate", "--write"], &there[..]].concat());
    answers.fails(&shop, 5, &[&["generate"], &there[..]].concat());
    answers.run(&shop, &[&["baseline", "--reason", "it is there"], &there[..]].concat());
    answers.fails(&shop, 5, &[&["baseline", "--reason", "it is there"], &there[..]].concat());
    answers.run(&shop, &[&["drift"], &there[..]].concat());
    answers.fails(&shop, 2, &[&["drift", "--write"], &there[..]].concat());
    answers.run(&shop, &[&["diff", "project", &url], &there[..]].concat());
    answers.fails(&shop, 2, &[&["diff", "project", "nowhere"], &there[..]].concat());
    answers.run(&shop, &["key", "new", "k"]);
    answers.fails(&shop, 2, &["key", "new", "k"]);
    let new = ["token", "new", "ci", "--role", "run", "--expires", "1d"];
    let token = answers.run(&shop, &new)[0]["text"].as_str().unwrap().to_owned();
    answers.fails(&shop, 2, &new);
    answers.run(&shop, &["token", "list"]);
    let check = ["token", "check", "--format", "json"];
    answers.check(&check, &shop.project.run_with(&check, &token));
    answers.run(&shop, &["token", "revoke", "ci", "--reason", "gone"]);
    answers.fails(&shop, 2, &["token", "revoke", "ci", "--reason", "gone"]);
    answers.fails(&shop, 5, &["token", "check"]);
    std::fs::remove_file(shop.project.path().join("tokens.json")).unwrap();
    answers.fails(&shop, 2, &["token", "list"]);
    answers.run(&shop, &["schema"]);
    answers.run(&shop, &["schema", "answers"]);
    answers.run(&shop, &["schema", "answers", "attic", "list"]);
    answers.run(&shop, &["schema", "--write"]);
    answers.run(&shop, &["schema", "--list"]);
    answers.run(&shop, &["schema", "--type", "createTable"]);
    answers.fails(&shop, 2, &["schema", "answers", "attic", "lost"]);

    // plans, with all kinds of statements
    let plain = "  - id: users
    description: People
    author: me
    labels: [core]
    preconditions: [ { not: { tableExists: users } } ]
    verify: [ { name: is made, sql: SELECT true } ]
    changes:
      - createTable: { table: users, columns: [ { name: id, type: int, primaryKey: true }, { name: email, type: text } ] }
      - insert: { table: users, key: [id], rows: [ { id: 1, email: a }, { id: 2, email: b } ] }
  - id: index
    dependsOn: [users]
    phase: expand
    changes:
      - createIndex: { table: users, name: by_email, columns: [email] }
  - id: fill
    dependsOn: [index]
    environments: [staging, production]
    changes:
      - backfill: { table: users, key: id, batchSize: 10, set: { email: upper(email) }, rollback: SELECT 1 }
  - id: soaked
    dependsOn: [ { id: fill, soak: 30d } ]
    changes:
      - dropColumn: { table: users, column: email }
  - id: late
    dependsOn: [soaked]
    changes:
      - comment: { on: table, name: users, text: none }
  - id: elsewhere
    environments: [production]
    changes:
      - createSchema: { name: elsewhere }
";
    let odd = sql("odd", "DROP TABLE IF EXISTS nothing", "SELECT 1").to_string();
    let bad = sql("bad", "SELECT 1 / 0", "SELECT 1").to_string();
    let forever = "  - id: forever
    rollback: { irreversible: it is what it is }
    changes:
      - sql: { forward: SELECT 1 }
";
    shop.write(&[plain, &odd, forever]);
    answers.run(&shop, &["check"]);
    answers.run(&shop, &["graph"]);
    answers.run(&shop, &of(&["graph", "--against"], HERE));
    answers.run(&shop, &["plan", "--offline"]);
    answers.run(&shop, &of(&["plan"], HERE));
    answers.run(&shop, &of(&["plan", "--against"], HERE));
    answers.run(&shop, &of(&["plan", "--dry-run", "--select", "users"], HERE));
    answers.run(&shop, &of(&["plan", "--dry-run", "--shadow", "--select", "users"], HERE));
    answers.run(&shop, &["plan", "--out", "p.plan", "--for", "staging,production", "--sign", "k"]);
    answers.run(&shop, &["plan", "--verify", "p.plan", "--key", "k.pub"]);
    answers.fails(&shop, 2, &["plan", "--verify", "none.plan"]);
    for (command, word) in [("approve", "approved"), ("reject", "rejected")] {
        answers.run(&shop, &of(&[command, "p.plan", "--key", "k.pub", "--reason", word], LIVE));
        answers.fails(&shop, 2, &of(&[command, "none.plan", "--reason", word], LIVE));
    }
    answers.run(&shop, &of(&["approvals", "list"], LIVE));
    answers.fails(&shop, 2, &["approvals", "list", "none.plan"]);

    // runs
    answers.run(&shop, &of(&["apply", "--dry-run", "--select", "users"], HERE));
    answers.run(&shop, &of(&["apply"], HERE));
    answers.run(&shop, &of(&["apply"], HERE));
    shop.write(&[plain, &odd, forever, &bad]);
    let lines = answers.fails(&shop, 8, &of(&["apply"], HERE));
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert!(kinds.contains(&"stepFailed") && kinds.last() == Some(&"summary"), "{kinds:?}");
    answers.fails(&shop, 8, &of(&["apply", "--dry-run"], HERE));
    answers.run(&shop, &of(&["status"], HERE));
    answers.run(&shop, &of(&["clear", "bad", "--reason", "mended"], HERE));
    answers.fails(&shop, 2, &of(&["clear", "bad", "--reason", "mended"], HERE));
    shop.write(&[plain, &odd, forever]);
    let to = &["promote", "--to", "production"];
    answers.run(&shop, &of(to, &["--check"]));
    answers.run(&shop, &of(to, &["--dry-run"]));
    answers.run(&shop, &of(to, &["--select", "users"]));
    answers.run(&shop, to);
    answers.fails(&shop, 2, &["promote", "--to", "staging"]);
    answers.run(&shop, &of(&["rollback", "fill", "--plan"], LIVE));
    answers.run(&shop, &of(&["rollback", "fill", "--dry-run"], LIVE));
    answers.run(&shop, &of(&["rollback", "users", "--cascade"], LIVE));
    answers.fails(&shop, 2, &of(&["rollback", "unknown"], LIVE));

    // the attic keeps the rows that the rollback took
    answers.run(&shop, &of(&["apply", "--select", "users"], LIVE));
    let list = answers.run(&shop, &of(&["attic", "list"], LIVE));
    let entry = list[0]["entries"][0]["entry"].to_string();
    let entry = entry.as_str();
    let attic = |what, more: &[&'static str]| [&["attic", what, entry], more, LIVE].concat();
    answers.run(&shop, &attic("restore", &["--plan"]));
    answers.run(&shop, &attic("restore", &["--dry-run"]));
    answers.run(&shop, &attic("restore", &[]));
    answers.run(&shop, &of(&["rollback", "users"], LIVE));
    answers.run(&shop, &of(&["apply", "--select", "users"], LIVE));
    let all = of(&["attic", "purge", "--all"], LIVE);
    answers.run(&shop, &of(&all, &["--plan"]));
    answers.run(&shop, &of(&all, &["--dry-run"]));
    answers.run(&shop, &all);
    answers.run(&shop, &all);
    for what in ["restore", "purge"] {
        answers.fails(&shop, 2, &of(&["attic", what, "4711"], LIVE));
    }
    answers.fails(&shop, 7, &["attic", "list", "--env", "nowhere"]);

    // what is there
    answers.run(&shop, &["status", "--all", "--timeout", "5s"]);
    answers.fails(&shop, 7, &["status", "--env", "nowhere"]);
    answers.run(&shop, &of(&["why", "soaked"], HERE));
    answers.run(&shop, &of(&["why", "users"], HERE));
    answers.fails(&shop, 2, &of(&["why", "unknown"], HERE));
    answers.run(&shop, &of(&["history"], HERE));
    answers.run(&shop, &of(&["history", "--verify"], HERE));
    answers.fails(&shop, 7, &["history", "--env", "nowhere"]);

    // by hand
    answers.run(&shop, &of(&["pause", "--reason", "lunch"], HERE));
    answers.run(&shop, &of(&["status"], HERE));
    answers.run(&shop, &of(&["resume"], HERE));
    answers.run(&shop, &of(&["resume"], HERE));
    for command in ["pause", "resume", "cancel"] {
        answers.fails(&shop, 7, &[command, "--env", "nowhere"]);
    }
    answers.run(&shop, &of(&["mark", "held", "late", "--reason", "waits"], HERE));
    answers.run(&shop, &of(&["mark", "pending", "late", "--reason", "no more"], HERE));
    answers.run(&shop, &of(&["mark", "applied", "users+", "--reason", "it is"], HERE));
    answers.fails(&shop, 2, &of(&["mark", "held", "unknown", "--reason", "x"], HERE));
    answers.run(&shop, &of(&["ledger", "install"], LIVE));
    answers.run(&shop, &of(&["ledger", "policy"], LIVE));
    answers.run(&shop, &of(&["ledger", "policy", "--require", "--reason", "as it is"], LIVE));
    for what in ["install", "policy"] {
        answers.fails(&shop, 7, &["ledger", what, "--env", "nowhere"]);
    }
    let url = shop.databases[0].url();
    let adopt = &["adopt", "--env", "production", "--reason", "a copy", "--url", &url];
    answers.run(&shop, adopt);
    answers.fails(&shop, 5, adopt);

    // wrong files: what the ledger has is told along
    shop.project.write("plans/b.yaml", "changesets:\n  - id: c\n    changes: [ { createTabel: {} } ]\n");
    answers.fails(&shop, 3, &["check"]);
    answers.fails(&shop, 3, &["graph"]);
    let broken = answers.fails(&shop, 3, &of(&["status"], LIVE));
    let is_told = |value: &Value| value["diagnostics"].as_array().unwrap().iter().any(|d| d["file"] == "plans/b.yaml");
    assert!(broken[0]["changesets"].is_array() && is_told(&broken[0]), "{broken:?}");
    let broken = answers.fails(&shop, 3, &of(&["why", "users"], LIVE));
    assert!(broken[0]["reasons"].is_array() && is_told(&broken[0]), "{broken:?}");
    while_a_run_is_on_its_way(&mut answers);
    of_the_embedded_server(&mut answers);
    answers.all_seen();
}

/// A backfill waits, and is cancelled: its events, and what others are told of it meanwhile.
fn while_a_run_is_on_its_way(answers: &mut Answers) {
    let (project, database) =
        (backfill("table: t, key: id, batchSize: 5, set: { n: '1' }, rollback: SELECT 1"), Database::new());
    database.sql(
        "CREATE TABLE t AS SELECT g AS id, 0 AS n FROM generate_series(1, 20) g; ALTER TABLE t ADD PRIMARY KEY (id)",
    );
    let mut json = |args: &[&str]| {
        let run = project.on(&database, &[args, &["--format", "json"]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        answers.check(args, &run).remove(0)
    };
    json(&["pause"]);
    let apply = &["apply", "--format", "json"];
    let mut running = project.start(&database, apply);
    let line = running.line_with("backfillWaits");
    assert_eq!(json(&["status"])["runs"][0]["liveness"], "running");
    assert!(json(&["history"])["events"].as_array().unwrap().iter().any(|e| e["liveness"] == "running"));
    assert_eq!(json(&["pause"])["running"]["kind"], "apply");
    assert_eq!(json(&["cancel", "--reason", "not today"])["reason"], "not today");
    answers.check(apply, &Run { code: 0, out: line, err: String::new() });
    let run = running.end();
    assert_eq!(run.code, 9, "{run:?}");
    answers.check(apply, &run);
    let nothing = project.on(&database, &["cancel", "--format", "json"]);
    assert_eq!(nothing.code, 5, "{nothing:?}");
    answers.check(&["cancel"], &nothing);
}

fn of_the_embedded_server(answers: &mut Answers) {
    let project = Project::new(&[("dagmar.yaml", "environments:\n  dev: { url: embedded }\n  live: { url: x }\n")]);
    let mut dev = |what: &str, environment: &str, code: i32| {
        let args = ["dev", what, "--env", environment, "--yes", "--format", "json"];
        let run = Run::of(project.command(&args).env("DAGMAR_PG_BIN", binaries()).output().unwrap());
        assert_eq!(run.code, code, "{run:?}");
        answers.check(&args, &run).remove(0)
    };
    dev("status", "dev", 0);
    dev("url", "dev", 7);
    assert_eq!(dev("start", "dev", 0)["started"], true);
    dev("status", "dev", 0);
    dev("url", "dev", 0);
    assert_eq!(dev("stop", "dev", 0)["stopped"], true);
    assert_eq!(dev("reset", "dev", 0)["removed"], true);
    assert_eq!(dev("reset", "dev", 0)["removed"], false);
    for what in ["start", "stop", "status", "reset"] {
        dev(what, "live", 2);
    }
}

#[test]
fn the_schemas_are_closed() {
    let project = Project::new(&[]);
    let answers = Answers::new(&project);
    let fits = |command: &str, value: &Value| answers.known[command].iter().any(|(_, answer)| answer.is_valid(value));
    let line = json!({ "at": "x", "event": "segmentDone", "changeset": "a", "segment": 0 });
    assert!(fits("apply", &line) && !fits("status", &line));
    let with = |key: &str| {
        let mut line = line.clone();
        line[key] = 1.into();
        line
    };
    assert!(!fits("apply", &with("more")) && !fits("apply", &with("changeset")));
    let error = json!({ "error": { "kind": "usage", "exitCode": 2, "message": "m", "notes": [], "help": null } });
    assert!(fits("apply", &error));
    assert!(!fits("apply", &json!({ "error": error["error"], "more": 1 })));
}

#[test]
fn who_has_no_json_refuses_it() {
    let project = Project::new(&[("dagmar.yaml", "environments: { dev: { url: embedded } }")]);
    let commands = [
        &["sql"][..],
        &["ledger", "grants", "--reader", "r"],
        &["serve"],
        &["dev", "psql"],
        &["completions", "bash"],
        &["man"],
    ];
    for command in commands {
        let run = project.run(&[command, &["--format", "json"]].concat());
        assert!(run.json()["error"]["message"] == "this command has no format `json`" && run.code == 2, "{run:?}");
    }
}
