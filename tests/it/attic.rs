//! `dagmar attic`: what was dropped is listed, put back and purged.

use crate::support::attic::{applied, dropping, entries, intact, number, says, with_rows};
use crate::support::{Database, Run, file, same, snapshot};
use serde_json::{Value, json};

#[test]
fn all_that_is_kept_is_listed() {
    let (project, database) = with_rows("attic: { keep: 90d }");
    database.sql("ANALYZE");
    let all = entries(&project, &database);
    let row = |e: &Value| format!("{} {} {} by {}", e["kind"], e["object"], e["rows"], e["restoreBy"]).replace('"', "");
    assert_eq!(
        all.iter().map(row).collect::<Vec<_>>(),
        [
            "column public.users.email 15 by dagmar rollback drop",
            "table public.logs 30 by dagmar rollback drop",
            "delete public.users 5 by dagmar rollback delete",
            "values public.users.age 10 by dagmar attic restore 4",
            "rows public.notes 3 by dagmar attic restore 5",
        ]
    );
    for entry in &all {
        assert!(entry["bytes"].as_i64().unwrap() > 0, "{entry}");
        assert!(!entry["keptAt"].is_null() && !entry["keptUntil"].is_null() && entry["expired"] == false, "{entry}");
    }
    assert_eq!(
        (&all[0]["table"], &all[1]["keptAs"]),
        (&"public.users".into(), &database.sql("SELECT kept_as FROM dagmar.attic WHERE kind = 'table'").into())
    );
    let text = project.on(&database, &["attic", "list"]).ok();
    says(
        &text,
        &["rows deleted from public.users", "the ledger", "dagmar attic restore 5", "the attic keeps 5 entries, "],
    );
    // a narrow terminal has in lines of its own what has no room
    let narrow = |columns: &str| {
        let mut command = project.command(&["attic", "list", "--url", &database.url()]);
        Run::of(command.env("COLUMNS", columns).output().unwrap()).ok()
    };
    let text = narrow("50");
    assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    says(&text, &["\n    until: 2", "\n    comes back by: dagmar rollback drop\n"]);
    assert!(narrow("200").contains("COMES BACK BY\n"), "{}", narrow("200"));
    // nothing is over its time
    assert!(!project.on(&database, &["status"]).ok().contains("attic"));
    let status = project.on(&database, &["status", "--format", "json"]).json();
    assert_eq!((&status["attic"]["entries"], &status["attic"]["expired"]), (&5.into(), &0.into()));
    assert_eq!(project.json(&Database::new(), &["attic", "list"]).json()["entries"], serde_json::json!([]));
}

#[test]
fn rows_and_values_are_put_back() {
    let (project, database) = with_rows("");
    // rows that stand in the way stay as they are
    database.sql("INSERT INTO notes VALUES (2, 'mine'), (9, 'new'); DELETE FROM users WHERE id = 20");
    let said = project.on(&database, &["attic", "restore", "4", "5"]);
    says(&said.err, &["entry 4: 9 of 10 values put back; 1 stay", "entry 5: 2 of 3 rows put back; 1 stay"]);
    says(&said.ok(), &["put back 2 entries"]);
    assert_eq!(
        database.sql("SELECT string_agg(id || coalesce(body, '-'), ' ' ORDER BY id) FROM notes"),
        "1one 2mine 3- 9new"
    );
    assert_eq!(database.sql("SELECT sum(age) FROM users"), (11..20).sum::<i32>().to_string());
    assert_eq!(database.sql("SELECT kind, status FROM dagmar.run ORDER BY started_at DESC LIMIT 1"), "restore|done");
    assert_eq!(
        database.sql(
            "SELECT detail #>> '{entries,1,object}' FROM dagmar.event WHERE kind = 'atticRestored' AND run IS NOT NULL"
        ),
        "public.notes"
    );
    intact(&project, &database);
    // the rest is still kept, until it is purged; once is enough
    let left = entries(&project, &database);
    let rest: Vec<&Value> = left.iter().filter(|e| !e["restoredAt"].is_null()).collect();
    assert_eq!(rest.len(), 2);
    assert!(rest.iter().all(|e| e["restoreBy"].is_null()));
    let again = project.on(&database, &["attic", "restore", "5"]);
    assert!(again.err.contains("entry 5 was put back before"), "{again:?}");
    assert_eq!(again.ok(), "nothing to restore\n");
    // of all that fitted nothing is left over
    project.on(&database, &["rollback", "notes"]).ok();
    project.on(&database, &["apply"]).ok();
    let (rows, values) = (number(&project, &database, "rows"), number(&project, &database, "values"));
    assert_eq!((rows.as_str(), values.as_str()), ("5", "4"), "those that are left over are listed first");
    let later: Vec<String> = entries(&project, &database)
        .iter()
        .filter(|e| e["restoredAt"].is_null())
        .map(|e| e["entry"].to_string())
        .collect();
    let args: Vec<&str> = ["attic", "restore"].into_iter().chain(later.iter().skip(3).map(String::as_str)).collect();
    project.on(&database, &args).ok();
    assert_eq!(database.sql("SELECT count(*) FROM notes"), "4");
    assert_eq!(
        database
            .sql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^(rows|values)_'"),
        "rows_5 values_4"
    );
    intact(&project, &database);
}

#[test]
fn what_a_rollback_puts_back_names_it() {
    let (project, database) = applied("");
    database.sql("INSERT INTO notes VALUES (1, 'one')");
    let before = database.dump();
    for (kind, command) in
        [("column", "dagmar rollback drop"), ("table", "dagmar rollback drop"), ("delete", "dagmar rollback delete")]
    {
        let said = project.on(&database, &["attic", "restore", &number(&project, &database, kind)]).fails(5);
        says(&said, &["comes back by the rollback of", command]);
    }
    snapshot(
        "attic/what_a_rollback_puts_back_names_it",
        &project.on(&database, &["attic", "restore", "77"]).refusal(2),
    );
    same("nothing was changed", &before, &database.dump());
    project.on(&database, &["rollback", "notes"]).ok();
    let rows = number(&project, &database, "rows");
    snapshot(
        "attic/what_a_rollback_puts_back_names_it-2",
        &project.on(&database, &["attic", "restore", &rows]).refusal(5),
    );
    assert_eq!(
        database
            .sql("SELECT count(*) FROM dagmar.event WHERE kind = 'refused' AND detail ->> 'command' = 'attic restore'"),
        "4"
    );
    // what comes back by a rollback comes back
    project.on(&database, &["rollback", "drop", "delete"]).ok();
    assert_eq!(database.sql("SELECT count(*), count(email) FROM users"), "20|20");
    assert_eq!(database.sql("SELECT count(*) FROM logs"), "30");
}

#[test]
fn a_purge_drops_for_good() {
    let (project, database) = with_rows("");
    assert!(database.sql("SELECT row_to_json(u) FROM users u LIMIT 1").contains("attic_"));
    // the table has another name by now
    database.sql("ALTER TABLE users RENAME TO people");
    let plan = project.on(&database, &["attic", "purge", "--all", "--plan"]);
    says(&plan.err, &["cannot be rolled back any more: `drop`, `delete`"]);
    let entry = number(&project, &database, "column");
    says(
        &plan.ok(),
        &[
            &format!("entry {entry}: column public.users.email"),
            "ACCESS EXCLUSIVE on public.people",
            "loses data",
            "cannot be undone",
        ],
    );
    let dry = project.on(&database, &["attic", "purge", "--all", "--dry-run"]).ok();
    says(&dry, &["dry run of 3 changesets", "rolled back: 5 statements ran"]);
    let json = project.on(&database, &["attic", "purge", "--all", "--dry-run", "--format", "json"]).json();
    assert_eq!(json["plan"]["direction"], "purge");
    assert_eq!(entries(&project, &database).len(), 5);

    let mut command = project.command(&["attic", "purge", "--all", "--url", &database.url()]);
    snapshot("attic/a_purge_drops_for_good", &Run::of(command.output().unwrap()).refusal(5));
    assert_eq!(project.on(&database, &["attic", "purge", "--all"]).ok(), "purged 5 entries\n");
    assert_eq!(
        database.sql("SELECT row_to_json(u) FROM people u WHERE id = 20"),
        r#"{"id":20,"nick":"n20","age":null}"#
    );
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'dagmar_attic'::regnamespace"), "0");
    assert_eq!(database.sql("SELECT count(*) FILTER (WHERE purged_at IS NULL AND kind <> 'insert'), count(*) FILTER (WHERE detail ? 'rows' AND kind = 'delete') FROM dagmar.attic"), "0|0");
    assert_eq!(
        database.sql("SELECT kind, status, steps FROM dagmar.run ORDER BY started_at DESC LIMIT 1"),
        "purge|done|3"
    );
    assert_eq!(
        database.sql("SELECT string_agg(changeset, ' ' ORDER BY changeset) FROM dagmar.event WHERE kind = 'purged'"),
        "delete drop notes"
    );
    assert!(entries(&project, &database).is_empty());
    intact(&project, &database);
    let history = project.on(&database, &["history", "--kind", "purged"]).ok();
    says(&history, &["drop", "public.users.email; entry", "public.notes"]);

    // a rollback says who did it, before anything runs
    let at = database.sql("SELECT to_char(min(purged_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') FROM dagmar.attic WHERE changeset = 'drop'");
    let before = database.catalog();
    for args in [&["rollback", "drop"][..], &["rollback", "drop", "--plan"], &["rollback", "--all", "--dry-run"]] {
        let said = project.on(&database, args).fails(5);
        says(
            &said,
            &[
                "`drop`: its data was purged from the attic: column public.users.email (entry ",
                &at,
                "by postgres, ",
                "table public.logs",
            ],
        );
    }
    snapshot("attic/a_purge_drops_for_good-2", &project.on(&database, &["rollback", "delete"]).refusal(5));
    same("nothing ran", &before, &database.catalog());
    // no data of it is needed
    database.sql("ALTER TABLE people RENAME TO users");
    project.on(&database, &["rollback", "notes"]).ok();

    // once is enough, and what was killed may be given again
    let again = project.on(&database, &["attic", "purge", &entry]);
    assert!(again.err.contains(&format!("entry {entry} was purged before")), "{again:?}");
    assert_eq!(again.ok(), "nothing to purge\n");
    snapshot("attic/a_purge_drops_for_good-3", &project.on(&database, &["attic", "purge", "77"]).refusal(2));
    intact(&project, &database);
}

/// What is left of a changeset that cannot be rolled back any more is not out of reach.
#[test]
fn what_no_rollback_puts_back_comes_back_by_itself() {
    let (project, database) = applied("");
    let column = number(&project, &database, "column");
    project.on(&database, &["attic", "purge", &column]).ok();
    let table = number(&project, &database, "table");
    let left = entries(&project, &database);
    let table_entry = left.iter().find(|e| e["kind"] == "table").unwrap();
    assert_eq!(table_entry["restoreBy"], format!("dagmar attic restore {table}"));
    project.on(&database, &["attic", "restore", &table]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM logs"), "30");
    intact(&project, &database);

    // of a changeset without a way back
    project.write(
        "plans/b.yaml",
        &file(&[dropping("never", "nick").with("rollback", json!({ "irreversible": "why not" }))]),
    );
    project.on(&database, &["apply"]).ok();
    let nick = number(&project, &database, "column");
    project.on(&database, &["attic", "restore", &nick]).ok();
    assert_eq!(database.sql("SELECT max(nick) FROM users"), "n9");
    // and of one that was cleared
    database.sql("ALTER TABLE users ADD extra text; UPDATE users SET extra = 'e'");
    project.write(
        "plans/c.yaml",
        &file(&[dropping("forgotten", "extra")
            .create_index("users_id", "users", ["id"])
            .sql("SELECT 1 / 0", "SELECT 1")]),
    );
    project.on(&database, &["apply"]).fails(8);
    project.on(&database, &["clear", "forgotten", "--reason", "begun again"]).ok();
    let extra = number(&project, &database, "column");
    project.on(&database, &["attic", "restore", &extra]).ok();
    assert_eq!(database.sql("SELECT count(extra) FROM users"), "15");
    intact(&project, &database);
}

#[test]
fn retention_says_what_is_over_and_purges_nothing_by_itself() {
    let (project, database) = applied("");
    snapshot(
        "attic/retention_says_what_is_over_and_purges_nothing_by_itself",
        &project.on(&database, &["attic", "purge", "--expired"]).refusal(2),
    );
    project.write("dagmar.yaml", "environments: { production: { attic: { keep: 90d } } }");
    assert_eq!(project.on(&database, &["attic", "purge", "--expired"]).ok(), "nothing to purge\n");
    project.write("dagmar.yaml", "environments: { production: { attic: { keep: 1ms } } }");
    let over = "3 entries, ";
    for args in [&["status"][..], &["attic", "list"]] {
        says(&project.on(&database, args).ok(), &[over, "longer than 1ms: `dagmar attic purge --expired`"]);
    }
    let status = project.on(&database, &["status", "--format", "json"]).json();
    assert_eq!(status["attic"]["expired"], 3);
    assert!(entries(&project, &database).iter().all(|e| e["expired"] == true));
    project.on(&database, &["apply"]).ok();
    assert_eq!(entries(&project, &database).len(), 3);
    assert_eq!(project.on(&database, &["attic", "purge", "--expired"]).ok(), "purged 3 entries\n");
    assert_eq!(database.sql("SELECT detail #>> '{policy,attic,keep}' FROM dagmar.event WHERE kind = 'runStarted' ORDER BY seq DESC LIMIT 1"), "1ms");
    says(&project.on(&database, &["check"]).ok(), &["4 changesets"]);
    project.write("dagmar.yaml", "environments: { production: { attic: { keep: long } } }");
    snapshot(
        "attic/retention_says_what_is_over_and_purges_nothing_by_itself-2",
        &project.on(&database, &["check"]).refusal(3),
    );
}

#[test]
fn gates_of_the_environment_hold_for_a_purge() {
    let (project, database) = applied("");
    let before = database.dump();
    let refused = |policy: &str, args: &[&str], words: &[&str]| {
        project.write("dagmar.yaml", &format!("environments:\n  staging: {{}}\n  production: {{ {policy} }}\n"));
        let all = [&["attic", "purge", "--all", "--env", "production"], args].concat();
        let said = project.on(&database, &all).fails(5);
        says(&said, words);
        same(policy, &before, &database.dump());
    };
    refused(
        "allow: []",
        &[],
        &[
            "[destructive-allowed] losesData: `drop`, `delete`; irreversible: `drop`, `delete`",
            "--allow losesData --allow irreversible",
        ],
    );
    refused("allow: []", &["--allow", "losesData"], &["irreversible: `drop`"]);
    refused("freeze: [{ from: 2020-01-01, to: 2999-12-31, reason: for ever }]", &[], &["[freeze] frozen from"]);
    let closed = database.sql("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '3 days', 'dy')");
    refused(&format!("window: {{ days: [{closed}], from: \"09:00\", to: \"10:00\" }}"), &[], &["[window] closed"]);
    refused("approvals: { count: 2 }", &[], &["[approvals] 2 approvals needed", "--override approvals"]);
    refused("signedBy: [\"a.pub\"]", &[], &["[signed-by] a purge cannot be sealed"]);
    let refusals = "SELECT count(*) FROM dagmar.event WHERE kind = 'refused' AND detail ->> 'command' = 'purge'";
    assert_eq!(database.sql(refusals), "6");

    // what is about changesets that come is not asked; the rest with a word, which stays
    project.write(
        "dagmar.yaml",
        "environments:\n  staging: {}\n  production: { promoteFrom: staging, promoteOnly: true, rate: { runsPerHour: 1, changesetsPerHour: 1 }, \
         allow: [], approvals: { count: 1 } }\n",
    );
    let args = ["attic", "purge", "--all", "--env", "production", "--allow", "losesData", "--allow", "irreversible"];
    project.on(&database, &[&args[..], &["--override", "approvals", "--reason", "anna agreed"]].concat()).ok();
    assert_eq!(
        database.sql("SELECT string_agg(kind || ' ' || coalesce(detail ->> 'hazard', detail ->> 'reason'), ', ' ORDER BY seq) FROM dagmar.event WHERE kind IN ('gateOverridden', 'hazardAllowed') AND detail ->> 'command' = 'purge'"),
        "gateOverridden anna agreed, hazardAllowed losesData, hazardAllowed irreversible"
    );
    intact(&project, &database);
}

/// The way back waits for no gate.
#[test]
fn a_restore_waits_for_no_gate() {
    let (project, database) = with_rows("");
    project.write(
        "dagmar.yaml",
        "environments: { production: { allow: [], freeze: [{ from: 2020-01-01, to: 2999-12-31, reason: x }] } }",
    );
    project.on(&database, &["attic", "restore", "5"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM notes"), "3");
}
