//! Putting a ledger right without SQL: new ids, states after a fix by hand, ledgers that came
//! from elsewhere.

use crate::support::{Database, Project, Run, file, project, snapshot, sql, table, tables};
use serde_json::json;

const OLD: &str = "
changesets:
  - id: base
    changes: [ { createTable: { table: t, columns: [ { name: id, type: bigint, identity: always, primaryKey: true }, { name: \"Odd\", type: int, default: '7' } ] } } ]
  - id: no.default
    dependsOn: [base]
    changes: [ { dropDefault: { table: t, column: \"Odd\" } }, { sql: { forward: \"INSERT INTO t (\\\"Odd\\\") VALUES (1)\", rollback: \"DELETE FROM t WHERE 'no.default' = 'no' || '.default'\" } } ]
  - id: after
    dependsOn: [no.default]
    changes: [ { addColumn: { table: t, columns: [ { name: x, type: int } ] } } ]
";

fn renamed() -> String {
    OLD.replace("- id: no.default", "- id: without\n    aka: [older, no.default]")
        .replace("dependsOn: [no.default]", "dependsOn: [without]")
}

#[test]
fn a_new_id_goes_on_with_the_row_of_the_old_one() {
    let project = Project::new(&[("plans/a.yaml", OLD)]);
    let database = Database::new();
    let empty = database.dump();
    project.on(&database, &["apply", "--select", "base,no.default"]).ok();
    project.write("plans/a.yaml", &renamed());
    assert_eq!(project.states(&database), "base=applied without=applied after=pending");
    assert!(project.on(&database, &["why", "no.default"]).ok().starts_with("without is applied"));
    let plan = project.on(&database, &["plan"]).ok();
    assert!(plan.contains("renamed before the first step\n  no.default: without"), "{plan}");
    // what only looks changes nothing
    project.on(&database, &["apply", "--dry-run"]).ok();
    assert_eq!(database.ledger(), "base=applied no.default=applied");
    let run = project.json(&database, &["apply"]);
    assert_eq!(run.last()["renamed"], json!([{ "from": "no.default", "to": "without" }]));
    assert_eq!(run.applied(), "after");
    assert_eq!(database.ledger(), "base=applied without=applied after=applied");
    assert_eq!(
        database.sql("SELECT string_agg(changeset || '>' || needs, ' ' ORDER BY changeset) FROM dagmar.requires"),
        "after>without without>base"
    );
    assert_eq!(project.json(&database, &["apply"]).applied(), "");
    let history = project.on(&database, &["history"]).ok();
    assert!(history.contains("renamed") && history.contains("from no.default"), "{history}");
    project.json(&database, &["history", "--verify"]).intact();
    // the stored rollback finds what was remembered under the old id; the author's text is kept
    project.on(&database, &["rollback", "without", "--cascade"]).ok();
    assert_eq!(database.sql("SELECT column_default FROM information_schema.columns WHERE column_name = 'Odd'"), "7");
    assert_eq!(database.sql("SELECT count(*) FROM t"), "0");
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.dump(), empty);
}

#[test]
fn nothing_but_a_new_id_and_a_script_with_one() {
    let project = Project::new(&[("plans/a.yaml", OLD)]);
    let (database, other) = (Database::new(), Database::new());
    for database in [&database, &other] {
        project.on(database, &["apply", "--select", "base,no.default"]).ok();
    }
    project.write("plans/a.yaml", &renamed());
    let said = project.on(&database, &["apply", "--select", "base"]).ok();
    assert_eq!(said, "renamed no.default to without\n");
    assert_eq!(database.ledger(), "base=applied without=applied");
    let file = project.path().join("all.sql");
    project.on(&other, &["sql", "--output", file.to_str().unwrap()]).ok();
    other.script(&file).unwrap();
    assert_eq!(other.ledger(), "base=applied without=applied after=applied");
    assert_eq!(other.sql("SELECT needs FROM dagmar.requires WHERE changeset = 'after'"), "without");
    // a mark of what has a new id does not make a second row
    let third = Database::new();
    project.write("plans/a.yaml", OLD);
    project.on(&third, &["mark", "held", "no.default", "--reason", "not yet"]).ok();
    project.write("plans/a.yaml", &renamed());
    project.on(&third, &["mark", "skipped", "without", "--reason", "never"]).ok();
    assert_eq!(third.ledger(), "without=skipped");
}

#[test]
fn a_half_done_changeset_goes_on_under_its_new_id() {
    let changeset = |id: &str, last: &str| {
        let forward = format!("CREATE INDEX CONCURRENTLY i ON t (n);\n-- segment\n{last}");
        sql(id, &forward, "DROP INDEX CONCURRENTLY IF EXISTS i;\n-- segment\nSELECT 1").depends_on(["t"])
    };
    let last = "SELECT 1 / (SELECT count(*) FROM t)";
    let project = project(&[table("t"), changeset("old", last)]);
    let database = Database::new();
    project.on(&database, &["apply"]).fails(8);
    assert_eq!(project.states(&database), "t=applied old=partly");
    database.sql("INSERT INTO t VALUES (1)");
    project.write("plans/a.yaml", &file(&[table("t"), changeset("new", last).aka(["old"])]));
    assert_eq!(project.states(&database), "t=applied new=partly");
    project.on(&database, &["apply"]).ok();
    assert_eq!(project.states(&database), "t=applied new=applied");
}

#[test]
fn earlier_ids_that_cannot_be_are_refused() {
    for (changesets, message, more) in [
        ([table("a").aka(["a"]), table("b")], "`a` is its own earlier id", "plans/a.yaml:3:11"),
        ([table("a").aka(["b"]), table("b")], "`b` is still the id of a changeset", "it is declared here"),
        ([table("a").aka(["old"]), table("b").aka(["old"])], "`old` is claimed as an earlier id twice", "first here"),
        ([table("a").aka(["x", "x"]), table("b")], "`x` is claimed as an earlier id twice", "plans/a.yaml:3:14"),
        ([table("a").aka(["not an id"]), table("b")], "`not an id` is not a valid id", "[DG0207]"),
        ([table("a").aka(["old"]), table("b").depends_on(["old"])], "`b` depends on `old`", "it is called `a` now"),
    ] {
        let said = project(&changesets).run(&["check"]).fails(3);
        assert!(said.contains(message) && said.contains(more), "{said}");
    }
}

#[test]
fn a_state_is_cleared_after_a_fix_by_hand() {
    let forward = "CREATE TABLE b (n int);\n-- segment\nCREATE INDEX CONCURRENTLY i ON b (n);\n-- segment\nSELECT 1 / (SELECT count(*) FROM b)";
    let project = project(&[
        table("a"),
        sql("b", forward, "DROP TABLE b;\n-- segment\nSELECT 1").depends_on(["a"]),
        sql("c", "SELECT 1 / 0", "SELECT 1"),
    ]);
    let database = Database::new();
    let clear = |args: &[&str]| project.on(&database, &[&["clear"], args, &["--reason", "incident 4711"]].concat());
    project.on(&database, &["apply", "--select", "a,b"]).fails(8);
    assert_eq!(project.states(&database), "a=applied b=partly c=pending");
    // the lock notes its holder in the lease; nothing else may change
    let state = || {
        database.sql("SELECT (SELECT string_agg(c::text, ' ' ORDER BY id) FROM dagmar.changeset c), (SELECT count(*) FROM dagmar.segment), (SELECT count(*) FROM dagmar.event WHERE kind <> 'refused')")
    };
    let before = state();
    for (id, message) in [
        ("a", "`a` is applied; nothing was cleared"),
        ("c", "`c` has no recorded state"),
        ("x", "`x` has no recorded state"),
    ] {
        let run = clear(&[id]);
        assert!(run.err.contains(message) && run.err.contains("help: "), "{run:?}");
    }
    snapshot(
        "repair/a_state_is_cleared_after_a_fix_by_hand",
        &project.on(&database, &["mark", "applied", "b", "--reason", "x"]).refusal(5),
    );
    project.on(&database, &["clear", "b", "--reason", " "]).fails(2);
    let mut asked = project.command(&["clear", "b", "--reason", "x", "--url", &database.url()]);
    snapshot("repair/a_state_is_cleared_after_a_fix_by_hand-2", &Run::of(asked.output().unwrap()).refusal(5));
    assert_eq!(state(), before);
    // taken back by hand: applied from the beginning
    database.sql("DROP TABLE b");
    let cleared = clear(&["b"]);
    for words in [
        "`b` is partly (forward: 2 segments done, 0 begun)",
        "its row and progress will be removed",
        "an event `cleared` records: incident 4711",
    ] {
        assert!(cleared.err.contains(words), "{words}: {cleared:?}");
    }
    assert_eq!(cleared.ok(), "cleared b: pending, was partly\n");
    assert_eq!(project.states(&database), "a=applied b=pending c=pending");
    project.on(&database, &["apply", "--select", "b"]).fails(8);
    // finished by hand
    database.sql("INSERT INTO b VALUES (1)");
    let cleared = clear(&["b", "--applied", "--format", "json"]).json();
    assert_eq!((cleared["from"].as_str(), cleared["to"].as_str()), (Some("partly"), Some("applied")));
    assert_eq!(project.states(&database), "a=applied b=applied c=pending");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.segment"), "0");
    project.on(&database, &["apply"]).fails(8);
    assert_eq!(clear(&["c"]).ok(), "cleared c: pending, was failed\n");
    let history = project.on(&database, &["history"]).ok();
    assert!(history.contains("partly to applied: incident 4711") && history.contains("failed to pending"), "{history}");
    project.json(&database, &["history", "--verify"]).intact();
    project.on(&database, &["rollback", "b"]).ok();
    assert_eq!(tables(&database), "a");
    project.on(&database, &["mark", "held", "c", "--reason", "x"]).ok();
    snapshot("repair/a_state_is_cleared_after_a_fix_by_hand-3", &clear(&["c"]).refusal(5));
}

#[test]
fn a_ledger_from_another_environment_is_refused_until_it_is_adopted() {
    let config = "environments:\n  staging:\n  live:\n  third:\n";
    let changesets = [table("a"), table("b")];
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", &file(&changesets))]);
    let (live, staging) = (Database::new(), Database::new());
    project.on(&live, &["apply", "--env", "live", "--select", "a"]).ok();
    project.on(&live, &["pause", "--env", "live", "--reason", "busy"]).ok();
    let dump = project.path().join("live.sql");
    std::fs::write(&dump, live.whole_dump()).unwrap();
    staging.script(&dump).unwrap();
    let before = staging.whole_dump();
    for args in [
        &["apply"][..],
        &["rollback", "a"],
        &["mark", "held", "b", "--reason", "x"],
        &["clear", "a", "--reason", "x"],
        &["pause"],
        &["resume"],
        &["cancel"],
        &["sql"],
    ] {
        let said = project.on(&staging, &[args, &["--env", "staging"]].concat()).fails(5);
        assert!(said.contains("the ledger of this database belongs to `live`, not to `staging`"), "{args:?}: {said}");
        assert!(said.contains("`dagmar adopt --env staging --reason TEXT`"), "{said}");
    }
    for args in [&["status"][..], &["plan"]] {
        let run = project.on(&staging, &[args, &["--env", "staging"]].concat());
        assert!(run.code == 0 && run.err.contains("belongs to `live`; see `dagmar adopt`"), "{run:?}");
    }
    assert!(
        project.on(&staging, &["why", "b", "--env", "staging"]).ok().contains("to do: `dagmar adopt --env staging")
    );
    // the lock notes its holder in the lease, and refusals leave word: nothing else was written
    assert_eq!(tables(&staging), "a");
    let events = "SELECT count(*) FROM dagmar.event WHERE kind <> 'refused'";
    assert_eq!(staging.sql(events), live.sql(events));
    assert!(before.contains("'pause'"));
    let said = project.on(&staging, &["adopt", "--env", "staging", "--reason", "the dump of Monday"]).ok();
    assert_eq!(said, "the ledger belongs to staging now\n");
    project.on(&staging, &["apply", "--env", "staging"]).ok();
    assert_eq!(tables(&staging), "a b");
    let status = project.on(&staging, &["status", "--env", "staging"]);
    assert!(!status.out.contains("paused") && status.err.is_empty(), "{status:?}");
    let history = project.on(&staging, &["history", "--env", "staging"]).ok();
    assert!(history.contains("from live: the dump of Monday"), "{history}");
    project.json(&staging, &["history", "--verify", "--env", "staging"]).intact();
    project.on(&staging, &["adopt", "--env", "staging", "--reason", "x"]).fails(5);
    // an adopted ledger is known by its new name when it travels on
    let third = Database::new();
    std::fs::write(&dump, staging.whole_dump()).unwrap();
    third.script(&dump).unwrap();
    snapshot(
        "repair/a_ledger_from_another_environment_is_refused_until_it_is_adopted",
        &project.on(&third, &["apply", "--env", "third"]).refusal(5),
    );
    project.on(&Database::new(), &["adopt", "--env", "staging", "--reason", "x"]).fails(5);
}

#[test]
fn what_is_refused_by_hand_leaves_word() {
    let config = "environments:\n  staging:\n  live:\n";
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", &file(&[table("a")]))]);
    let database = Database::new();
    let refused = |env: &str, args: &[&str], code| project.on(&database, &[args, &["--env", env]].concat()).fails(code);
    let clear = &["clear", "a", "--reason", "x"][..];
    let adopt = &["adopt", "--reason", "x"][..];
    // no ledger is made for it
    refused("live", adopt, 5);
    refused("live", &["cancel"], 5);
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dagmar'"), "0");
    project.on(&database, &["apply", "--env", "live"]).ok();
    refused("live", clear, 5);
    refused("live", adopt, 5);
    for args in [clear, &["pause"], &["resume"], &["cancel"]] {
        refused("staging", args, 5);
    }
    let mut asked = project.command(&["adopt", "--env", "staging", "--reason", "x", "--url", &database.url()]);
    Run::of(asked.output().unwrap()).fails(5);
    let events = "SELECT concat_ws(' ', detail ->> 'environment', detail ->> 'command', detail ->> 'exitCode', \
                  detail ->> 'why') FROM dagmar.event WHERE kind = 'refused' AND detail ->> 'by' LIKE '%@%' ORDER BY seq";
    let other = "5 the ledger of this database belongs to `live`, not to `staging`";
    let expected = [
        "live clear 5 `a` is applied; nothing was cleared".to_owned(),
        "live adopt 5 the ledger already belongs to `live`; nothing was changed".to_owned(),
        format!("staging clear {other}"),
        format!("staging pause {other}"),
        format!("staging resume {other}"),
        format!("staging cancel {other}"),
        "staging adopt 5 cannot ask for confirmation: not a terminal".to_owned(),
    ];
    assert_eq!(database.sql(events).lines().collect::<Vec<_>>(), expected);
    project.json(&database, &["history", "--verify", "--env", "live"]).intact();
    // where nothing can be written, the refusal is the same
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    let before = database.whole_dump();
    refused("staging", &["resume"], 5);
    refused("staging", &["cancel"], 5);
    for args in [clear, adopt, &["pause"]] {
        assert!(refused("live", args, 7).contains("are read-only"));
    }
    assert_eq!(database.whole_dump(), before);
}

#[test]
fn a_project_that_names_its_environments_later_keeps_its_ledger() {
    let project = project(&[table("a"), table("b")]);
    let database = Database::new();
    project.on(&database, &["apply", "--select", "a"]).ok();
    project.write("dagmar.yaml", "environments:\n  dev:\n  live:\n");
    project.on(&database, &["apply", "--env", "live"]).ok();
    snapshot(
        "repair/a_project_that_names_its_environments_later_keeps_its_ledger",
        &project.on(&database, &["apply", "--env", "dev"]).refusal(5),
    );
}

#[test]
fn a_ledger_of_an_odd_name_is_carried_over_too() {
    let config = "ledger: { schema: 'My (odd) \"ledger\\' }\n";
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", OLD)]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    project.write("plans/a.yaml", &renamed());
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "without", "--cascade"]).ok();
    assert_eq!(database.sql("SELECT column_default FROM information_schema.columns WHERE column_name = 'Odd'"), "7");
}
