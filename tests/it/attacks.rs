//! What roles with few rights, and files from somewhere, try against the ledger and whoever uses it.

use crate::support::{
    Database, Project, Run, against, file, granted, ledger_of_version, project, psql, role, snapshot, sql, table, url,
};

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
    let (project, database) = (project(&[table("a")]), Database::new());
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
    let (project, database) = (project(&[table("a")]), Database::new());
    ledger_of_version(&database, 3);
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
    assert!(said.contains("upgraded the ledger `dagmar` from version 3 to 8"), "{said}");
    let said = borrow(&database, &reader);
    assert!(said.contains("permission denied for function "), "{said}");
    // those who had rights still have what they need
    against(&project, &url(&database, &applier), &["apply"]).ok();
    against(&project, &url(&database, &reader), &["status"]).ok();
    let said =
        psql(&database, &approver, "INSERT INTO dagmar.approval (id, digest) OVERRIDING SYSTEM VALUE VALUES (7, 'x')");
    assert!(said.contains("permission denied"), "{said}");
    project.json(&database, &["history", "--verify"]).intact();
    assert!(project.on(&database, &["ledger", "install"]).ok().contains("nothing to do"));
}

/// A text that looks like an escape of JSON is stored as it is.
#[test]
fn what_is_stored_is_what_was_shown() {
    let database = Database::new();
    let sneaky = "SELECT 'nothing \\u0000u0027; CREATE TABLE pwned (); --'";
    let project = project(&[sql("a", "SELECT '\\u0000'", sneaky)]);
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
    project.json(&database, &["history", "--verify"]).intact();
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
    let (project, database) = (project(&[table("a")]), Database::new());
    let (applier, ..) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    // the numbers of the lock, which any role may take
    let held = database.hold("SELECT pg_advisory_lock(1684499826, 259625606)");
    for args in [&["apply", "--lock-wait", "0s"][..], &["mark", "held", "a", "--reason", "x", "--lock-wait", "0s"]] {
        project.write("plans/b.yaml", &file(&[table("b")]));
        snapshot(
            "attacks/who_waits_for_another_role_is_told_so",
            &against(&project, &url(&database, &applier), args).refusal(6),
        );
    }
    drop(held);
}

#[test]
fn a_ledger_of_somebody_else_is_not_used() {
    let (project, database) = (project(&[table("a")]), Database::new());
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
