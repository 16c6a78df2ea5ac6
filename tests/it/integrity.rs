//! What a history shows to somebody who keeps a key or a hash elsewhere: against a superuser, who can do
//! everything with the database itself.

use crate::support::{Database, Project, Run, file, project, snapshot, sql, table, tables};
use std::os::unix::fs::PermissionsExt;

/// Behind the triggers.
const BEHIND: &str = "SET session_replication_role = replica;";

/// Every hash made anew, as the owner of a ledger can.
const REHASH: &str =
    "DO $$ DECLARE e dagmar.event; last text := ''; BEGIN FOR e IN SELECT * FROM dagmar.event ORDER BY seq LOOP
    last := dagmar.event_hash(last, e); UPDATE dagmar.event SET hash = last WHERE seq = e.seq; END LOOP; END $$;";

/// Three runs whose ends are signed.
fn signed() -> (Project, Database) {
    let (project, database) = (project(&[table("a"), table("b")]), Database::new());
    for name in ["h", "other"] {
        project.run(&["key", "new", name]).ok();
    }
    project.on(&database, &["apply", "--select", "a", "--sign-history", "h"]).ok();
    let mut by_environment = project.command(&["apply", "--yes", "--url", &database.url()]);
    Run::of(by_environment.env("DAGMAR_SIGN_HISTORY", "h").output().unwrap()).ok();
    project.on(&database, &["rollback", "b", "--sign-history", "h"]).ok();
    (project, database)
}

fn verify(project: &Project, database: &Database, more: &[&str]) -> Run {
    project.on(database, &[&["history", "--verify"], more].concat())
}

/// What is found with the key, and not without it.
#[track_caller]
fn only_by_key(what: &str, words: &str) -> (Project, Database) {
    let (project, database) = signed();
    database.sql(&format!("{BEHIND} {what}"));
    verify(&project, &database, &["--format", "json"]).intact();
    let said = verify(&project, &database, &["--key", "h.pub"]).fails(4);
    assert!(said.contains(words), "{what}: {words}\n{said}");
    (project, database)
}

#[test]
fn each_run_is_signed() {
    let (project, database) = signed();
    assert_eq!(
        database.sql(
            "SELECT string_agg(kind, ' ' ORDER BY seq) FROM dagmar.event WHERE kind IN ('runFinished', 'headSigned')"
        ),
        "runFinished headSigned runFinished headSigned runFinished headSigned"
    );
    let said = verify(&project, &database, &["--key", "h.pub"]).ok();
    let last = database.sql("SELECT max(seq) FROM dagmar.event");
    assert!(said.starts_with("intact: ") && !said.contains("note"), "{said}");
    assert!(said.contains(&format!("signed up to event {}", last.parse::<i64>().unwrap() - 1)), "{said}");
    // what is said by hand is a run as well
    for args in [
        &["mark", "held", "b", "--reason", "x", "--sign-history", "h"][..],
        &["mark", "pending", "b", "--reason", "x", "--sign-history", "h"],
        &["clear", "a", "--as-recorded", "--reason", "x", "--sign-history", "h"],
        &["ledger", "policy", "--require", "--reason", "x", "--sign-history", "h"],
    ] {
        project.on(&database, args).ok();
        let json = verify(&project, &database, &["--key", "h.pub", "--format", "json"]).json();
        let audit = &json["audit"];
        assert_eq!(audit["signedTo"].as_i64().map(|to| to + 1), audit["last"].as_i64(), "{args:?}: {json}");
    }
    // a failed one is signed too, and what came after the end of a run is no run
    project.write("plans/a.yaml", &file(&[table("a"), sql("x", "SELECT 1/0", "SELECT 1")]));
    project.on(&database, &["apply", "--sign-history", "h"]).fails(8);
    project.on(&database, &["pause"]).ok();
    let said = verify(&project, &database, &["--key", "h.pub"]).ok();
    assert!(said.contains("note: the events after number ") && said.contains("intact"), "{said}");
    // of another environment from here on, which is another history for the signatures before
    project.on(&database, &["adopt", "--env", "live", "--reason", "x", "--sign-history", "h"]).ok();
    project.on(&database, &["apply", "--env", "live", "--select", "a", "--sign-history", "h"]).ok();
    let said = verify(&project, &database, &["--env", "live", "--key", "h.pub"]).ok();
    assert!(said.starts_with("intact: "), "{said}");
}

#[test]
fn a_key_that_cannot_be_used_is_told_before_anything_runs() {
    let (project, database) = (project(&[table("a")]), Database::new());
    project.run(&["key", "new", "h"]).ok();
    project.on(&database, &["apply", "--sign-history", "nowhere"]).fails(2);
    project.on(&database, &["apply", "--sign-history", "h.pub"]).fails(5);
    std::fs::set_permissions(project.path().join("h"), std::fs::Permissions::from_mode(0o644)).unwrap();
    snapshot(
        "integrity/a_key_that_cannot_be_used_is_told_before_anything_runs",
        &project.on(&database, &["apply", "--sign-history", "h"]).refusal(5),
    );
    snapshot(
        "integrity/a_key_that_cannot_be_used_is_told_before_anything_runs-2",
        &project.on(&database, &["mark", "held", "a", "--reason", "x", "--sign-history", "h"]).refusal(5),
    );
    assert_eq!(tables(&database), "");
    assert_eq!(database.sql("SELECT to_regnamespace('dagmar') IS NULL"), "t");
}

#[test]
fn a_history_that_the_owner_wrote_anew_does_not_fit_its_signatures() {
    let shown = "UPDATE dagmar.event SET detail = jsonb_set(detail, '{by}', '\"alice@ci\"') WHERE kind = 'runStarted' AND seq = 1;
        UPDATE dagmar.run SET os_user = 'alice', host = 'ci' WHERE id = (SELECT run FROM dagmar.event WHERE seq = 1);";
    let (project, database) = signed();
    database.sql(&format!("{BEHIND} {shown} {REHASH}"));
    // the signatures hold the hashes of before
    for more in [&[][..], &["--key", "h.pub"]] {
        let said = verify(&project, &database, more).fails(4);
        assert!(said.contains("signs another hash of event ") && said.contains("than the recorded one"), "{said}");
    }
    // a further run does not sign it
    snapshot(
        "integrity/a_history_that_the_owner_wrote_anew_does_not_fit_its_signatures",
        &project.on(&database, &["apply", "--sign-history", "h"]).refusal(4),
    );
    assert_eq!(project.states(&database), "a=applied b=applied");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'headSigned'"), "3");

    // who writes the new hashes into them, and their numbers
    let into = "UPDATE dagmar.event s SET detail = s.detail || jsonb_build_object('hash', (SELECT hash FROM dagmar.event e \
        WHERE e.seq::text = s.detail ->> 'seq')) WHERE s.kind = 'headSigned';";
    let (project, database) = signed();
    // the later ones rest on the earlier ones
    database.sql(&format!("{BEHIND} {shown} {REHASH} {into} {REHASH} {into} {REHASH} {into}"));
    snapshot(
        "integrity/a_history_that_the_owner_wrote_anew_does_not_fit_its_signatures-2",
        &verify(&project, &database, &["--key", "h.pub"]).refusal(4),
    );
    // who takes them away
    let away = "DELETE FROM dagmar.event WHERE kind = 'headSigned';";
    let (project, database) = only_by_key(&format!("{shown} {away} {REHASH}"), "no event has a signature by this key");
    let said = verify(&project, &database, &[]).ok();
    assert!(!said.contains("signed"), "{said}");
    // who leaves the ones before his change
    let last = "DELETE FROM dagmar.event WHERE seq = (SELECT max(seq) FROM dagmar.event WHERE kind = 'headSigned');
        UPDATE dagmar.event SET detail = detail || '{\"by\": \"alice@ci\"}' WHERE kind = 'runStarted' AND detail ->> 'kind' = 'rollback';
        UPDATE dagmar.run SET os_user = 'alice', host = 'ci' WHERE kind = 'rollback';";
    only_by_key(&format!("{last} {REHASH}"), "is not signed by this key");
}

#[test]
fn another_key_has_signed_nothing() {
    let (project, database) = signed();
    snapshot(
        "integrity/another_key_has_signed_nothing",
        &verify(&project, &database, &["--key", "other.pub"]).refusal(4),
    );
    // a run that nobody signed, or another key: until the next one
    for signing in [&[][..], &["--sign-history", "other"]] {
        project.on(&database, &[&["apply"], signing].concat()).ok();
        let said = verify(&project, &database, &["--key", "h.pub"]).fails(4);
        for words in
            ["the history is not signed as it should be", "which ended with event ", "is not signed by this key"]
        {
            assert!(said.contains(words), "{words}\n{said}");
        }
        project.on(&database, &["rollback", "b", "--sign-history", "h"]).ok();
        verify(&project, &database, &["--key", "h.pub", "--format", "json"]).intact();
    }
}

/// All of the last run taken away: a signature goes with it, and a hash that was kept does not.
#[test]
fn a_tail_that_was_taken_away_is_missed_by_a_hash_that_was_kept() {
    let (project, database) = signed();
    let said = verify(&project, &database, &["--key", "h.pub"]).ok();
    let anchor = said.split("the last one is ").nth(1).unwrap().split([';', '\n']).next().unwrap().to_owned();
    // the same hash is in the table and in JSON
    let (seq, hash) = anchor.split_once(':').unwrap();
    assert!(project.on(&database, &["history", "--hashes"]).ok().contains(hash));
    let json = project.on(&database, &["history", "--format", "json"]).json();
    let event =
        json["events"].as_array().unwrap().iter().find(|e| e["seq"].as_i64() == seq.parse().ok()).unwrap().clone();
    assert_eq!(event["hash"].as_str(), Some(hash));
    verify(&project, &database, &["--anchor", &anchor]).ok();
    database.sql(&format!(
        "{BEHIND} CREATE TEMP TABLE last AS SELECT id FROM dagmar.run WHERE kind = 'rollback';
         DELETE FROM dagmar.event WHERE run IN (SELECT id FROM last); DELETE FROM dagmar.run WHERE id IN (SELECT id FROM last);
         SELECT setval(pg_get_serial_sequence('dagmar.event', 'seq'), (SELECT max(seq) FROM dagmar.event))"
    ));
    // its changeset is missed all the same
    let said = verify(&project, &database, &["--anchor", &anchor]).fails(4);
    assert!(said.contains(&format!("event {seq}, whose hash was kept, is missing")), "{said}");
    assert!(said.contains("the row of `b`, of which event ") && said.contains(" tells, is missing"), "{said}");
    // only one of the end, and the counter with it
    let (project, database) = signed();
    database.sql(&format!(
        "{BEHIND} DELETE FROM dagmar.event WHERE seq = (SELECT max(seq) FROM dagmar.event);
         SELECT setval(pg_get_serial_sequence('dagmar.event', 'seq'), (SELECT max(seq) FROM dagmar.event))"
    ));
    verify(&project, &database, &[]).ok();
    snapshot(
        "integrity/a_tail_that_was_taken_away_is_missed_by_a_hash_that_was_kept",
        &verify(&project, &database, &["--key", "h.pub"]).refusal(4),
    );
}

/// Rows of the ledger itself, and rows that were put in or taken away, which no event tells of.
#[test]
fn every_row_that_decides_has_its_event() {
    let (project, database) = (project(&[table("a"), table("b"), table("c")]), Database::new());
    let anywhere = Database { name: "postgres".to_owned(), server: database.server };
    for args in [
        &["apply"][..],
        &["rollback", "c"],
        &["mark", "held", "c", "--reason", "x"],
        &["mark", "pending", "c", "--reason", "x"],
        &["ledger", "policy", "--require", "--reason", "x"],
        &["plan", "--out", "p.plan"],
        &["approve", "p.plan", "--reason", "x"],
    ] {
        project.on(&database, args).ok();
    }
    verify(&project, &database, &["--format", "json"]).intact();
    database.until_alone();
    let changes = [
        (
            "UPDATE dagmar.event SET detail = jsonb_set(detail, '{policy,soak}', '\"0s\"') WHERE seq = 1",
            "event 1 was changed manually",
        ),
        ("UPDATE dagmar.event SET at = at - interval '1 day' WHERE seq = 2", "event 2 was changed manually"),
        ("UPDATE dagmar.event SET db_user = 'alice' WHERE seq = 2", "event 2 was changed manually"),
        (
            "UPDATE dagmar.meta SET value = jsonb_set(value::jsonb, '{soak}', '\"0s\"') WHERE key = 'policy:default'",
            "the policy that the ledger demands of `default` was changed manually",
        ),
        (
            "DELETE FROM dagmar.meta WHERE key = 'policy:default'",
            "the policy that the ledger demands of `default` was changed manually",
        ),
        (
            "INSERT INTO dagmar.meta VALUES ('policy:live', '{}')",
            "the policy that the ledger demands of `live` was changed manually",
        ),
        (
            "UPDATE dagmar.meta SET value = 'x' WHERE key = 'installation'",
            "the identity of the ledger was changed manually",
        ),
        ("INSERT INTO dagmar.meta VALUES ('environment', 'x')", "the environment of the ledger was changed manually"),
        ("DELETE FROM dagmar.changeset WHERE id = 'b'", "the row of `b`, of which event "),
        ("DELETE FROM dagmar.run WHERE kind = 'rollback'", "is missing"),
        (
            "INSERT INTO dagmar.changeset OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(a, '{\"id\": \"c\"}')).* FROM dagmar.changeset a WHERE id = 'b'",
            "the row of `c` was inserted manually: its last event says that there is none",
        ),
        (
            "UPDATE dagmar.changeset SET status = 'skipped', run = (SELECT id FROM dagmar.run WHERE kind = 'mark' LIMIT 1) WHERE id = 'b'",
            "the row of `b` was changed manually",
        ),
        (
            "INSERT INTO dagmar.event (seq, kind, hash) OVERRIDING SYSTEM VALUE VALUES (-1, 'applied', 'x')",
            "event -1 was inserted manually",
        ),
        (
            "UPDATE dagmar.approval SET roles = '{bosses}'",
            "has no event of its own: it was inserted or changed manually",
        ),
        ("UPDATE dagmar.approval SET at = at - interval '1 day'", "has no event of its own"),
        ("UPDATE dagmar.approval SET client_addr = '192.0.2.1'", "has no event of its own"),
        ("UPDATE dagmar.approval SET expires_at = '2999-01-01'", "has no event of its own"),
    ];
    for (n, (change, words)) in changes.iter().enumerate() {
        let copy = Database { name: format!("{}_{n}", database.name), server: database.server };
        anywhere.sql(&format!("CREATE DATABASE {} TEMPLATE {}", copy.name, database.name));
        copy.sql(&format!("{BEHIND} {change}"));
        let said = verify(&project, &copy, &[]).fails(4);
        assert!(said.contains(words), "{change}: {words}\n{said}");
    }
}
