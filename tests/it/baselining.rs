//! `dagmar baseline`: only changesets whose effect a database has are marked.

use crate::support::{Changeset, Database, Project, changeset, parameters, sql};
use dagmar::base::{FailureKind, HumanDuration};
use dagmar::ops::generate::baseline;
use dagmar::ops::manual::ManualOptions;
use dagmar::ops::manual::mark::{self, Mark, MarkRequest};
use dagmar::ops::{self, Actor, TargetSpec};
use dagmar::pg::{ProcessEnv, Stop};
use serde_json::Value;
use std::sync::Arc;

fn shop(rules: &str, changesets: &[Changeset]) -> (Project, Database) {
    let database = Database::new();
    let config = format!("{rules}environments: {{ prod: {{ url: \"{}\" }} }}\n", database.url());
    let project = Project::new(&[("dagmar.yaml", &config), ("plans/shop.yaml", &crate::support::file(changesets))]);
    (project, database)
}

const BASELINE: [&str; 4] = ["baseline", "--reason", "was there", "--yes"];

fn answer(project: &Project, more: &[&str]) -> Value {
    let run = project.run(&[&BASELINE[..], &["--format", "json"], more].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

fn app() -> Changeset {
    sql("app", "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n int)", "DROP SCHEMA app CASCADE")
}

const RULES: &str = "drift:
  ignore:
    - { object: view app.*, reason: made by the analysts }
    - { object: table app.t, property: comment, reason: described by the analysts }
";

#[test]
fn a_rule_of_drift_says_nothing_of_what_is_pending() {
    let view = sql("v", "CREATE VIEW app.v AS SELECT id FROM app.t", "DROP VIEW app.v").depends_on(["app"]);
    let comment =
        sql("note", "COMMENT ON TABLE app.t IS 'wanted'", "COMMENT ON TABLE app.t IS NULL").depends_on(["app"]);
    let drop = sql("gone", "DROP VIEW app.old", "CREATE VIEW app.old AS SELECT 1 AS a").depends_on(["old"]);
    let old = sql("old", "CREATE VIEW app.old AS SELECT 1 AS a", "DROP VIEW app.old").depends_on(["app"]);
    let (project, database) = shop(RULES, &[app(), old, view, comment, drop]);
    project.run(&["apply", "--yes", "--select", "+old"]).ok();
    // what others own, and no changeset makes
    database.sql("CREATE VIEW app.own AS SELECT 1 AS a");
    let refused = project.run(&BASELINE).refusal(5);
    for words in [
        "3 differences; nothing was marked",
        "view app.v is missing",
        "view app.old is not expected",
        "the rule `view app.*` of drift.ignore does not count",
        "table app.t: comment is unset instead of `wanted`",
        "the rule `table app.t` of drift.ignore does not count",
    ] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert!(!refused.contains("app.own"), "{refused}");

    database.sql("CREATE VIEW app.v AS SELECT id FROM app.t; COMMENT ON TABLE app.t IS 'wanted'; DROP VIEW app.old");
    assert_eq!(answer(&project, &[])["changesets"], serde_json::json!(["v", "note", "gone"]));
}

#[test]
fn a_rule_of_drift_counts_for_what_is_recorded() {
    let old = sql("old", "CREATE VIEW app.old AS SELECT 1 AS a", "DROP VIEW app.old").depends_on(["app"]);
    let next = sql("next", "CREATE TABLE app.next ()", "DROP TABLE app.next").depends_on(["app"]);
    let (project, database) = shop(RULES, &[app(), old, next]);
    project.run(&["apply", "--yes", "--select", "+old"]).ok();
    database.sql("DROP VIEW app.old; COMMENT ON TABLE app.t IS 'mine'; CREATE TABLE app.next ()");
    assert_eq!(answer(&project, &[])["changesets"], serde_json::json!(["next"]));
}

#[test]
fn what_a_catalog_does_not_show_is_not_marked_unasked() {
    let after = |id: &str, forward: &str, back: &str| sql(id, forward, back).depends_on(["app"]);
    let changesets = [
        app(),
        changeset("seed").change("insert", parameters("table: app.t, rows: [{ id: 1 }]")).depends_on(["app"]),
        after("typed", "ALTER TABLE app.t ALTER n TYPE bigint", "ALTER TABLE app.t ALTER n TYPE int"),
        after("nothing", "SELECT 1", "SELECT 1"),
        after("again", "CREATE TABLE IF NOT EXISTS app.t ()", "SELECT 1"),
        after("work", "CREATE TABLE app.w (); DROP TABLE app.w", "SELECT 1"),
        after("rows", "DO $$ BEGIN UPDATE app.t SET n = 1; END $$", "SELECT 1"),
        after("block", "DO $$ BEGIN CREATE TABLE app.b (); END $$", "DROP TABLE app.b"),
        after(
            "f",
            "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION app.f()",
        ),
        after("f2", "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT 1")
            .depends_on(["f"]),
        after("both", "CREATE TABLE app.both (n int); INSERT INTO app.both VALUES (1)", "DROP TABLE app.both"),
    ];
    let (project, database) = shop("", &changesets);
    let other = Database::new();
    project.on(&other, &["apply"]).ok();
    let dump = std::process::Command::new(crate::support::server().bin.join("pg_dump"))
        .args(["--schema", "app", &other.url()])
        .output()
        .unwrap();
    let file = project.path().join("dump.sql");
    std::fs::write(&file, dump.stdout).unwrap();
    database.script(&file).unwrap();

    let run = project.run(&[&BASELINE[..], &["--format", "json"]].concat());
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    let sorted = |field: &str| {
        let mut ids: Vec<&str> = answer[field].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let unseen = ["again", "f2", "nothing", "rows", "seed", "work"];
    assert_eq!(sorted("withoutEffect"), unseen, "{answer:#}");
    assert_eq!(sorted("changesets"), ["app", "block", "both", "f", "typed"], "{answer:#}");
    assert!(run.err.contains("without an effect on the catalog: ") && run.err.contains("they stay pending"), "{run:?}");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.changeset"), "5");

    let refused = project.run(&BASELINE).refusal(5);
    assert!(refused.contains("no pending changeset changes the catalog"), "{refused}");
    assert!(refused.contains("seed") && refused.contains("--include-data"), "{refused}");
    let said = project.run(&[&BASELINE[..], &["--include-data"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("--include-data marks them"), "{said:?}");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.changeset WHERE status = 'applied'"), "11");
}

#[test]
fn a_changeset_with_another_id_is_recorded() {
    let next = sql("next", "CREATE TABLE app.next ()", "DROP TABLE app.next").depends_on(["app"]);
    let (project, database) = shop("", &[app(), next.clone()]);
    project.run(&["apply", "--yes", "--select", "app"]).ok();
    let renamed =
        sql("begin", "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n int)", "DROP SCHEMA app CASCADE")
            .aka(["app"]);
    project.write("plans/shop.yaml", &crate::support::file(&[renamed, next.depends_on(["begin"])]));
    database.sql("CREATE TABLE app.next ()");
    assert_eq!(answer(&project, &[])["changesets"], serde_json::json!(["next"]));
}

/// Somebody rolls back what the comparison saw as applied.
#[test]
fn nothing_is_marked_when_the_ledger_says_something_else_than_before() {
    let next = sql("next", "CREATE TABLE app.next ()", "DROP TABLE app.next").depends_on(["app"]);
    let last = sql("last", "CREATE TABLE app.last ()", "DROP TABLE app.last").depends_on(["app"]);
    let (project, database) = shop("", &[app(), next, last]);
    project.run(&["apply", "--yes", "--select", "+last"]).ok();
    database.sql("CREATE TABLE app.next ()");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = ops::Project::open(project.path(), ProcessEnv::of_process()).unwrap();
    let target = opened.target(TargetSpec::default(), Actor::new("who", "here")).unwrap();
    let stop = Arc::new(Stop::default());
    let same = runtime.block_on(baseline(&target, &[], &mut (), &stop, &mut |_| {})).unwrap();
    assert_eq!(same.changesets, ["next"]);

    let options = ManualOptions { reason: "was there".to_owned(), lock_wait: HumanDuration::secs(60), sign: None };
    let ids = same.to_mark(false).unwrap();
    let mark = |since| {
        let request = MarkRequest { state: Mark::Applied, selectors: &ids, options: &options, since };
        runtime.block_on(async {
            let prepared = mark::prepare(&target, &request, &mut ()).await.unwrap();
            prepared.write(&mut (), &stop).await
        })
    };
    project.run(&["rollback", "last", "--yes"]).ok();
    let refused = mark(Some(&same.history)).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Drift);
    assert!(refused.message.contains("another run changed the database after it was compared"), "{refused:?}");
    assert_eq!(database.sql("SELECT string_agg(id, ' ') FROM dagmar.changeset"), "app");
    // what the ledger says now is what it has to say
    let same = runtime.block_on(baseline(&target, &["next".to_owned()], &mut (), &stop, &mut |_| {})).unwrap();
    assert_eq!(mark(Some(&same.history)).unwrap().changesets, ["next"]);
}
