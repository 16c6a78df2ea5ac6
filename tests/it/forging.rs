//! What roles with the rights that `ledger grants` prints write into the ledger by hand, and how it is
//! told from what dagmar wrote.

use crate::support::{Database, Project, against, file, granted, project, psql, snapshot, table, url};

fn ledger() -> (Project, Database, [String; 3]) {
    let (project, database) = (project(&[table("a"), table("b")]), Database::new());
    let (applier, approver, reader) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    (project, database, [applier, approver, reader])
}

/// An applier changes what a rollback would run, with an event after it that holds nothing of the row.
#[test]
fn an_event_cannot_hide_what_was_recorded() {
    let evil = "UPDATE dagmar.changeset SET rollback = jsonb_set(rollback, '{segments,0,statements,0,sql}', \
                '\"ALTER ROLE postgres SUPERUSER\"') WHERE id = 'a'";
    let (project, database, [applier, ..]) = ledger();
    assert_eq!(psql(&database, &applier, evil), "");
    for detail in ["[1]", "5", "null", "\"x\""] {
        let event = format!("INSERT INTO dagmar.event (kind, changeset, detail) VALUES ('retried', 'a', '{detail}')");
        let said = psql(&database, &applier, &event);
        assert!(said.contains("the detail of an event is a JSON object"), "{detail}: {said}");
    }
    snapshot("forging/an_event_cannot_hide_what_was_recorded", &project.on(&database, &["rollback", "a"]).refusal(4));
}

/// The same with an event that holds the row as it is then: who wrote it is not who made the row, or it is
/// of a kind that makes none.
#[test]
fn an_event_cannot_vouch_for_anothers_row() {
    let project = Project::new(&[(
        "plans/a.yaml",
        "changesets:
  - id: a
    changes: [ { createTable: { table: t, columns: [ { name: n, type: int, default: 1 } ] } } ]
  - id: b
    dependsOn: [a]
    changes: [ { setDefault: { table: t, column: n, default: 2 } } ]
  - id: v
    repeatable: true
    changes: [ { createView: { name: v, query: SELECT 1 AS one } } ]
",
    )]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    let text = std::fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
    project.write("plans/a.yaml", &text.replace("SELECT 1 AS", "SELECT 2 AS"));
    let (applier, ..) = granted(&project, &database);
    let set = |column: &str| {
        format!(
            "UPDATE dagmar.changeset SET {column} = jsonb_set({column}, '{{segments,0,statements,0,sql}}', '\"ALTER ROLE {applier} SUPERUSER\"')"
        )
    };
    let row = |id: &str| format!("{} WHERE id = '{id}'", set("rollback"));
    let attic = "UPDATE dagmar.attic SET detail = '{\"default\": \"pg_terminate_backend(1)\"}' WHERE changeset = 'b'";
    let event = |kind: &str, id: &str, run: &str| {
        format!("INSERT INTO dagmar.event (run, kind, changeset) VALUES ({run}, '{kind}', '{id}')")
    };
    let (none, of_a) = ("NULL", "(SELECT run FROM dagmar.changeset WHERE id = 'a')");
    let mut forged = Vec::new();
    for kind in ["retried", "failed", "applied", "restored", "begun"] {
        forged.push(("a", format!("{}; {}", row("a"), event(kind, "a", of_a))));
        forged.push(("b", format!("{attic}; {}", event(kind, "b", of_a))));
    }
    for kind in ["purged", "rollbackFailed", "rollbackBegun", "applied"] {
        forged.push(("a", format!("{}; {}", row("a"), event(kind, "a", none))));
    }
    for (first, second) in [("failed", "rollbackBegun"), ("begun", "applied"), ("begun", "retried")] {
        for (id, what) in [("a", row("a")), ("b", attic.to_owned())] {
            forged.push((id, format!("{}; {what}; {}", event(first, id, of_a), event(second, id, of_a))));
            forged.push((id, format!("{what}; {}; {}", event(first, id, of_a), event(second, id, of_a))));
        }
    }
    let partly = "UPDATE dagmar.changeset SET status = 'partly' WHERE id = 'a'";
    forged.push(("a", format!("{}; {partly}; {}", row("a"), event("rollbackBegun", "a", none))));
    forged.push((
        "a",
        format!("{}; {}; {partly}; {}", row("a"), event("failed", "a", none), event("rollbackBegun", "a", none)),
    ));
    let version = "UPDATE dagmar.superseded SET content = jsonb_set(content, '{rollback,segments,0,statements,0,sql}', '\"SELECT 1\"')";
    for kind in ["retried", "failed", "applied", "restored", "marked"] {
        forged.push(("v", format!("{version}; {}", event(kind, "v", none))));
    }
    let anywhere = Database { name: "postgres".to_owned(), server: database.server };
    database.until_alone();
    for (n, (id, forge)) in forged.iter().enumerate() {
        let copy = Database { name: format!("{}_{n}", database.name), server: database.server };
        anywhere.sql(&format!("CREATE DATABASE {} TEMPLATE {}", copy.name, database.name));
        assert_eq!(psql(&copy, &applier, forge), "", "{forge}");
        let said = project.on(&copy, &["history", "--verify"]);
        assert!(said.code == 4 && said.err.contains(&format!("`{id}`")), "{forge}\n{said:?}");
        let said = project.on(&copy, &["rollback", id, "--cascade"]);
        assert_eq!(said.code, 4, "{forge}\n{said:?}");
    }
    assert_eq!(database.sql(&format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{applier}'")), "f");
    project.json(&database, &["history", "--verify"]).intact();
}

/// Rows that an applier takes away, and rows that were never applied.
#[test]
fn rows_come_and_go_with_an_event() {
    let (project, database, [applier, ..]) = ledger();
    project.on(&database, &["rollback", "b"]).ok();
    project.on(&database, &["apply"]).ok();
    database.sql("CREATE TABLE kept AS TABLE dagmar.changeset");
    database.sql(&format!("GRANT SELECT ON kept TO {applier}"));
    let verify = ["history", "--verify"];
    assert_eq!(psql(&database, &applier, "DELETE FROM dagmar.changeset WHERE id = 'b'"), "");
    snapshot("forging/rows_come_and_go_with_an_event", &project.on(&database, &verify).refusal(4));
    // put back as it was, it fits again
    let back = "INSERT INTO dagmar.changeset OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE id = 'b'";
    assert_eq!(psql(&database, &applier, back), "");
    project.on(&database, &verify).ok();
    // after it was rolled back for good, or marked as pending, there is none
    for (words, args) in [
        ("inserted manually: its last event says that there is none", &["rollback", "b"][..]),
        ("inserted manually: its last event says that there is none", &["mark", "pending", "b", "--reason", "x"]),
    ] {
        project.on(&database, args).ok();
        project.on(&database, &verify).ok();
        for change in ["", ", status = 'held'", ", status = 'failed'", ", status = 'skipped'"] {
            let forged = format!("{back}; UPDATE dagmar.changeset SET reason = 'x'{change} WHERE id = 'b'");
            assert_eq!(psql(&database, &applier, &forged), "");
            let said = project.on(&database, &verify).fails(4);
            assert!(said.contains(words), "{change}: {said}");
            assert_eq!(psql(&database, &applier, "DELETE FROM dagmar.changeset WHERE id = 'b'"), "");
        }
        project.on(&database, &["mark", "held", "b", "--reason", "x"]).ok();
    }
}

/// An applier says of his own run that somebody else did it, with an event that fits the row.
#[test]
fn a_row_says_who_the_event_says() {
    for set in ["applied_by = 'alice'", "applied_at = '2020-01-01'"] {
        let (project, database, [applier, ..]) = ledger();
        let forged = format!(
            "BEGIN; INSERT INTO dagmar.run (id, kind, environment, status, steps, version, os_user, host) VALUES \
             ('5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', 'apply', 'default', 'interrupted', 1, '0', 'x', 'x');
             INSERT INTO dagmar.event (run, kind, detail) VALUES ('5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', 'runStarted', \
             '{{\"kind\": \"apply\", \"environment\": \"default\", \"steps\": 1, \"by\": \"x@x\"}}');
             UPDATE dagmar.changeset SET run = '5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', applied_at = clock_timestamp(), \
             applied_by = session_user WHERE id = 'a'; UPDATE dagmar.changeset SET {set} WHERE id = 'a';
             INSERT INTO dagmar.event (run, kind, changeset) VALUES ('5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', 'applied', 'a'); COMMIT"
        );
        assert_eq!(psql(&database, &applier, &forged), "");
        let said = project.on(&database, &["history", "--verify"]).fails(4);
        assert!(said.contains("the row of `a` says that ") && said.contains(&format!("says {applier}")), "{said}");
    }
}

/// Who applies and approves: the event of his word says what his word says, and there is one.
#[test]
fn the_event_of_an_approval_is_its_own() {
    let (project, database, [applier, approver, _]) = ledger();
    database.sql(&format!("GRANT INSERT (run, kind, changeset, detail) ON dagmar.event TO {approver}"));
    let approval = "INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host) VALUES ('p1:' || repeat('0', 64), \
                    'approve', 'read', 'boss', 'vm')";
    assert_eq!(psql(&database, &approver, approval), "");
    // with a time that cannot be read, which would keep everybody from reading approvals
    for detail in [
        "'{\"approval\": 1, \"expiresAt\": \"2026-99-99T00:00:00\"}'",
        "jsonb_build_object('approval', 1, 'plan', 'p1:' || repeat('0', 64), 'expiresAt', '2026-99-99T00:00:00+00')",
    ] {
        for role in [&applier, &approver] {
            let event = format!("INSERT INTO dagmar.event (kind, detail) VALUES ('approved', {detail})");
            let said = psql(&database, role, &event);
            assert!(said.contains("nobody has approved this plan"), "{role}: {said}");
        }
    }
    assert!(project.on(&database, &["approvals", "list"]).ok().contains("read"));
    project.json(&database, &["history", "--verify"]).intact();
    let event =
        "SELECT detail ->> 'reason', detail ->> 'by', detail -> 'roles' FROM dagmar.event WHERE kind = 'approved'";
    assert_eq!(database.sql(event), "read|boss@vm|[]");
}

/// A reader's word is his, before the next run takes it over and after that, and nobody else's.
#[test]
fn nobody_refuses_in_anothers_name() {
    let (project, database, [applier, _, reader]) = ledger();
    let refused = "SELECT dagmar.note_refusal('{\"command\": \"apply\", \"why\": \"forged\", \"role\": \"boss\", \"at\": \
                   \"2020-01-01\", \"from\": \"192.0.2.1\"}')";
    assert_eq!(psql(&database, &reader, refused), "");
    assert_eq!(psql(&database, &applier, refused), "");
    for nothing in ["NULL", "'5'", "'[1]'", "'null'"] {
        let said = psql(&database, &reader, &format!("SELECT dagmar.note_refusal({nothing})"));
        assert!(said.contains("a refusal is a JSON object"), "{said}");
    }
    let by = |who: &str| {
        let json = project.on(&database, &["history", "--kind", "refused", "--by", who, "--format", "json"]).json();
        let events = json["events"].as_array().unwrap().clone();
        for event in &events {
            assert_eq!(event["dbUser"], who, "{event}");
            assert_eq!(event["from"], serde_json::Value::Null, "{event}");
        }
        events.len()
    };
    assert_eq!((by("boss"), by(&reader), by(&applier), by("postgres")), (0, 1, 1, 0));
    project.write("plans/c.yaml", &file(&[table("c")]));
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.refusal"), "0");
    assert_eq!((by("boss"), by(&reader), by(&applier), by("postgres")), (0, 1, 1, 0));
    // what the server fills in is granted to nobody
    let event =
        "INSERT INTO dagmar.event (kind, detail) VALUES ('refused', '{\"role\": \"boss\", \"command\": \"x\"}')";
    assert_eq!(psql(&database, &applier, event), "");
    assert_eq!((by("boss"), by("postgres"), by(&applier)), (0, 0, 2));
    for column in ["hash", "db_user", "at", "seq"] {
        let event = format!("INSERT INTO dagmar.event (kind, {column}) VALUES ('refused', DEFAULT)");
        assert!(psql(&database, &applier, &event).contains("permission denied"), "{column}");
    }
    project.json(&database, &["history", "--verify"]).intact();
}

/// Times without an end and numbers without a limit, in rows that an applier may write.
#[test]
fn times_without_an_end_keep_nobody_from_reading() {
    let (project, database, [applier, ..]) = ledger();
    project.on(&database, &["pause"]).ok();
    for change in [
        "UPDATE dagmar.changeset SET applied_at = 'infinity'",
        "UPDATE dagmar.run SET started_at = '-infinity', status = 'running'",
        "UPDATE dagmar.request SET made_at = 'infinity'",
        "INSERT INTO dagmar.attic (changeset, kind, object, detail, kept_at, purged_at, restored_at) VALUES \
         ('a', 'rows', 'public.a', '{\"rows\": 1e40, \"restored\": -1e40}', 'infinity', NULL, '-infinity')",
    ] {
        assert_eq!(psql(&database, &applier, change), "", "{change}");
        for args in [&["status"][..], &["history"], &["attic", "list"], &["plan"]] {
            project.on(&database, args).ok();
        }
        let said = project.on(&database, &["history", "--verify"]);
        assert!(said.code == 4 || said.code == 0 && change.contains("request"), "{change}: {said:?}");
    }
    snapshot(
        "forging/times_without_an_end_keep_nobody_from_reading",
        &project.on(&database, &["history", "--verify"]).refusal(4),
    );
}

/// Details that are JSON for PostgreSQL and too much for others: everybody can still read the history.
#[test]
fn details_that_cannot_be_read_are_passed_over() {
    let (project, database, [applier, _, reader]) = ledger();
    for odd in [
        "('{\"why\": ' || repeat('[', 3000) || repeat(']', 3000) || '}')::jsonb",
        "('{\"why\": ' || repeat('9', 4000) || '}')::jsonb",
        "jsonb_build_object('command', E'a\\n 99  2026-01-01 00:00:00  approved  boss', 'by', E'x\\n@y', 'why', E'\\e[2J')",
    ] {
        assert_eq!(psql(&database, &reader, &format!("SELECT dagmar.note_refusal({odd})")), "");
    }
    for _ in 0..2 {
        for args in [
            &["history"][..],
            &["history", "--format", "json"],
            &["history", "--format", "csv"],
            &["history", "--verify"],
        ] {
            let said = project.on(&database, args).ok();
            assert!(!said.contains('\u{1b}'), "{said}");
            assert!(args.len() > 1 || said.lines().all(|line| !line.trim_start().starts_with("99  2026")), "{said}");
        }
        for args in [&["status"][..], &["why", "a"]] {
            against(&project, &url(&database, &applier), args).ok();
        }
        project.on(&database, &["rollback", "b"]).ok();
        project.on(&database, &["apply"]).ok();
    }
}
