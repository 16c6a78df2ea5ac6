//! Backfills beside other work: every row once, whatever the key is; paused, resumed,
//! cancelled from outside; kept back while the server is busy; ledgers of version 1.

use crate::harness::{Database, Project, Server, same};
use crate::tools::{Running, as_server, owned};
use std::fs;

/// A changeset with one backfill.
fn backfill(body: &str) -> Project {
    let text = format!("changesets:\n  - id: a\n    changes:\n      - backfill: {{ {body} }}\n");
    Project::new(&[("plans/a.yaml", &text)])
}

/// Slow enough to be met on its way.
fn slow(database: &Database, rows: u32) {
    database.sql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO t SELECT g FROM generate_series(1, {rows}) g;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); RETURN new; END $$;
         CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()"
    ));
}

const COUNT: &str = "table: t, key: id, batchSize: 10, pace: { batchTime: 0s, pause: 0s }, set: { n: t.n + 1 }, rollback: UPDATE t SET n = 0";

fn begun(database: &Database) {
    database.until("SELECT to_regclass('dagmar.segment') IS NOT NULL");
    database.until("SELECT coalesce(max(rows), 0) >= 20 FROM dagmar.segment");
}

/// The last batch of a run, from its JSON lines.
fn last_batch(lines: &str) -> serde_json::Value {
    serde_json::from_str(lines.lines().rfind(|l| l.contains("batchDone")).unwrap()).unwrap()
}

fn events(database: &Database) -> String {
    database.sql("SELECT string_agg(kind || coalesce(':' || (detail ->> 'reason'), ''), ' ' ORDER BY seq) FROM dagmar.event WHERE kind IN ('paused', 'resumed', 'cancelAsked')")
}

#[test]
fn a_running_backfill_is_paused_and_resumed() {
    let database = Database::new();
    slow(&database, 600);
    let project = backfill(COUNT);
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    begun(&database);
    let said = project.on(&database, &["pause", "--reason", "lunch"]).ok();
    assert!(said.contains("pause within two seconds"), "{said}");
    let line = running.line_with("backfillWaits");
    assert!(line.contains("\"paused\":true") && line.contains("paused by ") && line.contains(": lunch"), "{line}");
    let rows = database.sql("SELECT rows FROM dagmar.segment");
    let status = project.on(&database, &["status"]).ok();
    assert!(status.contains("backfills are paused by ") && status.contains(": lunch; `dagmar resume`"), "{status}");
    // it holds the lock meanwhile, and does nothing
    let refused = project.on(&database, &["apply", "--lock-wait", "0"]).fails(6);
    assert!(refused.contains("another run holds the lock"), "{refused}");
    assert_eq!(database.sql("SELECT rows FROM dagmar.segment"), rows);
    assert!(project.on(&database, &["resume"]).ok().contains("backfills continue"));
    running.line_with("backfillGoesOn");
    let line = running.line_with("batchDone");
    assert!(line.contains("\"tableRows\":") && line.contains("\"rate\":") && line.contains("\"seen\":"), "{line}");
    assert_eq!(running.end().code, 0);
    assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
    assert_eq!(events(&database), "paused:lunch resumed");
    assert!(project.on(&database, &["resume"]).ok().contains("nothing to do"));
    let history = project.on(&database, &["history"]).ok();
    assert!(history.contains("paused") && history.contains("lunch") && history.contains('@'), "{history}");
}

/// Nothing runs: it is in force for the next run, also on a database without a ledger.
#[test]
fn a_pause_stays_in_force() {
    let database = Database::new();
    slow(&database, 30);
    let project = backfill(COUNT);
    assert!(project.on(&database, &["pause"]).ok().contains("no run is in progress"));
    let json = project.on(&database, &["status", "--format", "json"]).json();
    assert!(json["paused"]["by"].as_str().unwrap().contains('@'), "{json}");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    running.line_with("backfillWaits");
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
    // a run that waits can be stopped as well
    project.on(&database, &["cancel", "--reason", "not today"]).ok();
    let run = running.end();
    assert_eq!(run.code, 9, "{run:?}");
    assert!(
        run.out.contains("cancelled by ") && run.out.contains("not today; the completed steps are recorded"),
        "{run:?}"
    );
    project.on(&database, &["resume"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
    assert_eq!(events(&database), "paused cancelAsked:not today resumed");
}

/// A statement that runs long is cancelled in the middle; the next run is not touched.
#[test]
fn a_run_is_cancelled_from_outside() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1), (2)");
    let wait = "table: t, key: id, set: { n: 'CASE WHEN pg_sleep(60) IS NULL THEN 1 ELSE 1 END' }, rollback: UPDATE t SET n = 0";
    let project = backfill(wait);
    let nothing = project.on(&database, &["cancel"]).fails(5);
    assert!(nothing.contains("no run is in progress on this database"), "{nothing}");
    let running = project.start(&database, &["apply"]);
    database.until_runs("dagmar_full");
    assert!(project.on(&database, &["cancel"]).ok().contains("requested the run of "));
    let said = running.end().fails(9);
    assert!(said.contains("cancelled by "), "{said}");
    let run = database.sql("SELECT status, message FROM dagmar.run");
    assert!(run.starts_with("interrupted|cancelled by "), "{run}");
    assert_eq!(project.states(&database), "a=partly");
    project.write("plans/a.yaml", &fs::read_to_string(project.path().join("plans/a.yaml")).unwrap().replace("60", "0"));
    project.on(&database, &["rollback", "a"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT sum(n) FROM t"), "2");
}

/// Text by its collation, several columns, uuids: no row is left out, none is met twice.
#[test]
fn any_unique_key_will_do() {
    for (columns, key, row) in [
        ("k text COLLATE \"C\" PRIMARY KEY", "k", "chr(64 + g % 50) || md5(g::text)"),
        ("k text PRIMARY KEY", "k", "(ARRAY['é', 'E', 'e', '_', ' ', 'ß', 'Z', '$cursor', ''''])[1 + g % 9] || g"),
        ("k uuid PRIMARY KEY", "k", "md5(g::text)::uuid"),
        (
            "a int NOT NULL, k text NOT NULL, c numeric NOT NULL, PRIMARY KEY (a, k, c)",
            "[a, k, c]",
            "g % 3, 'x' || g % 7, g / 3.0",
        ),
        (
            "k float8 PRIMARY KEY",
            "k",
            "CASE WHEN g = 1 THEN 'NaN' WHEN g = 2 THEN '-Infinity' ELSE g / 3.0::float8 END",
        ),
        ("k timestamptz PRIMARY KEY", "k", "timestamptz '2026-01-01' + g * interval '1.000001 s'"),
        ("\"Order\" bytea PRIMARY KEY", "Order", "decode(md5(g::text), 'hex')"),
    ] {
        for condition in ["", "where: t.n < 1 AND t.m, "] {
            let database = Database::new();
            database.sql(&format!(
                "CREATE TABLE t ({columns}, n int NOT NULL DEFAULT 0, m boolean DEFAULT true); INSERT INTO t SELECT {row} FROM generate_series(1, 200) g"
            ));
            let project = backfill(&format!(
                "table: t, key: {key}, batchSize: 7, {condition}pace: {{ batchTime: 0s, pause: 0s }}, set: {{ n: t.n + 1 }}, rollback: UPDATE t SET n = 0"
            ));
            let said = project.on(&database, &["apply", "--format", "json"]).ok();
            assert_eq!(database.sql("SELECT count(*), min(n), max(n) FROM t"), "200|1|1", "{columns}");
            let last = last_batch(&said);
            assert!(last["rows"] == 200 && last["seen"] == 200 && last["pass"] == 1, "{columns} {last}");
        }
    }
}

/// The names that a batch is made of are no names of the author's tables.
#[test]
fn tables_may_have_any_name() {
    for name in ["keys", "walk", "done", "did", "moved", "e", "k"] {
        let database = Database::new();
        database.sql(&format!(
            "CREATE TABLE {name} (id int PRIMARY KEY, n int); INSERT INTO {name} SELECT g, 0 FROM generate_series(1, 20) g;
             CREATE TABLE u (id int PRIMARY KEY, n int); INSERT INTO u SELECT g, 0 FROM generate_series(1, 20) g"
        ));
        let pace = "batchSize: 7, pace: { batchTime: 0s, pause: 0s }, rollback: UPDATE u SET n = 0";
        let set = format!("table: u, key: id, {pace}, set: {{ n: '(SELECT id FROM {name} AS x WHERE x.id = t.id)' }}");
        let sql = format!(
            "table: u, key: id, {pace}, sql: 'UPDATE u SET n = u.n + x.id FROM {name} x, batch b WHERE x.id = b.id AND u.id = b.id'"
        );
        for body in [set, sql] {
            backfill(&body).on(&database, &["apply"]).ok();
            database.sql("DROP SCHEMA dagmar, dagmar_attic CASCADE");
        }
        assert_eq!(database.sql("SELECT sum(n) FROM u"), "420", "{name}");
    }
}

/// In a statement of one's own the keys are there twice.
#[test]
fn a_column_that_is_not_clear_is_explained() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int); INSERT INTO t VALUES (1)");
    let own = |column: &str| {
        backfill(&format!(
            "table: t, key: id, sql: 'INSERT INTO u SELECT {column} FROM batch JOIN t ON t.id = batch.id', rollback: DELETE FROM u"
        ))
    };
    let said = own("id").on(&database, &["apply"]).fails(8);
    assert!(
        said.contains("is ambiguous (42702)") && said.contains("help: the key's columns are in `batch` too"),
        "{said}"
    );
    let project = own("t.id");
    project.on(&database, &["rollback", "a"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT id FROM u"), "1");
}

/// Such keys would leave rows out.
#[test]
fn a_key_that_is_none_is_refused() {
    for (table, message) in [
        ("id int UNIQUE, n int", "the backfill's key has columns that may be NULL: id"),
        ("id int NOT NULL, n int", "`t` has no unique index on the backfill's key (id)"),
        ("id int NOT NULL, n int, UNIQUE (id, n)", "`t` has no unique index"),
    ] {
        let database = Database::new();
        database.sql(&format!("CREATE TABLE t ({table})"));
        let said =
            backfill("table: t, key: id, set: { n: '1' }, rollback: SELECT 1").on(&database, &["apply"]).fails(8);
        assert!(said.contains(message) && said.contains("nothing of it remains"), "{said}");
    }
}

/// Rows that come in behind the position are found; a condition that stays true is no reason
/// to change a row again.
#[test]
fn what_came_in_behind_is_swept() {
    let database = Database::new();
    slow(&database, 200);
    database.sql("ALTER TABLE t ADD done boolean");
    let body = "table: t, key: id, batchSize: 10, where: t.done IS NULL, pace: { batchTime: 0s, pause: 0s }, set: { n: t.n + 1, done: 'true' }, rollback: UPDATE t SET n = 0";
    let project = backfill(body);
    let running = project.start(&database, &["apply"]);
    begun(&database);
    database.sql("INSERT INTO t (id) VALUES (-5), (0)");
    running.signal("KILL");
    running.end();
    database.until_alone();
    database.sql("INSERT INTO t (id) VALUES (-6)");
    let said = project.on(&database, &["apply", "--format", "json"]).ok();
    assert_eq!(database.sql("SELECT count(*), min(n), max(n) FROM t"), "203|1|1");
    let last = last_batch(&said);
    assert!(last["rows"] == 203 && last["pass"] == 2, "{last}");

    let database = Database::new();
    slow(&database, 30);
    let project =
        backfill("table: t, key: id, batchSize: 7, where: t.id > 3, set: { n: t.n + 1 }, rollback: UPDATE t SET n = 0");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT sum(n), max(n) FROM t"), "27|1");
}

/// Sizes, and how many batches are a message, follow the time that a batch takes.
#[test]
fn batches_adapt() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g FROM generate_series(1, 2000) g");
    let project = backfill(
        "table: t, key: id, batchSize: 10, pace: { batchTime: 1s, pause: 0s }, set: { n: '1' }, rollback: SELECT 1",
    );
    let run = project.on(&database, &["apply", "--format", "json"]).ok();
    let seen: Vec<&str> = run.lines().filter(|l| l.contains("batchDone")).collect();
    // one of 10, two of 20, four of 40 and so on
    assert!(seen[2].contains("\"seen\":210"), "{seen:#?}");
    assert!(seen[3].contains("\"seen\":850"), "{seen:#?}");
}

/// Too many other sessions are active: it waits and says why; then it goes on.
#[test]
fn a_busy_server_is_waited_for() {
    let database = Database::on(crate::harness::server());
    slow(&database, 30);
    database.sql("ALTER TABLE t SET (autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_scale_factor = 0)");
    let body =
        "table: t, key: id, pace: { activeSessions: 1000000, vacuumDebt: 1 }, set: { n: t.n + 1 }, rollback: SELECT 1";
    backfill(body).on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "1");
    let database = Database::new();
    slow(&database, 30);
    let text = "changesets:\n  - id: a\n    limits: { backfill: { activeSessions: 1 } }\n    changes:\n      - backfill: { table: t, key: id, set: { n: t.n + 1 }, rollback: SELECT 1 }\n";
    let project = Project::new(&[("plans/a.yaml", text)]);
    let sleeper = |_| {
        let mut psql = database.psql();
        psql.env("PGAPPNAME", "sleeper").args(["-c", "SELECT pg_sleep(600)"]);
        Running::of(psql)
    };
    let sleepers: Vec<Running> = (0..2).map(sleeper).collect();
    let active = "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sleeper' AND state = 'active'";
    database.until(active);
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    let line = running.line_with("backfillWaits");
    assert!(line.contains("sessions are active (limit 1)") && line.contains("\"paused\":false"), "{line}");
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
    // other tests share the server: the limit is lifted by the one who runs it
    running.signal("INT");
    assert_eq!(running.end().code, 9);
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sleeper'");
    drop(sleepers);
    project.write("plans/a.yaml", &text.replace("activeSessions: 1 ", "activeSessions: 0 "));
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
}

/// Autovacuum falls behind in the middle: the backfill waits where it is, says so, and goes on
/// once somebody has cleaned up.
#[test]
fn a_table_of_dead_rows_is_waited_for() {
    let database = Database::new();
    // the row in the middle waits at a gate
    database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, other int);
         INSERT INTO t SELECT g FROM generate_series(1, 120000) g;
         CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(77, 1); RETURN new; END $$;
         CREATE TRIGGER gate BEFORE UPDATE OF n ON t FOR EACH ROW WHEN (old.id = 100) EXECUTE FUNCTION gate()",
    );
    let project = backfill(
        "table: t, key: id, batchSize: 10, where: t.id <= 300, pace: { batchTime: 0s, pause: 1ms, vacuumDebt: 2 }, \
         set: { n: t.n + 1 }, rollback: UPDATE t SET n = 0 WHERE id <= 300",
    );
    let gate = database.hold("SELECT pg_advisory_lock(77, 1)");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    database.until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' AND \
         now() - query_start > interval '1100 ms'",
    );
    // as long as this one looks, autovacuum can clean nothing up
    let snapshot = database.hold("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSELECT 1");
    database.sql("UPDATE t SET other = 1 WHERE id > 300");
    database.until("SELECT pg_stat_get_dead_tuples('t'::regclass) > 110000");
    drop(gate);
    let line = running.line_with("backfillWaits");
    assert!(line.contains("autovacuum is late: t has 1") && line.contains(" dead rows"), "{line}");
    assert!(line.contains("\"paused\":false"), "{line}");
    let rows: u32 = database.sql("SELECT rows FROM dagmar.segment").parse().unwrap();
    assert!((100..300).contains(&rows), "{rows}");
    assert_eq!(database.sql("SELECT sum(n) FROM t"), rows.to_string());
    // it is alive, and asks again and again
    let asked = "(SELECT max(query_start) FROM pg_stat_activity WHERE datname = current_database() AND \
                 pid <> pg_backend_pid() AND query LIKE '%autovacuum is late%')";
    let before = database.sql(&format!("SELECT {asked}"));
    database.until(&format!("SELECT {asked} > '{before}'"));
    assert_eq!(database.sql("SELECT rows FROM dagmar.segment"), rows.to_string());
    drop(snapshot);
    database.sql("VACUUM t");
    running.line_with("backfillGoesOn");
    running.end().ok();
    assert_eq!(database.sql("SELECT count(*), min(n), max(n) FROM t WHERE id <= 300"), "300|1|1");
}

/// A replica that does not replay holds a backfill back.
#[test]
fn a_replica_that_lags_is_waited_for() {
    use crate::tools::Cluster;
    let primary = Cluster::new();
    let dir = tempfile::Builder::new().prefix("dagmar-standby-").tempdir_in("/dev/shm").unwrap();
    owned(dir.path());
    let data = dir.path().join("db");
    let copied = as_server(&crate::harness::binaries().join("pg_basebackup"))
        .args(["-U", "postgres", "-R", "-c", "fast", "-h"])
        .arg(primary.sockets())
        .arg("-D")
        .arg(&data)
        .status()
        .unwrap();
    assert!(copied.success());
    let standby = Cluster::on(data, "-c max_connections=300 -c max_prepared_transactions=10");
    primary.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g FROM generate_series(1, 1000) g");
    crate::tools::until("it replicates", || {
        primary.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL")
            == "1"
    });
    standby.sql("SELECT pg_wal_replay_pause()");
    primary.sql("CREATE TABLE much AS SELECT g, repeat('x', 1000) FROM generate_series(1, 3000) g");
    let project = backfill(
        "table: t, key: id, pace: { replicaLag: 1h, replicaLagMegabytes: 1 }, set: { n: '1' }, rollback: SELECT 1",
    );
    let url = primary.url("postgres", "postgres");
    let mut command = project.command(&["apply", "--format", "json", "--yes", "--url", &url]);
    command.env_remove("PGHOST");
    let mut running = Running::of(command);
    let line = running.line_with("backfillWaits");
    assert!(line.contains("MB to replay (limit 1 MB)"), "{line}");
    assert_eq!(primary.sql("SELECT count(n) FROM t"), "0");
    standby.sql("SELECT pg_wal_replay_resume()");
    running.line_with("backfillGoesOn");
    assert_eq!(running.end().code, 0);
    assert_eq!(primary.sql("SELECT count(n) FROM t"), "1000");
}

/// What each version of the ledger was made of.
const V1: &str = include_str!("../data/ledgers/1.sql");
const V2: &str = include_str!("../data/ledgers/2.sql");

fn two(database: &Database) -> Project {
    let more = "  - id: b\n    dependsOn: [a]\n    changes:\n      - sql: { forward: CREATE TABLE b (), rollback: DROP TABLE b }\n";
    let project = backfill(COUNT);
    let text = fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
    project.write("plans/a.yaml", &format!("{text}{more}"));
    slow(database, 400);
    project
}

/// What version 1 had written, in its tables.
fn as_version_1(database: &Database) {
    as_version(database, V1, &["pass", "seen", "changed", "unmoved"]);
}

fn as_version_2(database: &Database) {
    let v2 = [V1, V2, "UPDATE @ledger@.meta SET value = '2' WHERE key = 'version'"].join("\n");
    as_version(database, &v2, &[]);
}

/// What an earlier version had written, in its tables.
pub fn as_version(database: &Database, schema: &str, later: &[&str]) {
    let later: Vec<String> = later.iter().map(|c| format!("'{c}'")).collect();
    let columns = |table: &str| {
        database.sql(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'old.{table}'::regclass \
             AND attnum > 0 AND NOT attisdropped AND attname <> ALL (ARRAY[{}]::text[])",
            later.join(", ")
        ))
    };
    database.sql("ALTER SCHEMA dagmar RENAME TO old; ALTER SCHEMA dagmar_attic RENAME TO old_attic");
    let sql = schema.replace("@ledger@", "dagmar").replace("@attic@", "dagmar_attic");
    database.sql(&sql);
    let mut copy = String::from("DELETE FROM dagmar.lease;\n");
    for table in ["lease", "run", "changeset", "requires", "segment", "superseded", "event", "attic"] {
        let list = columns(table);
        copy.push_str(&format!(
            "INSERT INTO dagmar.{table} ({list}) OVERRIDING SYSTEM VALUE SELECT {list} FROM old.{table} ORDER BY 1;\n"
        ));
    }
    for (table, column) in [("event", "seq"), ("changeset", "ordinal"), ("attic", "id")] {
        copy.push_str(&format!("SELECT setval(pg_get_serial_sequence('dagmar.{table}', '{column}'), 1000);\n"));
    }
    copy.push_str("DROP SCHEMA old CASCADE; DROP SCHEMA old_attic CASCADE");
    database.sql(&copy);
}

/// The rows as version 1 knows them; of the latest columns only what was there.
fn rows(database: &Database) -> String {
    database.sql(
        "SELECT 'changeset', to_jsonb(c) FROM dagmar.changeset c UNION ALL SELECT 'run', to_jsonb(r) FROM dagmar.run r UNION ALL \
         SELECT 'requires', to_jsonb(r) FROM dagmar.requires r UNION ALL SELECT 'segment', to_jsonb(s) - '{pass,seen,changed,unmoved}'::text[] \
         FROM dagmar.segment s UNION ALL SELECT 'event', to_jsonb(e) FROM dagmar.event e WHERE seq < 1000 ORDER BY 1, 2",
    )
}

#[test]
fn a_ledger_of_version_1_is_read_and_brought_up_to_date() {
    let (database, fresh) = (Database::new(), Database::new());
    let project = two(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    as_version_1(&database);
    let before = (rows(&database), database.whole_dump());
    // who reads does not write
    assert_eq!(project.states(&database), "a=applied b=pending");
    assert!(project.on(&database, &["history"]).ok().contains("runFinished"));
    assert!(project.on(&database, &["plan"]).ok().contains("CREATE TABLE b"));
    assert!(project.on(&database, &["resume"]).ok().contains("nothing to do"));
    project.on(&database, &["apply", "--dry-run"]).ok();
    // a dry run takes numbers from sequences
    let rest = |dump: &str| dump.lines().filter(|l| !l.contains("setval")).collect::<Vec<_>>().join("\n");
    same(&rest(&database.whole_dump()), &rest(&before.1), "reading");
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "1");

    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "5");
    let after = rows(&database);
    let lost: Vec<&str> = before.0.lines().filter(|l| !after.contains(l)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(project.states(&database), "a=applied b=applied");
    let other = two(&fresh);
    other.on(&fresh, &["apply"]).ok();
    let catalog = |d: &Database| {
        let text = d.whole_dump();
        text.lines().filter(|l| !l.starts_with("INSERT") && !l.contains("setval")).collect::<Vec<_>>().join("\n")
    };
    same(&catalog(&database), &catalog(&fresh), "the catalog");
    // the chain of events holds across the change
    let broken = "SELECT count(*) FROM (SELECT e, lag(hash, 1, '') OVER (ORDER BY seq) AS previous FROM dagmar.event e) x \
                  WHERE (e).hash <> dagmar.event_hash(previous, e) AND (e).hash LIKE 'e2:%'";
    assert_eq!(database.sql(broken), "0");
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
}

/// Approvals came with version 3. What is there stays as it was, and its history holds.
#[test]
fn a_ledger_of_version_2_is_read_and_brought_up_to_date() {
    let (database, fresh) = (Database::new(), Database::new());
    let project = two(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    as_version_2(&database);
    let before = rows(&database);
    assert!(
        project.on(&database, &["approvals", "list"]).ok().contains("no plan has been approved or rejected here yet")
    );
    assert!(project.on(&database, &["history"]).ok().contains("runFinished"));
    let file = project.path().join("b.plan");
    project.on(&database, &["plan", "--out", file.to_str().unwrap()]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "2");
    // the plan was sealed before the ledger knew its installation
    project.on(&database, &["approve", file.to_str().unwrap(), "--reason", "read"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "5");
    let after = rows(&database);
    let lost: Vec<&str> = before.lines().filter(|l| !after.contains(l)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    project.on(&database, &["apply", file.to_str().unwrap()]).ok();
    assert_eq!(project.states(&database), "a=applied b=applied");
    two(&fresh).on(&fresh, &["apply"]).ok();
    let catalog = |d: &Database| {
        let text = d.whole_dump();
        let rest = |l: &&str| !l.starts_with("INSERT") && !l.contains("setval");
        text.lines().filter(rest).collect::<Vec<_>>().join("\n")
    };
    same(&catalog(&database), &catalog(&fresh), "the catalog");
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
}

/// Everything that makes a ledger but its rows.
pub const SHAPE: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT format('%s %s.%s %s %s', relkind, relname, attname, format_type(atttypid, atttypmod), attnotnull) AS line
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'dagmar'::regnamespace
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'dagmar'::regnamespace
    UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'dagmar'::regnamespace AND contype <> 'n'
    UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE relnamespace = 'dagmar'::regnamespace AND NOT tgisinternal) x";

/// A ledger of an earlier version on a server of any version.
pub fn a_ledger_comes_up(on: &'static Server, version: u32) {
    let (database, fresh) = (Database::on(on), Database::on(on));
    let project = two(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    match version {
        1 => as_version_1(&database),
        _ => as_version_2(&database),
    }
    assert_eq!(project.states(&database), "a=applied b=pending");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "5");
    assert_eq!(project.states(&database), "a=applied b=applied");
    assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
    two(&fresh).on(&fresh, &["apply"]).ok();
    same(&database.sql(SHAPE), &fresh.sql(SHAPE), "the ledger");
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
}

/// A backfill that version 1 was in the middle of goes on where it was; so does the rollback
/// and the script, and a pause needs no apply before.
#[test]
fn a_backfill_of_version_1_goes_on() {
    for way in ["apply", "rollback", "pause", "script"] {
        let database = Database::new();
        let project = two(&database);
        let running = project.start(&database, &["apply"]);
        begun(&database);
        running.signal("KILL");
        running.end();
        database.until_alone();
        as_version_1(&database);
        let done = database.sql("SELECT rows FROM dagmar.segment");
        assert_ne!(done, "400");
        if way == "pause" {
            project.on(&database, &["pause"]).ok();
            project.on(&database, &["resume"]).ok();
        }
        match way {
            "rollback" => {
                project.on(&database, &["rollback", "a"]).ok();
                assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
            }
            "script" => {
                let mut command = project.command(&["sql", "--url", &database.url()]);
                let script = crate::harness::Run::of(command.output().unwrap()).ok();
                project.write("script.sql", &script);
                database.script(&project.path().join("script.sql")).unwrap();
                assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
            }
            _ => {
                project.on(&database, &["apply"]).ok();
                assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1", "{way}");
            }
        }
        assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "5", "{way}");
    }
}
