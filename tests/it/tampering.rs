//! `history --verify`: a history that somebody has changed by hand, as the superuser.

use crate::support::{Database, Project, Run, changeset, project, table};
use serde_json::json;

fn applied() -> (Project, Database) {
    let (project, database) = (project(&[table("a"), table("b"), table("c")]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "c"]).ok();
    project.on(&database, &["apply"]).ok();
    (project, database)
}

fn verify(project: &Project, database: &Database) -> Run {
    project.on(database, &["history", "--verify"])
}

/// Changes the ledger behind its triggers, and names what must be said.
#[track_caller]
fn tampered(what: &str, words: &[&str]) {
    let (project, database) = applied();
    assert!(verify(&project, &database).ok().contains("intact: "));
    database.sql(&format!("SET session_replication_role = replica; {what}"));
    let said = verify(&project, &database).fails(4);
    for word in ["the history was changed manually", "help: "].iter().chain(words) {
        assert!(said.contains(word), "{word}\n{said}");
    }
    let json = project.on(&database, &["history", "--verify", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(json.out.lines().next().unwrap()).unwrap();
    assert_eq!((json.code, value["intact"].as_bool()), (4, Some(false)));
    assert!(!value["audit"]["problems"].as_array().unwrap().is_empty());
}

#[test]
fn rows_that_were_changed() {
    tampered("UPDATE dagmar.event SET db_user = 'somebody' WHERE seq = 3", &["event 3 was changed manually"]);
    tampered("UPDATE dagmar.event SET detail = '{}' WHERE seq = 2", &["event 2 was changed manually"]);
    tampered("UPDATE dagmar.event SET hash = 'x' WHERE seq = 1", &["event 1 was changed manually"]);
}

#[test]
fn rows_that_were_removed() {
    tampered("DELETE FROM dagmar.event WHERE seq = 4", &["event 4 is missing"]);
    tampered("DELETE FROM dagmar.event WHERE seq < 3", &["events 1 to 2 are missing"]);
    // at the end no link is broken
    tampered(
        "DELETE FROM dagmar.event WHERE seq = (SELECT max(seq) FROM dagmar.event)",
        &["the event of the end of run ", "those after it were removed"],
    );
    tampered(
        "DELETE FROM dagmar.event WHERE run = (SELECT id FROM dagmar.run ORDER BY started_at DESC LIMIT 1)",
        &["the event by which `c` became applied is missing", "the event of the beginning of run "],
    );
    tampered("TRUNCATE dagmar.event", &["the event by which `a` became applied is missing"]);
}

#[test]
fn rows_that_were_put_in() {
    let insert = "INSERT INTO dagmar.event (seq, kind, hash) OVERRIDING SYSTEM VALUE";
    tampered(&format!("DELETE FROM dagmar.event WHERE seq = 5; {insert} VALUES (5, 'applied', 'x')"), &["event"]);
    // with the hash that the trigger would have made
    let (project, database) = applied();
    database.sql("SELECT nextval(pg_get_serial_sequence('dagmar.event', 'seq'))");
    database
        .sql("SET session_replication_role = replica; INSERT INTO dagmar.event (kind, hash) VALUES ('applied', 'x')");
    let last = database.sql("SELECT max(seq) FROM dagmar.event");
    let said = verify(&project, &database).fails(4);
    assert!(said.contains(&last), "{said}");
}

#[test]
fn what_is_no_tampering() {
    let (project, database) = applied();
    // numbers that a transaction took and gave up
    database.sql("BEGIN; INSERT INTO dagmar.event (kind) VALUES ('paused'); ROLLBACK");
    let said = verify(&project, &database).ok();
    assert!(said.contains("note: the counter of events is at") && said.contains("intact"), "{said}");
    project.on(&database, &["rollback", "c"]).ok();
    project.on(&database, &["mark", "held", "c", "--reason", "x"]).ok();
    assert!(verify(&project, &database).ok().starts_with("intact: "));
    let empty = Database::new();
    assert!(verify(&project, &empty).ok().contains("0 events"));
}

/// Rollbacks of several transactions, and of what failed in the middle, leave a history that is right.
#[test]
fn rollbacks_of_several_transactions_are_no_changes_by_hand() {
    let unique = json!({ "name": "t_u", "table": "t", "columns": ["n"], "unique": true });
    let index = changeset("index").depends_on(["t"]).create_index("t_n", "t", ["n"]).change("createIndex", unique);
    let (project, database) = (project(&[changeset("t").create_table("t", [("n", "int")]), index]), Database::new());
    let intact = || project.json(&database, &["history", "--verify"]).intact();
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "index"]).ok();
    intact();
    // the second index fails, and the first one is there
    database.sql("INSERT INTO t VALUES (1), (1)");
    project.on(&database, &["apply"]).fails(8);
    intact();
    project.on(&database, &["rollback", "index"]).ok();
    intact();
    database.sql("TRUNCATE t");
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "--all"]).ok();
    intact();
}
