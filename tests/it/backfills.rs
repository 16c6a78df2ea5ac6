//! Backfills beside other work: every row once, whatever the key is; paused, resumed,
//! cancelled from outside; kept back while the server is busy; ledgers of version 1.

use crate::support::{
    COUNT, Database, Project, Run, Running, as_server, backfill, begun, changeset, file, owned, parameters, slow,
    snapshot,
};
use serde_json::{Value, json};
use std::fs;

/// The last batch of a run, from its JSON lines.
fn last_batch(run: &Run) -> Value {
    run.events("batchDone").pop().unwrap()
}

/// The next event of this kind.
fn event(running: &mut Running, kind: &str) -> Value {
    serde_json::from_str(&running.line_with(kind)).unwrap()
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
    let answer = project.json(&database, &["pause", "--reason", "lunch"]).json();
    assert_eq!(
        (&answer["paused"], &answer["reason"], answer["running"].is_object()),
        (&json!(true), &json!("lunch"), true)
    );
    let waits = event(&mut running, "backfillWaits");
    assert_eq!(waits["paused"], true, "{waits}");
    snapshot("backfills/paused", waits["reason"].as_str().unwrap());
    let rows = database.sql("SELECT rows FROM dagmar.segment");
    let status = project.on(&database, &["status"]).ok();
    snapshot("backfills/status-of-a-pause", status.lines().find(|line| line.contains("lunch")).unwrap());
    assert_eq!(project.json(&database, &["status"]).json()["paused"]["reason"], "lunch");
    // it holds the lock meanwhile, and does nothing
    snapshot(
        "backfills/a_running_backfill_is_paused_and_resumed",
        &project.on(&database, &["apply", "--lock-wait", "0"]).refusal(6),
    );
    assert_eq!(database.sql("SELECT rows FROM dagmar.segment"), rows);
    let answer = project.json(&database, &["resume"]).json();
    assert_eq!((&answer["paused"], &answer["was"]["reason"]), (&json!(false), &json!("lunch")));
    running.line_with("backfillGoesOn");
    let batch = event(&mut running, "batchDone");
    assert!(["tableRows", "rate", "seen"].iter().all(|key| batch[key].is_u64()), "{batch}");
    assert_eq!(running.end().code, 0);
    assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
    assert_eq!(events(&database), "paused:lunch resumed");
    assert_eq!(project.json(&database, &["resume"]).json()["was"], Value::Null);
    let events = project.json(&database, &["history", "--kind", "paused"]).json()["events"].clone();
    assert_eq!((events.as_array().unwrap().len(), &events[0]["detail"]["reason"]), (1, &json!("lunch")), "{events}");
    assert!(events[0]["by"].as_str().unwrap().contains('@'), "{events}");
}

/// Nothing runs: it is in force for the next run, also on a database without a ledger.
#[test]
fn a_pause_stays_in_force() {
    let database = Database::new();
    slow(&database, 30);
    let project = backfill(COUNT);
    let answer = project.json(&database, &["pause"]).json();
    assert_eq!((&answer["paused"], &answer["running"]), (&json!(true), &Value::Null));
    let json = project.on(&database, &["status", "--format", "json"]).json();
    assert!(json["paused"]["by"].as_str().unwrap().contains('@'), "{json}");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    running.line_with("backfillWaits");
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
    // a run that waits can be stopped as well
    project.on(&database, &["cancel", "--reason", "not today"]).ok();
    let run = running.end();
    assert_eq!(run.error(9)["kind"], "interrupted");
    snapshot("backfills/cancelled-while-it-waits", run.error(9)["message"].as_str().unwrap());
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
    snapshot("backfills/a_run_is_cancelled_from_outside", &project.on(&database, &["cancel"]).refusal(5));
    let running = project.start(&database, &["apply"]);
    database.until_runs("dagmar_full");
    assert_eq!(project.json(&database, &["cancel"]).json()["cancelled"]["kind"], "apply");
    snapshot("backfills/a_run_is_cancelled_from_outside-2", &running.end().refusal(9));
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
            let said = project.json(&database, &["apply"]);
            assert_eq!(said.code, 0, "{said:?}");
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
    snapshot("backfills/a_column_that_is_not_clear_is_explained", &own("id").on(&database, &["apply"]).refusal(8));
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
    let said = project.json(&database, &["apply"]);
    assert_eq!(said.code, 0, "{said:?}");
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
    let run = project.json(&database, &["apply"]);
    let batches = run.events("batchDone");
    // one of 10, two of 20, four of 40 and so on
    assert_eq!((&batches[2]["seen"], &batches[3]["seen"]), (&json!(210), &json!(850)), "{batches:#?}");
    run.ok();
}

/// Too many other sessions are active: it waits and says why; then it goes on.
#[test]
fn a_busy_server_is_waited_for() {
    let database = Database::on(crate::support::server());
    slow(&database, 30);
    database.sql("ALTER TABLE t SET (autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_scale_factor = 0)");
    let body =
        "table: t, key: id, pace: { activeSessions: 1000000, vacuumDebt: 1 }, set: { n: t.n + 1 }, rollback: SELECT 1";
    backfill(body).on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "1");
    let database = Database::new();
    slow(&database, 30);
    let limited = |sessions: u32| {
        let body = parameters("table: t, key: id, set: { n: t.n + 1 }, rollback: SELECT 1");
        let limits = json!({ "backfill": { "activeSessions": sessions } });
        file(&[changeset("a").with("limits", limits).change("backfill", body)])
    };
    let project = Project::new(&[("plans/a.yaml", &limited(1))]);
    let sleeper = |_| {
        let mut psql = database.psql();
        psql.env("PGAPPNAME", "sleeper").args(["-c", "SELECT pg_sleep(600)"]);
        Running::of(psql)
    };
    let sleepers: Vec<Running> = (0..2).map(sleeper).collect();
    let active = "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sleeper' AND state = 'active'";
    database.until(active);
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    let waits = event(&mut running, "backfillWaits");
    assert_eq!(waits["paused"], false, "{waits}");
    let reason = waits["reason"].as_str().unwrap();
    assert!(reason.contains("sessions are active (limit 1)"), "{reason}");
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
    // other tests share the server: the limit is lifted by the one who runs it
    running.signal("INT");
    assert_eq!(running.end().code, 9);
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sleeper'");
    drop(sleepers);
    project.write("plans/a.yaml", &limited(0));
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
    let waits = event(&mut running, "backfillWaits");
    assert_eq!(waits["paused"], false, "{waits}");
    let reason = waits["reason"].as_str().unwrap();
    assert!(reason.contains("autovacuum is late: t has 1") && reason.contains(" dead rows"), "{reason}");
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
    use crate::support::Cluster;
    let primary = Cluster::new();
    let dir = tempfile::Builder::new().prefix("dagmar-standby-").tempdir_in("/dev/shm").unwrap();
    owned(dir.path());
    let data = dir.path().join("db");
    let copied = as_server(&crate::support::binaries().join("pg_basebackup"))
        .args(["-U", "postgres", "-R", "-c", "fast", "-h"])
        .arg(primary.sockets())
        .arg("-D")
        .arg(&data)
        .status()
        .unwrap();
    assert!(copied.success());
    let standby = Cluster::on(data, "-c max_connections=300 -c max_prepared_transactions=10");
    primary.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g FROM generate_series(1, 1000) g");
    crate::support::until("it replicates", || {
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
