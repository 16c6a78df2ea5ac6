//! What roles with few rights, and files from somewhere, try against the ledger and whoever uses it.

use crate::harness::{Database, Project, Run, server};
use crate::running::table;
use crate::tools::{against, file, project, sql};
use std::process::Command;

/// What a role gets to hear that sends SQL by hand.
pub fn psql(database: &Database, role: &str, sql: &str) -> String {
    let mut command: Command = database.psql();
    let output = command.args(["-U", role, "-c", sql]).output().unwrap();
    String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr }).trim().to_owned()
}

/// A role of this test alone.
pub fn role(database: &Database, kind: &str, more: &str) -> String {
    let name = format!("{}_{kind}", database.name);
    database.sql(&format!("CREATE ROLE {name} LOGIN {more}"));
    name
}

pub fn url(database: &Database, role: &str) -> String {
    format!("postgres:///{}?host={}&user={role}", database.name, server().sockets.display())
}

/// A ledger with one table applied, and roles with the rights that `ledger grants` prints.
pub fn granted(project: &Project, database: &Database) -> (String, String, String) {
    project.on(database, &["apply"]).ok();
    let (applier, approver, reader) =
        (role(database, "applier", ""), role(database, "approver", ""), role(database, "reader", ""));
    let args = ["ledger", "grants", "--applier", &applier, "--approver", &approver, "--reader", &reader];
    database.sql(&project.run(&args).ok());
    database.sql(&format!("GRANT CREATE, USAGE ON SCHEMA public TO {applier}; GRANT postgres TO {applier}"));
    database.sql(&format!("REVOKE postgres FROM {applier}"));
    (applier, approver, reader)
}

/// A ledger as version 3 made it, with what it had granted to everybody.
fn version_3(database: &Database) {
    let parts = [
        include_str!("../data/ledgers/1.sql"),
        include_str!("../data/ledgers/2.sql"),
        include_str!("../data/ledgers/3.sql"),
    ];
    let sql = parts.concat().replace("@ledger@", "dagmar").replace("@attic@", "dagmar_attic");
    database.sql(&format!("{sql} UPDATE dagmar.meta SET value = '3' WHERE key = 'version'"));
}

/// A definer's trigger on a table of the attacker's own, whose column has a type with a cast that runs
/// his code.
fn borrow(database: &Database, attacker: &str) -> String {
    psql(
        database,
        attacker,
        "CREATE TYPE pg_temp.evil AS ENUM ('x');
         CREATE FUNCTION pg_temp.boom(pg_temp.evil) RETURNS json LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'boom as %', current_user; END $$;
         CREATE CAST (pg_temp.evil AS json) WITH FUNCTION pg_temp.boom(pg_temp.evil);
         CREATE TEMP TABLE t (verdict text, id int, digest text, reason pg_temp.evil, os_user text, host text, expires_at timestamptz);
         CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION dagmar.note_approval();
         INSERT INTO t VALUES ('approve', 4712, 'p1:forged', 'x', 'boss', 'vm', null)",
    )
}

#[test]
fn trigger_functions_of_the_owner_cannot_be_borrowed() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    let (applier, approver, reader) = granted(&project, &database);
    for attacker in [&applier, &approver, &reader] {
        let said = borrow(&database, attacker);
        assert!(said.contains("permission denied for function "), "{attacker}: {said}");
    }
    // and where somebody was granted them all the same
    database.sql(&format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dagmar TO {reader}"));
    let said = borrow(&database, &reader);
    assert!(said.contains("for the table approval of the ledger alone"), "{said}");
    for (function, when) in [("chain_event", "BEFORE"), ("sign_approval", "BEFORE"), ("note_approval", "AFTER")] {
        let said = psql(
            &database,
            &reader,
            &format!(
                "CREATE TEMP TABLE t (kind text, detail jsonb); CREATE TRIGGER x {when} INSERT ON t FOR EACH ROW \
                 EXECUTE FUNCTION dagmar.{function}(); INSERT INTO t VALUES ('approved', '{{}}')"
            ),
        );
        assert!(said.contains("of the ledger alone"), "{function}: {said}");
    }
    let said = psql(
        &database,
        &reader,
        "CREATE TEMP TABLE t (n int); CREATE TRIGGER x BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION \
         dagmar.lock_chain(); INSERT INTO t VALUES (1)",
    );
    assert!(said.contains("for the table event of the ledger alone"), "{said}");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'approved'"), "0");
}

#[test]
fn an_upgrade_replaces_the_functions_of_a_ledger_that_is_there() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    version_3(&database);
    let (reader, approver) = (role(&database, "reader", ""), role(&database, "approver", ""));
    let applier = role(&database, "applier", "");
    database.sql(&format!(
        "GRANT USAGE ON SCHEMA dagmar TO {reader}, {approver}, {applier};
         GRANT SELECT ON ALL TABLES IN SCHEMA dagmar TO {reader}, {approver}, {applier};
         GRANT INSERT ON dagmar.approval TO {approver};
         GRANT INSERT, UPDATE, DELETE ON dagmar.changeset, dagmar.requires, dagmar.run, dagmar.segment, dagmar.superseded,
         dagmar.wish, dagmar.attic TO {applier};
         GRANT UPDATE ON dagmar.lease TO {applier}; GRANT INSERT ON dagmar.event TO {applier};
         GRANT USAGE, CREATE ON SCHEMA dagmar_attic TO {applier}; GRANT USAGE, CREATE ON SCHEMA public TO {applier}"
    ));
    let said = borrow(&database, &reader);
    assert!(said.contains("boom as postgres"), "the attack works on version 3: {said}");
    // who does not own it cannot bring it up to date, and is told who can
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    let said = against(&project, &url(&database, &applier), &["apply"]);
    assert!(said.code == 7 && said.err.contains("dagmar ledger install"), "{said:?}");
    let said = project.on(&database, &["ledger", "install"]).ok();
    assert!(said.contains("upgraded the ledger `dagmar` from version 3 to 5"), "{said}");
    let said = borrow(&database, &reader);
    assert!(said.contains("permission denied for function "), "{said}");
    // those who had rights still have what they need
    against(&project, &url(&database, &applier), &["apply"]).ok();
    against(&project, &url(&database, &reader), &["status"]).ok();
    let said =
        psql(&database, &approver, "INSERT INTO dagmar.approval (id, digest) OVERRIDING SYSTEM VALUE VALUES (7, 'x')");
    assert!(said.contains("permission denied"), "{said}");
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
    assert!(project.on(&database, &["ledger", "install"]).ok().contains("nothing to do"));
}

/// A text that looks like an escape of JSON is stored as it is.
#[test]
fn what_is_stored_is_what_was_shown() {
    let database = Database::new();
    let sneaky = "SELECT 'nothing \\u0000u0027; CREATE TABLE pwned (); --'";
    let changeset = format!(
        "changesets:\n  - id: a\n    changes:\n      - sql:\n          forward: SELECT '\\u0000'\n          rollback: |\n            {sneaky}\n"
    );
    let project = Project::new(&[("plans/a.yaml", &changeset)]);
    let shown = project.on(&database, &["plan", "--sql"]).ok();
    assert!(shown.contains(sneaky), "{shown}");
    project.on(&database, &["apply"]).ok();
    let stored = "SELECT rollback #>> '{segments,0,statements,0,sql}' FROM dagmar.changeset";
    assert_eq!(database.sql(stored), sneaky);
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.sql("SELECT to_regclass('public.pwned') IS NULL"), "t");
}

/// Functions and operators in the caller's path that fit better than the server's own.
const HIJACKS: &str = "
    CREATE FUNCTION public.boom() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
    CREATE FUNCTION public.boom(text[], text) RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[public.boom()]';
    CREATE AGGREGATE public.array_agg(text) (SFUNC = public.boom, STYPE = text[]);
    CREATE FUNCTION public.boom(numeric, int) RETURNS numeric LANGUAGE sql AS 'SELECT public.boom()::numeric';
    CREATE OPERATOR public.* (FUNCTION = public.boom, LEFTARG = numeric, RIGHTARG = int);
    CREATE FUNCTION public.boom(oid, regclass) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()::boolean';
    CREATE OPERATOR public.= (FUNCTION = public.boom, LEFTARG = oid, RIGHTARG = regclass);
    CREATE FUNCTION public.boom(text, uuid) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE OPERATOR public.|| (FUNCTION = public.boom, LEFTARG = text, RIGHTARG = uuid);
    CREATE FUNCTION public.format(text, text, uuid, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.format(text, int, name, text, interval, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.format(text, regclass, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.format(text, regclass, bigint) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.jsonb_build_object(text, int, text, text) RETURNS jsonb LANGUAGE sql AS 'SELECT public.boom()::jsonb';
    CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT public.boom()';
    CREATE FUNCTION public.concat_ws(text, text) RETURNS text LANGUAGE sql AS 'SELECT public.boom()'";

#[test]
fn names_in_the_callers_path_are_not_called() {
    let database = Database::new();
    let project = Project::new(&[(
        "plans/a.yaml",
        "changesets:
  - id: a
    changes:
      - createTable: { table: t, columns: [ { name: id, type: int, primaryKey: true }, { name: n, type: int } ] }
      - insert: { table: t, rows: [ { id: 1, n: 1 }, { id: 2, n: 2 }, { id: 3, n: 3 } ] }
  - id: b
    dependsOn: [a]
    preconditions: [ { sql: { name: there are rows, sql: SELECT count(*) = 3 FROM t } } ]
    changes:
      - comment: { on: table, name: t, text: rows }
      - backfill: { table: t, key: id, batchSize: 2, set: { n: t.n + 1 }, where: t.n < 4, rollback: UPDATE t SET n = id }
      - createIndex: { name: t_n, table: t, columns: [n] }
      - update: { table: t, set: { n: 9 }, where: id = 1 }
    verify:
      - { name: all are filled, sql: SELECT bool_and(n > 1) FROM t }
  - id: c
    dependsOn: [b]
    changes:
      - dropColumn: { table: t, column: n }
",
    )]);
    database.sql(HIJACKS);
    assert!(psql(&database, "postgres", "SELECT 1.0 * 1").contains("hijacked as postgres"), "the trap works");
    project.on(&database, &["plan", "--against"]).ok();
    project.on(&database, &["plan", "--dry-run"]).ok();
    project.on(&database, &["apply"]).ok();
    for args in [
        &["status"][..],
        &["history"],
        &["history", "--verify"],
        &["why", "c"],
        &["approvals", "list"],
        &["graph", "--against"],
        &["pause"],
        &["resume"],
        &["plan", "--out", "p.plan"],
        &["rollback", "c", "--plan"],
        &["rollback", "c", "--dry-run"],
        &["rollback", "--all"],
        &["mark", "held", "c", "--reason", "x"],
        &["mark", "pending", "c", "--reason", "x"],
        &["apply", "--transaction", "plan", "--select", "a"],
        &["apply", "--jobs", "1"],
        &["history", "--verify"],
    ] {
        project.on(&database, args).ok();
    }
    // the script has the same names to find
    project.on(&database, &["rollback", "--all"]).ok();
    let mut command = project.command(&["sql", "--url", &database.url()]);
    project.write("s.sql", &Run::of(command.output().unwrap()).ok());
    database.script(&project.path().join("s.sql")).unwrap();
    assert_eq!(project.states(&database), "a=applied b=applied c=applied");
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
}

/// Tables without a schema are those of the author's own path, for checks, batches and locks as well.
#[test]
fn the_authors_path_is_that_of_the_role() {
    let database = Database::new();
    let deploy = role(&database, "deploy", "");
    database.sql(&format!(
        "CREATE SCHEMA shop AUTHORIZATION {deploy}; ALTER ROLE {deploy} SET search_path = shop; GRANT CREATE ON DATABASE {} TO {deploy}",
        database.name
    ));
    let project = Project::new(&[(
        "plans/a.yaml",
        "changesets:
  - id: a
    changes:
      - createTable: { table: t, columns: [ { name: id, type: int, primaryKey: true }, { name: n, type: int } ] }
      - sql: { forward: \"INSERT INTO t SELECT g FROM generate_series(1, 9) g\", rollback: DELETE FROM t }
  - id: b
    dependsOn: [a]
    preconditions: [ { sql: { name: rows, sql: SELECT count(*) = 9 FROM t } } ]
    changes:
      - sql: { forward: \"SET LOCAL search_path = pg_catalog\", rollback: SELECT 1 }
  - id: c
    dependsOn: [b]
    changes:
      - backfill: { table: t, key: id, batchSize: 2, set: { n: t.id }, rollback: UPDATE t SET n = NULL }
      - createIndex: { name: t_n, table: t, columns: [n] }
    verify: [ { name: filled, sql: SELECT bool_and(n = id) FROM t } ]
",
    )]);
    let url = url(&database, &deploy);
    for args in [&["plan", "--against"][..], &["apply", "--jobs", "1"]] {
        against(&project, &url, args).ok();
    }
    assert_eq!(database.sql("SELECT sum(n) FROM shop.t"), "45");
    against(&project, &url, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT to_regclass('shop.t') IS NULL"), "t");
}

#[test]
fn who_waits_for_another_role_is_told_so() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    let (applier, ..) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    // the numbers of the lock, which any role may take
    let held = database.hold("SELECT pg_advisory_lock(1684499826, 259625606)");
    for args in [&["apply", "--lock-wait", "0s"][..], &["mark", "held", "a", "--reason", "x", "--lock-wait", "0s"]] {
        project.write("plans/b.yaml", &file(&[table("b", "")]));
        let said = against(&project, &url(&database, &applier), args).fails(6);
        assert!(said.contains("another run holds the lock") && said.contains("held by pid "), "{said}");
    }
    drop(held);
}

#[test]
fn a_ledger_of_somebody_else_is_not_used() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    let low = role(&database, "low", "");
    database.sql(&format!("GRANT CREATE ON DATABASE {} TO {low}", database.name));
    let refused = |args: &[&str], words: &[&str]| {
        let said = project.on(&database, args).fails(5);
        for word in words {
            assert!(said.contains(word), "{word}\n{said}");
        }
    };
    // a view that calls his function where the ledger's table is to be
    psql(
        &database,
        &low,
        "CREATE SCHEMA dagmar; CREATE FUNCTION dagmar.f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'code as %', current_user; END $$;
         CREATE VIEW dagmar.meta AS SELECT 'version' AS key, dagmar.f() AS value",
    );
    for args in [&["status"][..], &["apply"], &["history", "--verify"], &["rollback", "--all"], &["plan"]] {
        refused(
            args,
            &["belongs to a role that `postgres` does not trust", &format!("the schema dagmar belongs to {low}")],
        );
    }
    database.sql("DROP SCHEMA dagmar CASCADE");
    // the schema alone
    psql(&database, &low, "CREATE SCHEMA dagmar");
    refused(&["apply"], &["does not trust"]);
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'dagmar'::regnamespace"), "0");
    database.sql("DROP SCHEMA dagmar");
    psql(&database, &low, "CREATE SCHEMA dagmar_attic");
    refused(&["apply"], &[&format!("the schema dagmar_attic belongs to {low}")]);
    database.sql("DROP SCHEMA dagmar_attic");
    // a good ledger, and one function in it that is called for another
    project.on(&database, &["apply"]).ok();
    database.sql(&format!("GRANT CREATE, USAGE ON SCHEMA dagmar TO {low}"));
    psql(&database, &low, "CREATE FUNCTION dagmar.fence(int) RETURNS void LANGUAGE sql AS 'SELECT 1'");
    refused(&["status"], &[&format!("the function fence belongs to {low}")]);
    database.sql(&format!("DROP OWNED BY {low}; GRANT TRIGGER ON ALL TABLES IN SCHEMA dagmar TO {low}; GRANT USAGE ON SCHEMA dagmar TO {low}; GRANT CREATE, USAGE ON SCHEMA public TO {low}"));
    psql(
        &database,
        &low,
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'code as %', current_user; END $$;
         CREATE TRIGGER f BEFORE INSERT ON dagmar.run FOR EACH ROW EXECUTE FUNCTION public.f()",
    );
    refused(&["rollback", "a"], &[&format!("the trigger function f belongs to {low}")]);
    database.sql("DROP FUNCTION public.f() CASCADE");
    // who has been named, and who one is a member of, may own it
    project.on(&database, &["rollback", "a"]).ok();
    database.sql("DROP SCHEMA dagmar, dagmar_attic CASCADE");
    let keeper = role(&database, "keeper", "");
    let member = role(&database, "member", &format!("IN ROLE {keeper}"));
    database.sql(&format!(
        "CREATE SCHEMA dagmar AUTHORIZATION {keeper}; CREATE SCHEMA dagmar_attic AUTHORIZATION {keeper}"
    ));
    against(&project, &url(&database, &keeper), &["ledger", "install"]).ok();
    against(&project, &url(&database, &member), &["status"]).ok();
    refused(&["status"], &[&format!("ledger: {{ owners: [{keeper}] }}")]);
    project.write("dagmar.yaml", &format!("ledger: {{ owners: [{keeper}] }}\n"));
    project.on(&database, &["status"]).ok();
}

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
        assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
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
    let (project, database) = (project(&[sql("a", "CREATE TABLE t ()", "DROP TABLE nowhere", "")]), Database::new());
    project.on(&database, &["apply"]).ok();
    database.sql("UPDATE dagmar.changeset SET rollback = jsonb_set(rollback, '{segments,0,statements,0,sql}', '\"DROP TABLE t\"')");
    project.on(&database, &["rollback", "a"]).fails(4);
    let said = project.on(&database, &["clear", "a", "--as-recorded", "--reason", "CHG-1042"]).ok();
    assert!(said.contains("cleared a: applied, as it is recorded now"), "{said}");
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.sql("SELECT to_regclass('t') IS NULL"), "t");
}

/// The parts of an event have borders, also those of NULL; a hash that was kept elsewhere finds what
/// the owner of everything does.
#[test]
fn parts_of_an_event_cannot_be_shifted() {
    let shift = "SET session_replication_role = replica;
        UPDATE dagmar.event SET run = NULL, kind = 'applied', changeset = kind, db_user = changeset || '|' || db_user WHERE kind = 'applied'";
    let (project, database) = (project(&[table("a", "")]), Database::new());
    project.on(&database, &["apply"]).ok();
    let said = project.on(&database, &["history", "--verify"]).ok();
    let anchor = said.split("the last one is ").nth(1).unwrap().trim().to_owned();
    project.on(&database, &["history", "--verify", "--anchor", &anchor]).ok();
    database.sql(shift);
    assert!(project.on(&database, &["history", "--verify"]).fails(4).contains("event 2 was changed manually"));
    // every hash made anew, as the owner can: only what was kept elsewhere shows it
    database.sql(
        "SET session_replication_role = replica; DO $$ DECLARE e dagmar.event; last text := ''; BEGIN
         FOR e IN SELECT * FROM dagmar.event ORDER BY seq LOOP
             last := dagmar.event_hash(last, e); UPDATE dagmar.event SET hash = last WHERE seq = e.seq; END LOOP; END $$",
    );
    let said = project.on(&database, &["history", "--verify", "--anchor", &anchor]).fails(4);
    assert!(said.contains("and had e2:") && said.contains("when it was kept"), "{said}");
    let gone = format!("99:{}", anchor.split_once(':').unwrap().1);
    let said = project.on(&database, &["history", "--verify", "--anchor", &gone]).fails(4);
    assert!(said.contains("event 99, whose hash was kept, is missing"), "{said}");
    assert!(project.run(&["history", "--verify", "--anchor", "7"]).fails(2).contains("SEQ:HASH"));
    // JSON and CSV have the hash of each event, the table on demand
    let json = project.on(&database, &["history", "--format", "json"]).json();
    assert!(json["events"][0]["hash"].as_str().unwrap().starts_with("e2:"), "{json}");
    assert!(project.on(&database, &["history", "--hashes"]).ok().contains("e2:"));
}

/// Events that a ledger had before, whose hashes do not keep the borders.
#[test]
fn events_from_before_the_upgrade_are_fixed_by_it() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    version_3(&database);
    let insert = |kind: &str, changeset: &str| {
        database.sql(&format!(
            "INSERT INTO dagmar.event (run, kind, changeset) VALUES ('5b7a5a1e-6d9c-4d5b-8a8e-0d6b8a3f2c11', '{kind}', {changeset})"
        ));
    };
    insert("retried", "'b'");
    insert("paused", "NULL");
    project.on(&database, &["apply"]).ok();
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
    database.sql(
        "ALTER TABLE dagmar.event DROP CONSTRAINT event_kind; SET session_replication_role = replica;
         UPDATE dagmar.event SET run = NULL, kind = run::text, changeset = kind,
         db_user = changeset || '|' || db_user WHERE seq = 1; ",
    );
    let said = project.on(&database, &["history", "--verify"]).fails(4);
    assert!(said.contains("the upgrade of the ledger, was changed manually"), "{said}");
}

/// Rows that cannot be removed any more must not keep anybody from reading the others.
#[test]
fn nobody_poisons_the_history() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
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
    let said = project.on(&database, &["history", "--verify"]).fails(4);
    assert!(said.contains("approval not a number, of which event"), "{said}");
    let said = project.on(&database, &["approvals", "list"]).fails(4);
    assert!(said.contains("was inserted or changed manually"), "{said}");
}

/// A reader who never ends his transaction holds nobody up, and his word is not lost.
#[test]
fn a_readers_word_waits_apart_from_the_chain() {
    let (project, database) = (project(&[table("a", "")]), Database::new());
    let (_, _, reader) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    project.write("plans/b.yaml", &file(&[table("b", "")]));
    let said = against(&project, &url(&database, &reader), &["apply", "--yes", "--no-preflight"]);
    assert_ne!(said.code, 0);
    let said = against(&project, &url(&database, &reader), &["apply"]).fails(5);
    assert!(said.contains("[rights]"), "{said}");
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
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
}
