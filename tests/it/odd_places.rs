//! Databases that are set up in unusual ways, and changesets that do unusual things.

use crate::support::{Database, Project, Run, file, project, sql};
use std::process::Command;

const PLAN: &str = "
changesets:
  - id: base
    description: 'Übersicht -- \\ '' $$'
    changes:
      - createSchema: { name: app }
      - createTable:
          table: app.users
          comment: 'back\\slash and ''quotes'''
          columns:
            - { name: id, type: bigint, identity: always, primaryKey: true }
            - { name: email, type: text, nullable: false, unique: true }
            - { name: born, type: date, default: \"'2020-02-01'\" }
      - insert: { table: app.users, key: [email], rows: [ { email: 'a\\b''c', born: '2021-03-04' } ] }
  - id: more
    dependsOn: [base]
    changes:
      - addColumn: { table: app.users, columns: [ { name: active, type: boolean } ] }
      - createIndex: { name: users_active_idx, table: app.users, columns: [active] }
      - backfill: { table: app.users, key: id, set: { active: 'true' }, where: t.active IS NULL }
      - update: { table: app.users, set: { email: 'x\\y' }, where: id = 1 }
    verify: [ { name: active, sql: SELECT bool_and(active) FROM app.users } ]
  - id: drops
    dependsOn: [more]
    changes:
      - dropColumn: { table: app.users, column: born }
      - dropTable: { table: app.users }
";

/// There, with every change looked at, and back.
#[track_caller]
fn there_and_back(project: &Project, database: &Database) {
    let empty = database.dump();
    project.on(database, &["apply", "--select", "base,more"]).ok();
    assert_eq!(database.sql("SELECT email, active, born = make_date(2021, 3, 4) FROM app.users"), "x\\y|t|t");
    project.on(database, &["rollback", "more"]).ok();
    assert_eq!(database.sql("SELECT email FROM app.users"), "a\\b'c");
    project.on(database, &["apply"]).ok();
    assert_eq!(project.states(database), "base=applied more=applied drops=applied");
    project.on(database, &["rollback", "drops"]).ok();
    assert_eq!(database.sql("SELECT email, active, born = make_date(2021, 3, 4) FROM app.users"), "x\\y|t|t");
    project.on(database, &["history"]).ok();
    project.on(database, &["mark", "held", "drops", "--reason", "it's so"]).ok();
    project.on(database, &["rollback", "--all"]).ok();
    assert_eq!(database.dump(), empty);
}

/// Settings of the database or the role must not change what a changeset means, nor end it.
#[test]
fn settings_of_the_database_change_nothing() {
    let (project, database) = (Project::new(&[("plans/a.yaml", PLAN)]), Database::new());
    for setting in [
        "standard_conforming_strings = off",
        "backslash_quote = on",
        "escape_string_warning = on",
        "search_path = pg_catalog",
        "\"DateStyle\" = 'SQL, DMY'",
        "\"IntervalStyle\" = sql_standard",
        "\"TimeZone\" = 'Asia/Kathmandu'",
        "extra_float_digits = -5",
        "bytea_output = escape",
        "statement_timeout = '2s'",
        "idle_in_transaction_session_timeout = '1s'",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "client_min_messages = debug1",
        "quote_all_identifiers = on",
        "check_function_bodies = off",
        "array_nulls = off",
        "transform_null_equals = on",
        "xmloption = document",
        "default_table_access_method = heap",
        "row_security = off",
        "synchronous_commit = off",
    ] {
        database.sql(&format!("ALTER DATABASE {} SET {setting}", database.name));
    }
    there_and_back(&project, &database);
}

#[test]
fn a_ledger_of_another_name() {
    let config = "ledger: { schema: \"My \\\"Ledger\\\" 'x'\" }\n";
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", PLAN)]);
    let database = Database::new();
    // everything but the ledger and its attic
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'My \"Ledger\" ''x''%'"), "2");
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'dagmar%'"), "0");
    project.on(&database, &["rollback", "drops"]).ok();
    assert_eq!(database.sql("SELECT email, active FROM app.users"), "x\\y|t");
    project.on(&database, &["mark", "held", "drops", "--reason", "so"]).ok();
    project.on(&database, &["history"]).ok();
    project.on(&database, &["sql"]).ok();
    assert_eq!(project.states(&database), "base=applied more=applied drops=held");
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'app'"), "0");
}

/// What the database's encoding cannot hold is refused with its reason; nothing remains.
#[test]
fn encodings_that_cannot_hold_a_text() {
    let database = Database::new();
    let latin = format!("{}_latin", database.name);
    database.sql(&format!("CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let database = Database { name: latin, server: crate::support::server() };
    there_and_back(&Project::new(&[("plans/a.yaml", PLAN)]), &database);
    for project in [
        project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a").with("description", "日本")]),
        project(&[sql("a", "CREATE TABLE a ();\nCOMMENT ON TABLE a IS '日本'", "DROP TABLE a")]),
    ] {
        let run = project.on(&database, &["apply"]);
        assert!([7, 8].contains(&run.code), "{run:?}");
        assert!(run.err.contains("has no equivalent in encoding \"LATIN1\""), "{run:?}");
        assert_eq!(database.sql("SELECT to_regclass('a') IS NULL"), "t");
        assert_eq!(project.on(&database, &["status"]).code, 0);
    }
}

/// A constraint that is checked at the end fails at COMMIT: the statements had all gone well.
#[test]
fn what_fails_at_commit_fails_the_changeset() {
    let database = Database::new();
    database
        .sql("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    let changesets = |forward: &str| {
        [
            sql("a", "CREATE TABLE a ()", "DROP TABLE a"),
            sql("b", forward, "SELECT 1"),
            sql("c", "CREATE TABLE cc ()", "DROP TABLE cc"),
        ]
    };
    for text in ["INSERT INTO c VALUES (1)", "SELECT 1;\n-- segment\nINSERT INTO c VALUES (1)"] {
        let project = project(&changesets(text));
        let said = project.on(&database, &["apply", "--jobs", "1"]).fails(8);
        assert!(said.contains("`b` failed: insert or update on table \"c\" violates foreign key constraint"), "{said}");
        assert!(said.contains("detail: Key (p)=(1) is not present"), "{said}");
        assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE detail::text LIKE '%(p)=(1)%'"), "0");
        let state = if text.contains("segment") { "partly" } else { "failed" };
        assert_eq!(project.states(&database), format!("a=applied b={state} c=pending"));
        assert_eq!(database.sql("SELECT count(*) FROM c"), "0");
    }
    database.sql("INSERT INTO p VALUES (1)");
    project(&changesets("SELECT 1;\n-- segment\nINSERT INTO c VALUES (1)")).on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM c"), "1");
}

/// Rows that a statement answers are nobody's; they must not be gathered.
#[test]
fn rows_that_nobody_asked_for_take_no_memory() {
    let database = Database::new();
    let text = "SELECT repeat('x', 10000) FROM generate_series(1, 40000)";
    let project =
        project(&[sql("a", text, "SELECT 1"), sql("b", &format!("SELECT 1;\n-- segment\n{text}"), "SELECT 1")]);
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            "ulimit -v 400000; exec \"$0\" apply --yes --url \"$1\"",
            env!("CARGO_BIN_EXE_dagmar"),
            &database.url(),
        ])
        .env_clear()
        .current_dir(project.path());
    assert!(Run::of(limited.output().unwrap()).ok().contains("applied 2 changesets"));
}

/// Notices are shown; a flood of them does no harm.
#[test]
fn notices_are_shown() {
    let database = Database::new();
    let text = "DO $$ BEGIN RAISE NOTICE 'hello from the server'; FOR i IN 1..20000 LOOP RAISE NOTICE 'flood'; END LOOP; END $$";
    let project = project(&[sql("a", text, "SELECT 1")]);
    let run = project.on(&database, &["apply"]);
    assert!(run.err.contains("notice: hello from the server"), "{}", run.err);
    run.ok();
}

/// Many segments, each of its own kind, in one changeset; all of it comes back.
#[test]
fn every_kind_of_segment_in_one_changeset() {
    let database = Database::new();
    let empty = database.dump();
    let plan = file(&["  - id: a
    changes:
      - sql:
          forward: |
            CREATE TABLE t (id int PRIMARY KEY, n int);
            INSERT INTO t SELECT g FROM generate_series(1, 100) g;
            -- segment
            CREATE INDEX CONCURRENTLY t_n ON t (n);
            VACUUM t;
            ANALYZE t;
            SET work_mem = '5MB';
            -- segment
            ALTER TABLE t ADD m int
          rollback: |
            DROP INDEX CONCURRENTLY t_n;
            -- segment
            DROP TABLE t
      - backfill: { table: t, key: id, batchSize: 7, set: { n: EXPR, m: t.id }, rollback: UPDATE t SET n = NULL }
    verify: [ { name: all, sql: SELECT count(*) = 100 FROM t WHERE n = id AND m = id } ]
"
    .to_owned()]);
    let project = Project::new(&[("plans/a.yaml", &plan.replace("EXPR", "t.nothing"))]);
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(
        said.contains("5 of its 6 segments are done") && said.contains("column t.nothing does not exist (42703)"),
        "{said}"
    );
    // half done it cannot be edited; taken back it can
    project.write("plans/a.yaml", &plan.replace("EXPR", "t.id"));
    assert!(project.on(&database, &["apply"]).fails(4).contains("`a` was edited"));
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.dump(), empty);
    project.on(&database, &["apply"]).ok();
    assert_eq!(project.states(&database), "a=applied");
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.dump(), empty);
}
