//! What is in the attic stays what it is: killed runs, other sessions, roles with few rights, changes by hand.

use crate::support::attic::{applied, dropping, entries, intact, number, says, with_rows};
use crate::support::proxy::{Fault, run as through};
use crate::support::{Database, against, as_version, file, granted, psql, same, server, snapshot, url};

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
            // its last message may still run: what commits between a plan and its lock is refused
            database.until_alone();
            project.on(&database, args).ok();
            same(&format!("{args:?} {fault:?}"), &expected, &database.catalog());
            intact(&project, &database);
        }
    }
}

#[test]
fn a_lock_is_waited_for_and_asked_for_again() {
    let (project, database) = applied("limits: { lockTimeout: 100ms, lockRetries: 1 }");
    let column = number(&project, &database, "column");
    let holder = database.hold("LOCK TABLE users IN ACCESS SHARE MODE");
    snapshot(
        "attic/a_lock_is_waited_for_and_asked_for_again",
        &project.on(&database, &["attic", "purge", &column, "--no-preflight"]).refusal(8),
    );
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
    assert_eq!(project.json(&database, &["attic", "list"]).json()["totals"]["entries"], 5);
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
    snapshot("attic/who_may_purge", &run.refusal(8));
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
            same(change, &catalog, &database.catalog());
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
    snapshot(
        "attic/entries_that_were_changed_by_hand_are_refused",
        &project.on(&database, &["history", "--verify"]).refusal(4),
    );
    snapshot(
        "attic/entries_that_were_changed_by_hand_are_refused-2",
        &project.on(&database, &["attic", "purge", "5"]).refusal(4),
    );
    let clear = ["clear", "notes", "--as-recorded", "--reason", "meant"];
    says(&project.on(&database, &clear).ok(), &["cleared notes: pending, as it is recorded now"]);
    intact(&project, &database);
    project.on(&database, &["attic", "purge", "5"]).ok();
    snapshot("attic/entries_that_were_changed_by_hand_are_refused-3", &project.on(&database, &clear).refusal(2));
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
        snapshot(
            "attic/a_purge_hides_nothing_of_what_happened",
            &project.on(&database, &["history", "--verify"]).refusal(4),
        );
        database.sql("DELETE FROM dagmar.changeset WHERE id = 'notes'");
        intact(&project, &database);
    }
}

#[test]
fn a_half_done_changeset_keeps_what_it_may_need() {
    let (project, database) = applied("");
    project.write(
        "plans/b.yaml",
        &file(&[dropping("half", "nick").create_index("users_id", "users", ["id"]).sql("SELECT 1 / 0", "SELECT 1")]),
    );
    project.on(&database, &["apply"]).fails(8);
    assert!(database.ledger().ends_with("half=partly"));
    let half = database.sql("SELECT id FROM dagmar.attic WHERE changeset = 'half' AND kind = 'column'");
    snapshot(
        "attic/a_half_done_changeset_keeps_what_it_may_need",
        &project.on(&database, &["attic", "purge", &half]).refusal(5),
    );
    snapshot(
        "attic/a_half_done_changeset_keeps_what_it_may_need-2",
        &project.on(&database, &["attic", "restore", &half]).refusal(5),
    );
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
    let kept = "SELECT string_agg(format('ALTER TABLE dagmar_attic.%I SET SCHEMA public', relname), '; ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'dagmar_attic'::regnamespace";
    // what is kept stays where it is while the ledger is made anew
    let (out, back) = (
        database.sql(kept),
        database.sql(&kept.replace("dagmar_attic.%I SET SCHEMA public'", "public.%I SET SCHEMA dagmar_attic'")),
    );
    database.sql(&out);
    as_version(&database, 3, &[]);
    database.sql(&back);
    assert_eq!(entries(&project, &database).len(), 5);
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "3");
    says(&project.on(&database, &["attic", "purge", "5", "--dry-run"]).ok(), &["1 statement ran"]);
    project.on(&database, &["attic", "restore", "4"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "8");
    project.on(&database, &["attic", "purge", "--all"]).ok();
    assert!(entries(&project, &database).is_empty());
    assert_eq!(database.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'dagmar'::regnamespace AND proname IN ('purge', 'restore_rows')"), "0");
    intact(&project, &database);
}
