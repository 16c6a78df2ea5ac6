//! The script for psql on a server: what it leaves is what a run leaves, in the catalog and in the ledger.

use crate::support::{Database, Project, Run, backfill, changeset, file, parameters, project, same, snapshot, sql};

/// Runs the script of what is pending, made for this database.
fn by_script(project: &Project, database: &Database, args: &[&str]) -> Result<String, String> {
    let mut command = project.command(&[&["sql"], args].concat());
    let text = Run::of(command.args(["--url", &database.url()]).output().unwrap()).ok();
    project.write("script.sql", &text);
    database.script(&project.path().join("script.sql"))
}

/// The ledger without what differs from run to run: times and ids, and with
/// them the hashes of rows.
fn rows(database: &Database) -> String {
    database.sql(
        "SELECT concat_ws('|', 'changeset', id, status, checksum, digest, repeatable, labels, file, forward, rollback, reason, error, duration_ms \
         >= 0) FROM dagmar.changeset ORDER BY ordinal;
         SELECT concat_ws('|', 'requires', changeset, needs) FROM dagmar.requires ORDER BY 1;
         SELECT concat_ws('|', 'segment', changeset, direction, no, status, cursor, rows, seen, changed, unmoved, pass) FROM dagmar.segment ORDER BY 1;
         SELECT concat_ws('|', 'superseded', changeset, version, content ->> 'digest') FROM dagmar.superseded ORDER BY 1;
         SELECT concat_ws('|', 'event', kind, changeset, CASE WHEN changeset IS NOT NULL THEN detail - 'recorded' END) FROM dagmar.event \
         WHERE kind NOT IN ('policyChanged', 'ledgerCreated') ORDER BY seq;
         SELECT concat_ws('|', 'run', status, steps) FROM dagmar.run ORDER BY started_at",
    )
}

const FIRST: &str = "
changesets:
  - id: base
    verify: [{ sql: SELECT count(*) = 2 FROM app.parts, name: two parts }]
    changes:
      - createSchema: { name: app }
      - createTable: { table: app.t, columns: [{ name: id, type: int, primaryKey: true }, { name: n, type: text }] }
      - createTable: { table: app.u, columns: [{ name: id, type: int, primaryKey: true }, { name: at, type: timestamptz }] }
      - sql:
          forward: |
            CREATE TABLE app.parts (k text); INSERT INTO app.parts VALUES ('a'), ('b');
            INSERT INTO app.t SELECT g, NULL FROM generate_series(1, 300) g;
            INSERT INTO app.u SELECT g, '2026-02-03 04:05' FROM generate_series(1, 3) g
          rollback: DROP TABLE app.parts
  - id: two-tables
    dependsOn: [base]
    preconditions: [{ tableExists: app.u }]
    changes:
      - addColumn: { table: app.u, columns: [{ name: more, type: int }] }
      - addColumn: { table: app.t, columns: [{ name: more, type: int }] }
  - id: session
    dependsOn: [two-tables]
    changes:
      - sql:
          forward: SET search_path = app; SET DateStyle = 'SQL, DMY'; CREATE TABLE in_app (d date DEFAULT '02/03/2026')
          rollback: DROP TABLE app.in_app
  - id: after-session
    dependsOn: [session]
    changes:
      - sql: { forward: CREATE TABLE in_public AS SELECT date '02/03/04' AS d, rollback: DROP TABLE in_public }
  - id: long
    dependsOn: [after-session]
    changes:
      - backfill: { table: app.t, key: id, batchSize: 100, pace: { batchTime: 0s }, where: t.n IS NULL, set: { n: \"'$1 $cursor ' || t.id\" }, rollback: UPDATE app.t SET n = NULL }
      - createIndex: { name: t_n, table: app.t, columns: [n], concurrently: true }
      - addColumn: { table: app.t, columns: [{ name: last, type: int }] }
  - id: seen
    dependsOn: [long]
    repeatable: true
    changes: [{ createView: { name: app.seen, query: 'SELECT id FROM app.t' } }]
";

/// Every kind of step, both ways: the script leaves what the run leaves.
#[test]
fn a_script_leaves_what_a_run_leaves() {
    let project = Project::new(&[("plans/a.yaml", FIRST)]);
    let (run, psql) = (Database::new(), Database::new());
    for database in [&run, &psql] {
        // what a role or database has as settings is no part of what SQL means
        let name = &database.name;
        database.sql(&format!(
            "ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE {name} SET DateStyle = 'SQL, MDY'; \
             ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'; \
             ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '1h'"
        ));
    }
    let both = |what: &str, args: &[&str], sql: &[&str]| {
        project.on(&run, args).ok();
        by_script(&project, &psql, sql).unwrap();
        same(what, &run.catalog(), &psql.catalog());
        same(what, &rows(&run), &rows(&psql));
        project.json(&psql, &["history", "--verify"]).intact();
    };
    both("forward", &["apply", "--jobs", "1"], &[]);
    assert_eq!(psql.sql("SELECT min(n), count(*) FROM app.t"), "$1 $cursor 1|300");
    assert_eq!(psql.sql("SELECT at = '2026-02-03 04:05+00' FROM app.u LIMIT 1"), "t");
    assert_eq!(psql.sql("SELECT d - date '2002-03-04' FROM in_public"), "0");
    let changed = FIRST
        .replace("SELECT id FROM app.t", "SELECT id * 2 AS id FROM app.t")
        .replace("- id: session", "- id: renamed\n    aka: [session]");
    project.write("plans/a.yaml", &changed.replace("dependsOn: [session]", "dependsOn: [renamed]"));
    both("a changed repeatable and a rename", &["apply", "--jobs", "1"], &[]);
    assert_eq!(psql.sql("SELECT count(*) FROM dagmar.superseded"), "1");
    both("a version before", &["rollback", "seen"], &["--rollback", "seen"]);
    let all = ["seen", "long", "after-session", "renamed", "two-tables"].map(|id| ["--rollback", id]).concat();
    both("backwards", &["rollback", "two-tables", "--cascade"], &all);
}

/// A role that a changeset takes on, for the session or the transaction, does not write the ledger, and the
/// next changeset does not have it: by a run, a script and a dry run.
#[test]
fn a_role_ends_with_its_changeset() {
    for set in ["SET ROLE", "SET LOCAL ROLE", "SET SESSION AUTHORIZATION"] {
        let databases = [Database::new(), Database::new(), Database::new()];
        let role = format!("{}_role", databases[0].name);
        databases[0].sql(&format!("CREATE ROLE {role}"));
        databases.iter().for_each(|d| drop(d.sql(&format!("CREATE SCHEMA app AUTHORIZATION {role}"))));
        let project = project(&[
            sql("a", &format!("{set} {role}; CREATE TABLE app.a ()"), "DROP TABLE app.a"),
            sql("b", "CREATE TABLE b ()", "DROP TABLE b").depends_on(["a"]),
        ]);
        let [run, psql, dry] = &databases;
        project.on(dry, &["apply", "--dry-run"]).ok();
        project.on(run, &["apply"]).ok();
        by_script(&project, psql, &[]).unwrap_or_else(|why| panic!("{set}: {why}"));
        for database in [run, psql] {
            let owners = "SELECT string_agg(tablename || '=' || (tableowner = current_user), ' ' ORDER BY tablename) FROM pg_tables \
                          WHERE schemaname IN ('app', 'public')";
            assert_eq!(database.sql(owners), "a=false b=true", "{set}");
        }
        databases.iter().for_each(|d| drop(d.sql(&format!("DROP OWNED BY {role}"))));
        databases[0].sql(&format!("DROP ROLE {role}"));
    }
}

/// Two tables are locked in the order of their oids, whatever the order of the statements.
#[test]
fn a_script_locks_tables_in_the_order_of_oids() {
    let database = Database::new();
    database.sql("CREATE TABLE first (n int); CREATE TABLE second (n int)");
    let text = "ALTER TABLE second ADD a int; ALTER TABLE first ADD a int";
    let project = project(&[sql("a", text, "SELECT 1")]);
    let holder = database.hold("LOCK TABLE first IN ACCESS SHARE MODE");
    let waits = std::thread::scope(|scope| {
        let script = scope.spawn(|| by_script(&project, &database, &[]));
        database.until(
            "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'first'::regclass AND mode = 'AccessExclusiveLock'",
        );
        let second = database.sql("SELECT count(*) FROM pg_locks WHERE relation = 'second'::regclass");
        drop(holder);
        script.join().unwrap().unwrap();
        second
    });
    assert_eq!(waits, "0", "the table with the higher oid is locked before the other");
}

/// A script whose lease was taken by somebody else ends before it changes anything more.
#[test]
fn a_script_is_behind_the_fence() {
    let database = Database::new();
    let project = project(&[sql("a", "SELECT 1", "SELECT 1"), sql("b", "SELECT 2", "SELECT 2").depends_on(["a"])]);
    project.on(&database, &["apply", "--select", "a"]).ok();
    let mut command = project.command(&["sql", "--url", &database.url()]);
    let script = Run::of(command.output().unwrap()).ok();
    // as if another run had taken over before the step
    let script = script.replace("\n-- forward: b\n", "\nUPDATE dagmar.lease SET epoch = epoch + 1;\n-- forward: b\n");
    project.write("script.sql", &script);
    let refused = database.script(&project.path().join("script.sql")).unwrap_err();
    assert!(refused.contains("another run has taken over"), "{refused}");
    assert_eq!(project.states(&database), "a=applied b=pending");
}

/// What an author writes stays as it is: `$cursor` and `$1` in a text are that text.
#[test]
fn texts_of_a_backfill_are_nobodys_places() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, n text, m text); INSERT INTO t SELECT g FROM generate_series(1, 50) g",
    );
    let body = "table: t, key: id, batchSize: 10, where: t.n IS DISTINCT FROM '$cursor IS NULL', \
         set: { n: \"'$cursor IS NULL'\", m: \"'$1 $2 $3 $cursor $batchSize' || $$ $1$$\" }, \
         rollback: 'UPDATE t SET n = NULL, m = NULL'";
    let project = backfill(body);
    project.on(&database, &["apply", "--dry-run"]).ok();
    project.on(&database, &["apply"]).ok();
    let texts = "SELECT DISTINCT n, m FROM t";
    assert_eq!(database.sql(texts), "$cursor IS NULL|$1 $2 $3 $cursor $batchSize $1");
    project.on(&database, &["rollback", "a"]).ok();
    by_script(&project, &database, &[]).unwrap();
    assert_eq!(database.sql(texts), "$cursor IS NULL|$1 $2 $3 $cursor $batchSize $1");
    // and what the plan shows is a statement that the server can prepare
    project.on(&database, &["rollback", "a"]).ok();
    let plan = project.on(&database, &["plan", "--format", "json"]).json();
    let statement = plan["steps"][0]["segments"][0]["statements"][0]["sql"].as_str().unwrap().to_owned();
    let one = format!(
        "PREPARE one(jsonb, boolean, bigint) AS {statement}; EXECUTE one(NULL, true, 20); EXECUTE one('{{\"id\": 20}}', false, 20)"
    );
    let answers = database.sql(&one);
    assert_eq!(answers.lines().last().unwrap(), "20|{\"id\": 40}|20", "{answers}");
    assert_eq!(database.sql("SELECT count(*), max(id) FROM t WHERE n IS NOT NULL"), "40|40");
    let wrong = body.replace("'$1 $2 $3 $cursor $batchSize' ||", "$1 ||");
    project.write("plans/a.yaml", &file(&[changeset("a").change("backfill", parameters(&wrong))]));
    snapshot("scripts/texts_of_a_backfill_are_nobodys_places", &project.on(&database, &["plan"]).refusal(3));
}

/// A template of one's own for backfills gives what can run in batches, or says that it does not.
#[test]
fn a_template_of_a_backfill_gives_a_batch() {
    let project = backfill("table: t, key: id, set: { n: '1' }, rollback: SELECT 1");
    for (text, words) in [
        ("UPDATE t SET n = 1", "it is not a SELECT after its common table expressions"),
        ("WITH dagmar_done AS (SELECT $1, $2, '$3') SELECT 1", "it lacks one of the parameters $1, $2 and $3"),
        ("WITH dagmar_done AS (SELECT $1, $2, $3, $4) SELECT 1", "it has a parameter $4"),
    ] {
        project.write(
            "templates/sql/backfill.sql.hbs",
            &format!("-- forward\n{text};\n-- rollback\n{{{{raw rollback}}}}\n"),
        );
        let said = project.run(&["check"]).fails(3);
        assert!(said.contains(&format!("DG0317]: the statement cannot run in batches: {words}\n")), "{said}");
        assert!(said.contains("--> templates/sql/backfill.sql.hbs:2:1"), "{said}");
    }
}
