//! What keeps a changeset from running, or undoes it: marks, conditions, checks, time.

use crate::harness::Database;
use crate::running::{table, tables};
use crate::tools::{file, project, sql};

#[test]
fn s18_skip_hold_and_release() {
    let project = project(&[
        sql("broken", "SELECT 1 / 0", "SELECT 1", ""),
        table("needs", "    dependsOn: [broken]\n"),
        table("later", "    dependsOn: [needs]\n"),
        table("other", ""),
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
    let said = project.on(&database, &["mark", "held", "other", "--reason", "x"]).fails(5);
    assert!(said.contains("`other` is applied; nothing was marked") && said.contains("help: "), "{said}");
    let said = project.on(&database, &["mark", "pending", "broken", "--reason", "x"]).fails(5);
    assert!(said.contains("`needs` depends on `broken`"), "{said}");
    let history = project.on(&database, &["history", "--format", "json"]).ok();
    assert!(history.contains("waits for the review") && history.contains("reviewed"), "{history}");
}

#[test]
fn s22_a_failed_check_undoes_the_change() {
    let verify = "    verify:\n      - { name: somebody is there, sql: 'SELECT EXISTS (SELECT FROM people)' }\n";
    let single = "CREATE TABLE people (n int)";
    let segments = "CREATE TABLE people (n int);\n-- segment\nCREATE INDEX CONCURRENTLY people_n ON people (n);\n-- segment\nSELECT 1";
    for (text, count) in [(single, 1), (segments, 3)] {
        let project = project(&[sql("a", text, "DROP TABLE people", verify)]);
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
            &file(&[sql("a", &format!("{text};\nINSERT INTO people VALUES (1)"), "DROP TABLE people", verify)]),
        );
        project.on(&database, &["apply"]).ok();
    }
}

#[test]
fn s22_checks_that_cannot_be_asked_and_checks_of_the_way_back() {
    let broken = "    verify: [ { name: nonsense, sql: SELECT 1 / 0 = 0 } ]\n";
    let back = "    verify: [ { name: it is gone, sql: 'SELECT to_regclass(''b'') IS NULL', on: rollback } ]\n";
    let project = project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a", broken)]);
    let database = Database::new();
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(said.contains("the check `nonsense` cannot be queried: division by zero"), "{said}");
    project.write("plans/a.yaml", &file(&[sql("b", "CREATE TABLE b ()", "SELECT 1", back)]));
    project.on(&database, &["apply"]).ok();
    let said = project.on(&database, &["rollback", "b"]).fails(8);
    assert!(
        said.contains("the check does not hold: it is gone") && said.contains("state: it is applied as before"),
        "{said}"
    );
    assert_eq!(tables(&database), "b");
}

/// What was undone because its check does not hold was not applied, and nothing that needs it begins.
#[test]
fn what_a_failed_check_undid_does_not_count() {
    let verify = "    verify: [ { name: never, sql: SELECT false } ]\n";
    let index = "CREATE TABLE a (n int);\n-- segment\nCREATE INDEX CONCURRENTLY a_n ON a (n)";
    let back = "DROP TABLE a;\n-- segment\nSELECT pg_sleep(0.5)";
    let single = "DROP TABLE a";
    for back in [back, single] {
        let project = project(&[sql("a", index, back, verify), table("b", "    dependsOn: [a]\n")]);
        let database = Database::new();
        let run = project.on(&database, &["apply"]);
        assert_eq!(run.code, 8, "{run:?}");
        assert!(run.out.contains("applied 0 of 2 changesets") && !run.err.contains("✓"), "{run:?}");
        let run = project.on(&database, &["apply", "--format", "json"]);
        assert!(!run.out.contains("stepDone") && !run.out.contains("\"changeset\":\"b\""), "{}", run.out);
        assert_eq!((tables(&database).as_str(), project.states(&database).as_str()), ("", "a=failed b=pending"));
    }
}

#[test]
fn preconditions_come_first() {
    let project = project(&[sql(
        "a",
        "CREATE TABLE a ()",
        "DROP TABLE a",
        "    preconditions:\n      - tableExists: people\n      - not: { columnExists: { table: people, column: age } }\n",
    )]);
    let database = Database::new();
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(said.contains("the precondition does not hold: table people exists"), "{said}");
    database.sql("CREATE TABLE people (age int)");
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(said.contains("the precondition does not hold: not: column people.age exists"), "{said}");
    assert_eq!(tables(&database), "people");
    database.sql("ALTER TABLE people DROP age");
    project.on(&database, &["apply"]).ok();
}

#[test]
fn soak_waits_without_failing() {
    let contract = table("contract", "    dependsOn: [ { id: expand, soak: 1500ms } ]\n");
    let project = project(&[table("expand", ""), contract, table("last", "    dependsOn: [contract]\n")]);
    let database = Database::new();
    let said = project.on(&database, &["apply"]).ok();
    assert!(said.contains("contract: expand must have been applied for 1s500ms"), "{said}");
    assert!(said.contains("last: needs `contract`, which waits"), "{said}");
    assert_eq!(project.states(&database), "expand=applied contract=waiting last=blocked");
    let plan = project.on(&database, &["plan"]).ok();
    assert!(plan.contains("contract"), "{plan}");
    database
        .until("SELECT applied_at + interval '1.5 s' < clock_timestamp() FROM dagmar.changeset WHERE id = 'expand'");
    assert!(project.on(&database, &["apply"]).ok().contains("applied 2 changesets"));
    assert_eq!(tables(&database), "contract expand last");
}
