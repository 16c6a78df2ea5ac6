//! `dagmar attic`: what was dropped is listed, put back and purged.

use crate::attacks::{granted, psql, url};
use crate::backfills::as_version;
use crate::harness::{Database, Project, Run, same, server};
use crate::proxy::{Fault, run as through};
use crate::tools::{against, sql};
use serde_json::Value;

/// Tables with rows, and a changeset for each kind of what is kept.
fn plan() -> String {
    let base = "CREATE TABLE users (id int PRIMARY KEY, email text, nick text);
INSERT INTO users SELECT g, 'e' || g, 'n' || g FROM generate_series(1, 20) g;
CREATE TABLE logs (id int PRIMARY KEY, line text);
INSERT INTO logs SELECT g, 'x' FROM generate_series(1, 30) g";
    let base = sql("base", base, "DROP TABLE users;\nDROP TABLE IF EXISTS logs", "");
    let rest = "  - id: drop
    dependsOn: [base]
    changes:
      - dropColumn: { table: users, column: email }
      - dropTable: { table: logs }
  - id: delete
    dependsOn: [base]
    changes:
      - delete: { table: users, where: id <= 5 }
  - id: notes
    dependsOn: [base]
    changes:
      - createTable: { table: notes, columns: [ { name: id, type: int, primaryKey: true }, { name: body, type: text } ] }
      - addColumn: { table: users, columns: [ { name: age, type: int } ] }
";
    format!("changesets:\n{base}{rest}")
}

/// A project with this policy of `production`, and a database that has all of it.
fn applied(policy: &str) -> (Project, Database) {
    let config = format!("environments:\n  production: {{ {policy} }}\n");
    let (project, database) = (Project::new(&[("dagmar.yaml", &config), ("plans/a.yaml", &plan())]), Database::new());
    project.on(&database, &["apply", "--override", "approvals", "--reason", "x"]).ok();
    (project, database)
}

/// The same with rows and values that a rollback has taken away; its changeset is applied again.
fn with_rows(policy: &str) -> (Project, Database) {
    let (project, database) = applied(policy);
    database.sql("INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, NULL); UPDATE users SET age = id WHERE id > 10");
    project.on(&database, &["rollback", "notes"]).ok();
    project.on(&database, &["apply", "--override", "approvals", "--reason", "x"]).ok();
    (project, database)
}

fn entries(project: &Project, database: &Database) -> Vec<Value> {
    let list = project.on(database, &["attic", "list", "--format", "json"]);
    list.json()["entries"].as_array().unwrap_or_else(|| panic!("{list:?}")).clone()
}

/// The number of the entry that keeps this object in this way.
fn number(project: &Project, database: &Database, kind: &str) -> String {
    let all = entries(project, database);
    all.iter().find(|e| e["kind"] == kind).unwrap_or_else(|| panic!("{all:?}"))["entry"].to_string()
}

fn intact(project: &Project, database: &Database) {
    assert!(project.on(database, &["history", "--verify"]).ok().contains("intact"));
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
}

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
    assert!(project.on(&Database::new(), &["attic", "list"]).ok().contains("keeps nothing"));
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
    let said = project.on(&database, &["attic", "restore", "77"]).fails(2);
    says(&said, &["the attic has no entry 77", "dagmar attic list"]);
    same(&database.dump(), &before, "nothing was changed");
    project.on(&database, &["rollback", "notes"]).ok();
    let rows = number(&project, &database, "rows");
    let said = project.on(&database, &["attic", "restore", &rows]).fails(5);
    says(&said, &["its table does not exist", "apply `notes` again first"]);
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
    says(&Run::of(command.output().unwrap()).fails(5), &["cannot ask for confirmation"]);
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
    says(&project.on(&database, &["rollback", "delete"]).fails(5), &["rows deleted from public.users"]);
    same(&database.catalog(), &before, "nothing ran");
    // no data of it is needed
    database.sql("ALTER TABLE people RENAME TO users");
    project.on(&database, &["rollback", "notes"]).ok();

    // once is enough, and what was killed may be given again
    let again = project.on(&database, &["attic", "purge", &entry]);
    assert!(again.err.contains(&format!("entry {entry} was purged before")), "{again:?}");
    assert_eq!(again.ok(), "nothing to purge\n");
    says(&project.on(&database, &["attic", "purge", "77"]).fails(2), &["the attic has no entry 77"]);
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
    project.write("plans/b.yaml", "changesets:\n  - id: never\n    dependsOn: [delete]\n    changes:\n      - dropColumn: { table: users, column: nick }\n    rollback: { irreversible: why not }\n");
    project.on(&database, &["apply"]).ok();
    let nick = number(&project, &database, "column");
    project.on(&database, &["attic", "restore", &nick]).ok();
    assert_eq!(database.sql("SELECT max(nick) FROM users"), "n9");
    // and of one that was cleared
    database.sql("ALTER TABLE users ADD extra text; UPDATE users SET extra = 'e'");
    project.write("plans/c.yaml", "changesets:\n  - id: forgotten\n    dependsOn: [delete]\n    changes:\n      - dropColumn: { table: users, column: extra }\n      \
         - createIndex: { name: users_id, table: users, columns: [id] }\n      - sql: { forward: SELECT 1 / 0, rollback: SELECT 1 }\n");
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
    says(
        &project.on(&database, &["attic", "purge", "--expired"]).fails(2),
        &["`production` has no retention", "attic: { keep: 90d }"],
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
    says(&project.on(&database, &["check"]).fails(3), &["`long` is not a valid duration"]);
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
        same(&database.dump(), &before, policy);
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

#[test]
fn what_is_killed_converges() {
    let (project, full) = with_rows("");
    full.until_alone();
    let postgres = Database { name: "postgres".to_owned(), server: server() };
    let copy = |n: String| {
        let name = format!("{}_copy{n}", full.name);
        postgres.sql(&format!("CREATE DATABASE {name} TEMPLATE {}", full.name));
        Database { name, server: server() }
    };
    for (n, args) in [&["attic", "purge", "--all"][..], &["attic", "restore", "4", "5"]].into_iter().enumerate() {
        let whole = copy(format!("{n}"));
        let (run, counts) = through(&whole.server.sockets, &whole.name, &project, args, Fault::None);
        run.ok();
        let expected = whole.catalog();
        // what comes before the run itself changes nothing: a sample of it is enough
        let points = (1..=counts.messages).filter(|k| k % 4 == n || k + 9 > counts.messages);
        for (k, fault) in points.flat_map(|k| [(k, Fault::KillBefore(k)), (k, Fault::KillAfter(k))]) {
            let after = matches!(fault, Fault::KillAfter(_));
            let database = copy(format!("{n}_{k}_{after}"));
            let (run, _) = through(&database.server.sockets, &database.name, &project, args, fault);
            assert!(matches!(run.code, -1 | 0), "{fault:?}: {run:?}");
            project.on(&database, args).ok();
            same(&database.catalog(), &expected, &format!("{args:?} {fault:?}"));
            intact(&project, &database);
        }
    }
}

#[test]
fn a_lock_is_waited_for_and_asked_for_again() {
    let (project, database) = applied("limits: { lockTimeout: 100ms, lockRetries: 1 }");
    let column = number(&project, &database, "column");
    let holder = database.hold("LOCK TABLE users IN ACCESS SHARE MODE");
    let said = project.on(&database, &["attic", "purge", &column, "--no-preflight"]).fails(8);
    says(&said, &["lock timeout", "a long report", "state: it is kept in the attic as before"]);
    assert_eq!(
        database.sql("SELECT string_agg(kind, ' ' ORDER BY seq) FROM dagmar.event WHERE kind IN ('retried', 'purged', 'purgeFailed', 'failed')"),
        "retried purgeFailed"
    );
    assert_eq!(database.sql("SELECT status, error IS NULL FROM dagmar.changeset WHERE id = 'drop'"), "applied|t");
    intact(&project, &database);
    project.write("dagmar.yaml", "environments: { production: { limits: { lockTimeout: 100ms, lockRetries: 100 } } }");
    let mut running = project.start(&database, &["attic", "purge", &column, "--no-preflight", "--format", "json"]);
    let line = running.line_with("\"event\":\"retry\"");
    assert!(line.contains("a long report") && line.contains("\"attempt\":2"), "{line}");
    drop(holder);
    running.end().ok();
    assert_eq!(database.sql("SELECT count(*) FROM pg_attribute WHERE attname ~ '^attic_'"), "0");
}

/// Between the question and the lock another run may have come first.
#[test]
fn what_was_shown_is_what_runs() {
    let (project, database) = with_rows("");
    let holder = database.hold("LOCK TABLE users IN ACCESS SHARE MODE");
    let rollback = project.start(&database, &["rollback", "drop", "--no-preflight"]);
    database.until(
        "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass AND mode = 'AccessExclusiveLock'",
    );
    // nobody who looks has to wait for it
    assert!(project.on(&database, &["attic", "list"]).ok().contains("the attic keeps 5 entries"));
    let mut purge = project.start(&database, &["attic", "purge", "--all", "--no-preflight", "--format", "json"]);
    purge.line_with("\"event\":\"waiting\"");
    drop(holder);
    rollback.end().ok();
    let run = purge.end();
    says(&run.out, &["the attic changed after the plan was shown; nothing was run"]);
    assert_eq!(run.code, 4);
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.attic WHERE purged_at IS NOT NULL"), "0");
    assert_eq!(database.sql("SELECT count(email), count(*) FROM users"), "15|15");
    intact(&project, &database);
}

#[test]
fn who_may_purge() {
    let (project, database) = applied("");
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\nenvironments: { production: {} }");
    let (applier, _, reader) = granted(&project, &database);
    let before = entries(&project, &database).len();
    // who looks sees it, and purges nothing
    let looked = against(&project, &url(&database, &reader), &["attic", "list"]);
    says(&looked.ok(), &["rows deleted from public.users"]);
    for args in
        [&["attic", "purge", "--all"][..], &["attic", "purge", "--all", "--no-preflight"], &["attic", "restore", "3"]]
    {
        let run = against(&project, &url(&database, &reader), args);
        assert!(matches!(run.code, 5 | 7 | 8), "{run:?}");
    }
    let said = psql(&database, &reader, "SELECT dagmar.purge_entry(1)");
    assert!(said.contains("permission denied for function purge_entry"), "{said}");
    // who applies drops only what is his
    let (column, delete) = (number(&project, &database, "column"), number(&project, &database, "delete"));
    let run = against(&project, &url(&database, &applier), &["attic", "purge", &column, "--no-preflight"]);
    says(&run.fails(8), &["must be owner of table users"]);
    assert_eq!(entries(&project, &database).len(), before);
    against(&project, &url(&database, &applier), &["attic", "purge", &delete]).ok();
    database.sql(&format!("ALTER TABLE users OWNER TO {applier}"));
    against(&project, &url(&database, &applier), &["attic", "purge", &column]).ok();
    assert_eq!(entries(&project, &database).len(), before - 2);
    let said = project.on(&database, &["rollback", "drop"]).fails(5);
    says(&said, &[&format!("by {applier}, ")]);
    intact(&project, &database);
}

/// Whoever may write the attic's table decides nothing by it.
#[test]
fn entries_that_were_changed_by_hand_are_refused() {
    let attack = |args: &[&str], changes: &[&str]| {
        for change in changes {
            let (project, database) = with_rows("attic: { keep: 90d }");
            project.on(&database, &["rollback", "notes"]).ok();
            project.on(&database, &["apply"]).ok();
            database.sql("CREATE TABLE precious (id int); INSERT INTO precious VALUES (1)");
            database.sql(change);
            let catalog = database.catalog();
            let run = project.on(&database, args);
            says(&run.fails(4), &["the ledger was changed manually", "what the attic keeps for"]);
            same(&database.catalog(), &catalog, change);
            says(&project.on(&database, &["history", "--verify"]).fails(4), &["what the attic keeps for"]);
        }
    };
    attack(
        &["attic", "purge", "--all"],
        &[
            "UPDATE dagmar.attic SET kept_as = 'public.precious' WHERE kind = 'table'",
            "UPDATE dagmar.attic SET detail = detail || '{\"name\": \"nick\"}' WHERE kind = 'column'",
            "INSERT INTO dagmar.attic (changeset, kind, object, kept_as) VALUES ('drop', 'table', 'public.x', 'public.precious')",
            "INSERT INTO dagmar.attic (changeset, kind, object, kept_as) VALUES ('nobody', 'rows', 'public.x', 'public.precious')",
        ],
    );
    attack(&["attic", "purge", "--expired"], &["UPDATE dagmar.attic SET kept_at = '2020-01-01' WHERE kind = 'delete'"]);
    attack(&["attic", "restore", "5"], &["UPDATE dagmar.attic SET object = 'public.precious' WHERE kind = 'rows'"]);
    attack(&["rollback", "drop"], &["UPDATE dagmar.attic SET purged_at = now() WHERE kind = 'column'"]);
    // what is kept for a changeset that is not applied
    let (project, database) = with_rows("");
    project.on(&database, &["rollback", "notes"]).ok();
    intact(&project, &database);
    database.sql("UPDATE dagmar.attic SET detail = detail || '{\"key\": [\"nick\"]}' WHERE kind = 'values'");
    says(
        &project.on(&database, &["history", "--verify"]).fails(4),
        &["what the attic keeps for `notes`, which is not applied here"],
    );
    says(&project.on(&database, &["attic", "purge", "5"]).fails(4), &["what the attic keeps for `notes`"]);
    let clear = ["clear", "notes", "--as-recorded", "--reason", "meant"];
    says(&project.on(&database, &clear).ok(), &["cleared notes: pending, as it is recorded now"]);
    intact(&project, &database);
    project.on(&database, &["attic", "purge", "5"]).ok();
    says(&project.on(&database, &clear).fails(2), &["`notes` has no recorded state to clear"]);
    // names are never taken for SQL, and only those that the attic gives are dropped
    let (_project, database) = with_rows("");
    database.sql("CREATE TABLE precious (id int, keep int)");
    for (entry, home) in [
        ("('x', 'table', 'public.x', 'public.precious', '{}')", "NULL"),
        ("('x', 'rows', 'public.x', 'public.precious; DROP TABLE precious', '{}')", "NULL"),
        ("('x', 'column', 'public.precious.id', 'keep', '{\"name\": \"keep\"}')", "'precious'"),
    ] {
        database.sql(&format!(
            "DO $$ DECLARE n bigint; BEGIN INSERT INTO dagmar.attic (changeset, kind, object, kept_as, detail) VALUES {entry} RETURNING id INTO n; \
             BEGIN PERFORM dagmar.purge_entry(n, {home}); EXCEPTION WHEN invalid_name THEN NULL; END; END $$"
        ));
    }
    assert_eq!(database.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'precious'::regclass AND attnum > 0 AND NOT attisdropped"), "2");
}

/// The event of a purge is no word about the changeset itself.
#[test]
fn a_purge_hides_nothing_of_what_happened() {
    let (project, database) = with_rows("");
    let row = database.sql("SELECT to_jsonb(c) FROM dagmar.changeset c WHERE id = 'notes'");
    project.on(&database, &["rollback", "notes"]).ok();
    for kept in [true, false] {
        let purge = if kept { vec!["attic", "purge", "5"] } else { vec!["attic", "purge", "--all"] };
        project.on(&database, &purge).ok();
        intact(&project, &database);
        let row = row.replace('\'', "''");
        database.sql(&format!("INSERT INTO dagmar.changeset OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(NULL::dagmar.changeset, '{row}')).*"));
        let said = project.on(&database, &["history", "--verify"]).fails(4);
        says(&said, &["`notes` is recorded as applied, and its last event says that it was rolled back"]);
        database.sql("DELETE FROM dagmar.changeset WHERE id = 'notes'");
        intact(&project, &database);
    }
}

#[test]
fn a_half_done_changeset_keeps_what_it_may_need() {
    let (project, database) = applied("");
    project.write(
        "plans/b.yaml",
        "changesets:\n  - id: half\n    dependsOn: [delete]\n    changes:\n      - dropColumn: { table: users, column: nick }\n      \
         - createIndex: { name: users_id, table: users, columns: [id] }\n      - sql: { forward: SELECT 1 / 0, rollback: SELECT 1 }\n",
    );
    project.on(&database, &["apply"]).fails(8);
    assert!(database.ledger().ends_with("half=partly"));
    let half = database.sql("SELECT id FROM dagmar.attic WHERE changeset = 'half' AND kind = 'column'");
    says(
        &project.on(&database, &["attic", "purge", &half]).fails(5),
        &["`half` is partly applied and may need entry", "dagmar rollback half"],
    );
    says(&project.on(&database, &["attic", "restore", &half]).fails(5), &["its changeset is partly applied"]);
    let run = project.on(&database, &["attic", "purge", "--all"]);
    assert!(run.err.contains(&format!("entry {half} is kept: `half` is partly applied")), "{run:?}");
    assert_eq!(run.ok(), "purged 3 entries\n");
    project.on(&database, &["rollback", "half"]).ok();
    assert_eq!(database.sql("SELECT max(nick) FROM users"), "n9");
    intact(&project, &database);
}

/// A ledger of version 3 is read as it is; a purge upgrades it.
#[test]
fn ledgers_of_earlier_versions_have_an_attic_too() {
    let (project, database) = with_rows("");
    let v3 = [
        include_str!("../data/ledgers/1.sql"),
        include_str!("../data/ledgers/2.sql"),
        include_str!("../data/ledgers/3.sql"),
        "UPDATE @ledger@.meta SET value = '3' WHERE key = 'version'",
    ];
    let kept = "SELECT string_agg(format('ALTER TABLE dagmar_attic.%I SET SCHEMA public', relname), '; ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'dagmar_attic'::regnamespace";
    // what is kept stays where it is while the ledger is made anew
    let (out, back) = (
        database.sql(kept),
        database.sql(&kept.replace("dagmar_attic.%I SET SCHEMA public'", "public.%I SET SCHEMA dagmar_attic'")),
    );
    database.sql(&out);
    as_version(&database, &v3.join("\n"), &[]);
    database.sql(&back);
    assert_eq!(entries(&project, &database).len(), 5);
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "3");
    says(&project.on(&database, &["attic", "purge", "5", "--dry-run"]).ok(), &["1 statement ran"]);
    project.on(&database, &["attic", "restore", "4"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "5");
    project.on(&database, &["attic", "purge", "--all"]).ok();
    assert!(entries(&project, &database).is_empty());
    assert_eq!(database.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'dagmar'::regnamespace AND proname IN ('purge', 'restore_rows')"), "0");
    intact(&project, &database);
}
