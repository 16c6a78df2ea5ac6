//! The chain of events: what is changed by hand is found, and nobody keeps others from reading it.

use crate::support::{
    Database, Project, against, file, granted, ledger_of_version, project, psql, snapshot, sql, table, url,
};

/// Rows that decide what a rollback runs, or who did what, changed by somebody who may write them.
#[test]
fn rows_beside_the_events_are_compared_with_them() {
    for (change, words, stops_rollback) in [
        (
            "UPDATE dagmar.changeset SET rollback = jsonb_set(rollback, '{segments,0,statements,0,sql}', '\"ALTER ROLE postgres SUPERUSER\"')",
            "the row of `a` was changed manually",
            true,
        ),
        ("UPDATE dagmar.changeset SET checksum = 'd1:0'", "the row of `a` was changed manually", true),
        ("UPDATE dagmar.changeset SET applied_by = 'alice'", "the row of `a` was changed manually", true),
        ("UPDATE dagmar.changeset SET applied_at = '2020-01-01'", "the row of `a` was changed manually", true),
        ("DELETE FROM dagmar.requires", "the edges of `b` were changed manually", true),
        (
            "UPDATE dagmar.attic SET detail = '{\"default\": \"pg_terminate_backend(1)\"}'",
            "what the attic keeps for `b` was changed manually",
            true,
        ),
        (
            "UPDATE dagmar.run SET os_user = 'alice', host = 'ci-7'",
            "was changed manually: the history says apply by",
            false,
        ),
        ("UPDATE dagmar.run SET started_at = '2020-01-01'", "was changed manually: the history says apply by", false),
        ("UPDATE dagmar.run SET status = 'failed'", "the history says that it ended as done", false),
    ] {
        let database = Database::new();
        let project = Project::new(&[(
            "plans/a.yaml",
            "changesets:
  - id: a
    changes: [ { createTable: { table: t, columns: [ { name: n, type: int, default: 1 } ] } } ]
  - id: b
    dependsOn: [a]
    changes: [ { setDefault: { table: t, column: n, default: 2 } } ]
",
        )]);
        let (applier, ..) = granted(&project, &database);
        project.json(&database, &["history", "--verify"]).intact();
        assert_eq!(psql(&database, &applier, change), "", "{change}");
        let said = project.on(&database, &["history", "--verify"]).fails(4);
        assert!(said.contains(words), "{change}\n{said}");
        let history = project.on(&database, &["history"]).ok();
        assert!(!history.contains("alice"), "the history says who it was: {history}");
        if stops_rollback {
            let before = database.catalog();
            let said = project.on(&database, &["rollback", "a", "b"]).fails(4);
            assert!(said.contains("changed manually since it was written") && said.contains("--as-recorded"), "{said}");
            assert_eq!(database.catalog(), before);
        }
    }
}

#[test]
fn a_change_by_hand_that_is_meant_is_said_so() {
    let (project, database) = (project(&[sql("a", "CREATE TABLE t ()", "DROP TABLE nowhere")]), Database::new());
    project.on(&database, &["apply"]).ok();
    database.sql("UPDATE dagmar.changeset SET rollback = jsonb_set(rollback, '{segments,0,statements,0,sql}', '\"DROP TABLE t\"')");
    project.on(&database, &["rollback", "a"]).fails(4);
    let said = project.on(&database, &["clear", "a", "--as-recorded", "--reason", "CHG-1042"]).ok();
    assert!(said.contains("cleared a: applied, as it is recorded now"), "{said}");
    project.json(&database, &["history", "--verify"]).intact();
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.sql("SELECT to_regclass('t') IS NULL"), "t");
}

/// The parts of an event have borders, also those of NULL; a hash that was kept elsewhere finds what
/// the owner of everything does.
#[test]
fn parts_of_an_event_cannot_be_shifted() {
    let shift = "SET session_replication_role = replica;
        UPDATE dagmar.event SET run = NULL, kind = 'applied', changeset = kind, db_user = changeset || '|' || db_user WHERE kind = 'applied'";
    let (project, database) = (project(&[table("a")]), Database::new());
    project.on(&database, &["apply"]).ok();
    let said = project.on(&database, &["history", "--verify"]).ok();
    let anchor = said.split("the last one is ").nth(1).unwrap().trim().to_owned();
    project.on(&database, &["history", "--verify", "--anchor", &anchor]).ok();
    database.sql(shift);
    snapshot(
        "attacks/parts_of_an_event_cannot_be_shifted",
        &project.on(&database, &["history", "--verify"]).refusal(4),
    );
    // every hash made anew, as the owner can: only what was kept elsewhere shows it
    database.sql(
        "SET session_replication_role = replica; DO $$ DECLARE e dagmar.event; last text := ''; BEGIN
         FOR e IN SELECT * FROM dagmar.event ORDER BY seq LOOP
             last := dagmar.event_hash(last, e); UPDATE dagmar.event SET hash = last WHERE seq = e.seq; END LOOP; END $$",
    );
    snapshot(
        "attacks/parts_of_an_event_cannot_be_shifted-2",
        &project.on(&database, &["history", "--verify", "--anchor", &anchor]).refusal(4),
    );
    let gone = format!("99:{}", anchor.split_once(':').unwrap().1);
    snapshot(
        "attacks/parts_of_an_event_cannot_be_shifted-3",
        &project.on(&database, &["history", "--verify", "--anchor", &gone]).refusal(4),
    );
    snapshot(
        "attacks/parts_of_an_event_cannot_be_shifted-4",
        &project.run(&["history", "--verify", "--anchor", "7"]).refusal(2),
    );
    // JSON and CSV have the hash of each event, the table on demand
    let json = project.on(&database, &["history", "--format", "json"]).json();
    assert!(json["events"][0]["hash"].as_str().unwrap().starts_with("e2:"), "{json}");
    assert!(project.on(&database, &["history", "--hashes"]).ok().contains("e2:"));
}

/// Events that a ledger had before, whose hashes do not keep the borders.
#[test]
fn events_from_before_the_upgrade_are_fixed_by_it() {
    let (project, database) = (project(&[table("a")]), Database::new());
    ledger_of_version(&database, 3);
    let insert = |kind: &str, changeset: &str| {
        database.sql(&format!(
            "INSERT INTO dagmar.event (run, kind, changeset) VALUES ('5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', '{kind}', {changeset})"
        ));
    };
    insert("retried", "'b'");
    insert("paused", "NULL");
    project.on(&database, &["apply"]).ok();
    project.json(&database, &["history", "--verify"]).intact();
    database.sql(
        "ALTER TABLE dagmar.event DROP CONSTRAINT event_kind; SET session_replication_role = replica;
         UPDATE dagmar.event SET run = NULL, kind = run::text, changeset = kind,
         db_user = changeset || '|' || db_user WHERE seq = 1; ",
    );
    snapshot(
        "attacks/events_from_before_the_upgrade_are_fixed_by_it",
        &project.on(&database, &["history", "--verify"]).refusal(4),
    );
}

/// Rows that cannot be removed any more must not keep anybody from reading the others.
#[test]
fn nobody_poisons_the_history() {
    let (project, database) = (project(&[table("a")]), Database::new());
    let (applier, approver, reader) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    // an approval that nobody gave, by an event
    let forged = "INSERT INTO dagmar.event (kind, detail) VALUES ('approved', '{\"approval\": \"not a number\"}')";
    assert!(psql(&database, &applier, forged).contains("nobody has approved this plan"));
    assert!(psql(&database, &applier, "INSERT INTO dagmar.event (kind) VALUES ('invented')").contains("event_kind"));
    assert!(psql(&database, &reader, forged).contains("permission denied"));
    // times that no clock shows
    let infinite = "INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host, expires_at) VALUES ('p1:' || repeat('0', 64), \
                    'approve', 'x', 'x', 'x', 'infinity')";
    assert!(psql(&database, &approver, infinite).contains("approval_expires_at_finite"));
    let long = infinite.replace("'x', 'x', 'x', 'infinity'", "repeat('x', 5000), 'x', 'x', NULL");
    assert!(psql(&database, &approver, &long).contains("approval_size"));
    // words without end
    let flood = "SELECT dagmar.note_refusal(jsonb_build_object('why', repeat('x', 9000)))";
    assert!(psql(&database, &reader, flood).contains("too much to say of one refusal"));
    let many =
        "DO $$ BEGIN FOR i IN 1..500 LOOP PERFORM dagmar.note_refusal(jsonb_build_object('why', i)); END LOOP; END $$";
    assert_eq!(psql(&database, &reader, many), "");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.refusal"), "100");
    // and what an earlier version let in is told, not stumbled over
    database.sql(
        "SET session_replication_role = replica; ALTER TABLE dagmar.approval DROP CONSTRAINT approval_expires_at_finite;
         INSERT INTO dagmar.event (kind, detail, hash) VALUES ('approved', '{\"approval\": \"not a number\", \"expiresAt\": \"soon\"}', 'x');
         INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host, expires_at, db_user, roles, at) VALUES ('p1:' || repeat('0', 64),
         'approve', 'x', 'x', 'x', 'infinity', 'x', '{}', now())",
    );
    snapshot("attacks/nobody_poisons_the_history", &project.on(&database, &["history", "--verify"]).refusal(4));
    snapshot("attacks/nobody_poisons_the_history-2", &project.on(&database, &["approvals", "list"]).refusal(4));
}

/// A reader who never ends his transaction holds nobody up, and his word is not lost.
#[test]
fn a_readers_word_waits_apart_from_the_chain() {
    let (project, database) = (project(&[table("a")]), Database::new());
    let (_, _, reader) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    project.write("plans/b.yaml", &file(&[table("b")]));
    let said = against(&project, &url(&database, &reader), &["apply", "--yes", "--no-preflight"]);
    assert_ne!(said.code, 0);
    snapshot(
        "attacks/a_readers_word_waits_apart_from_the_chain",
        &against(&project, &url(&database, &reader), &["apply"]).refusal(5),
    );
    let open = database.hold(&format!(
        "SET SESSION AUTHORIZATION {reader}; SELECT dagmar.note_refusal('{{\"command\": \"apply\", \"why\": \"held open\"}}')"
    ));
    let history = project.on(&database, &["history"]).ok();
    assert!(history.contains("refused") && history.contains(&reader), "{history}");
    project.on(&database, &["apply", "--lock-wait", "0s"]).ok();
    drop(open);
    let json = project.on(&database, &["history", "--kind", "refused", "--format", "json"]).json();
    let event = json["events"].as_array().unwrap().iter().find(|e| e["detail"]["role"] == reader.as_str()).unwrap();
    assert!(event["seq"].is_i64() && event["detail"]["at"].is_string(), "the next run made an event of it: {event}");
    project.json(&database, &["history", "--verify"]).intact();
}
