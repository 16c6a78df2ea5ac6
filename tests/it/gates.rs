//! What keeps a changeset from running, or undoes it: marks, conditions, checks, time.

use crate::support::{Database, file, project, snapshot, sql, table, tables};
use serde_json::json;

#[test]
fn changesets_are_skipped_held_and_released() {
    let project = project(&[
        sql("broken", "SELECT 1 / 0", "SELECT 1"),
        table("needs").depends_on(["broken"]),
        table("later").depends_on(["needs"]),
        table("other"),
    ]);
    let database = Database::new();
    project.on(&database, &["apply"]).fails(8);
    project.on(&database, &["mark", "held", "broken", "--reason", "waits for the review"]).ok();
    let said = project.on(&database, &["apply"]).ok();
    assert!(said.contains("needs: needs `broken`, which is held"), "{said}");
    assert!(said.contains("later: needs `needs`, which is blocked"), "{said}");
    assert_eq!(tables(&database), "other");
    assert_eq!(project.states(&database), "broken=held needs=blocked later=blocked other=applied");
    let text = project.on(&database, &["status"]).ok();
    assert!(text.contains("waits for the review"), "{text}");
    // released: tried again
    project.on(&database, &["mark", "pending", "broken", "--reason", "reviewed"]).ok();
    project.on(&database, &["apply"]).fails(8);
    // skipped: what depends on it may run
    project.on(&database, &["mark", "skipped", "broken", "--reason", "not here"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(project.states(&database), "broken=skipped needs=applied later=applied other=applied");
    snapshot(
        "gates/changesets_are_skipped_held_and_released",
        &project.on(&database, &["mark", "held", "other", "--reason", "x"]).refusal(5),
    );
    snapshot(
        "gates/changesets_are_skipped_held_and_released-2",
        &project.on(&database, &["mark", "pending", "broken", "--reason", "x"]).refusal(5),
    );
    let history = project.on(&database, &["history", "--format", "json"]).ok();
    assert!(history.contains("waits for the review") && history.contains("reviewed"), "{history}");
}

#[test]
fn a_failed_check_undoes_the_change() {
    let verify = json!([{ "name": "somebody is there", "sql": "SELECT EXISTS (SELECT FROM people)" }]);
    let single = "CREATE TABLE people (n int)";
    let segments = "CREATE TABLE people (n int);\n-- segment\nCREATE INDEX CONCURRENTLY people_n ON people (n);\n-- segment\nSELECT 1";
    for (text, count) in [(single, 1), (segments, 3)] {
        let project = project(&[sql("a", text, "DROP TABLE people").with("verify", verify.clone())]);
        let database = Database::new();
        let said = project.on(&database, &["apply"]).fails(8);
        for words in ["`a` failed: the check does not hold: somebody is there", "state: nothing of it remains"] {
            assert!(said.contains(words), "{count} segments: {words}\n{said}");
        }
        assert_eq!(
            (tables(&database).as_str(), project.states(&database).as_str()),
            ("", "a=failed"),
            "{count} segments"
        );
        project.write(
            "plans/a.yaml",
            &file(&[sql("a", &format!("{text};\nINSERT INTO people VALUES (1)"), "DROP TABLE people")
                .with("verify", verify.clone())]),
        );
        project.on(&database, &["apply"]).ok();
    }
}

#[test]
fn checks_that_cannot_be_asked_fail_and_rollbacks_have_checks() {
    let broken = json!([{ "name": "nonsense", "sql": "SELECT 1 / 0 = 0" }]);
    let back = json!([{ "name": "it is gone", "sql": "SELECT to_regclass('b') IS NULL", "on": "rollback" }]);
    let project = project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a").with("verify", broken)]);
    let database = Database::new();
    snapshot(
        "gates/checks_that_cannot_be_asked_fail_and_rollbacks_have_checks",
        &project.on(&database, &["apply"]).refusal(8),
    );
    project.write("plans/a.yaml", &file(&[sql("b", "CREATE TABLE b ()", "SELECT 1").with("verify", back)]));
    project.on(&database, &["apply"]).ok();
    snapshot(
        "gates/checks_that_cannot_be_asked_fail_and_rollbacks_have_checks-2",
        &project.on(&database, &["rollback", "b"]).refusal(8),
    );
    assert_eq!(tables(&database), "b");
}

/// What was undone because its check does not hold was not applied, and nothing that needs it begins.
#[test]
fn what_a_failed_check_undid_does_not_count() {
    let verify = json!([{ "name": "never", "sql": "SELECT false" }]);
    let index = "CREATE TABLE a (n int);\n-- segment\nCREATE INDEX CONCURRENTLY a_n ON a (n)";
    let back = "DROP TABLE a;\n-- segment\nSELECT pg_sleep(0.5)";
    let single = "DROP TABLE a";
    for back in [back, single] {
        let project = project(&[sql("a", index, back).with("verify", verify.clone()), table("b").depends_on(["a"])]);
        let database = Database::new();
        for _ in 0..2 {
            let run = project.json(&database, &["apply"]);
            let last = run.events("summary")[0].clone();
            assert_eq!(
                (run.code, &last["applied"], &last["failed"]["changeset"]),
                (8, &json!([]), &json!("a")),
                "{run:?}"
            );
            assert!(run.events("stepDone").is_empty(), "{run:?}");
            assert!(run.values().iter().all(|value| value["changeset"] != "b"), "{run:?}");
        }
        assert_eq!((tables(&database).as_str(), project.states(&database).as_str()), ("", "a=failed b=pending"));
    }
}

#[test]
fn preconditions_come_first() {
    let project = project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a").with(
        "preconditions",
        json!([{ "tableExists": "people" }, { "not": { "columnExists": { "table": "people", "column": "age" } } }]),
    )]);
    let database = Database::new();
    snapshot("gates/preconditions_come_first", &project.on(&database, &["apply"]).refusal(8));
    database.sql("CREATE TABLE people (age int)");
    snapshot("gates/preconditions_come_first-2", &project.on(&database, &["apply"]).refusal(8));
    assert_eq!(tables(&database), "people");
    database.sql("ALTER TABLE people DROP age");
    project.on(&database, &["apply"]).ok();
}

#[test]
fn soak_waits_without_failing() {
    let contract = table("contract").with("dependsOn", json!([{ "id": "expand", "soak": "1500ms" }]));
    let project = project(&[table("expand"), contract, table("last").depends_on(["contract"])]);
    let database = Database::new();
    let said = project.on(&database, &["apply"]).ok();
    assert!(said.contains("contract: expand must have been applied for 1s500ms"), "{said}");
    assert!(said.contains("last: needs `contract`, which waits"), "{said}");
    assert_eq!(project.states(&database), "expand=applied contract=waiting last=blocked");
    let plan = project.on(&database, &["plan"]).ok();
    assert!(plan.contains("contract"), "{plan}");
    database
        .until("SELECT applied_at + interval '1.5 s' < clock_timestamp() FROM dagmar.changeset WHERE id = 'expand'");
    assert_eq!(project.json(&database, &["apply"]).applied(), "contract last");
    assert_eq!(tables(&database), "contract expand last");
}
