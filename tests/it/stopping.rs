//! Locks that are not to be had, signals, kills: what is said, what remains, and that the
//! next run goes on.

use crate::support::proxy::{Fault, run as through};
use crate::support::{Database, Project, backfill, changeset, project, server, snapshot, sql};
use serde_json::json;
use std::time::{Duration, Instant};

fn rows(database: &Database, table: &str, n: u32) {
    database.sql(&format!("CREATE TABLE {table} (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO {table} SELECT g FROM generate_series(1, {n}) g"));
}

fn add_column(limits: serde_json::Value) -> Project {
    project(&[sql("a", "ALTER TABLE t ADD c int", "ALTER TABLE t DROP c").with("limits", limits)])
}

#[test]
fn a_lock_that_is_not_to_be_had_is_given_up() {
    let database = Database::new();
    rows(&database, "t", 1);
    let project = add_column(json!({ "lockTimeout": "60ms", "lockRetries": 2 }));
    let holder = database.hold("LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    let retries = project.json(&database, &["apply"]).events("retry");
    assert_eq!(
        retries.iter().map(|retry| (&retry["attempt"], &retry["of"])).collect::<Vec<_>>(),
        [(&json!(2), &json!(3)), (&json!(3), &json!(3))]
    );
    snapshot("stopping/a_lock_that_is_not_to_be_had_is_given_up", &project.on(&database, &["apply"]).refusal(8));
    assert_eq!(project.states(&database), "a=failed");
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND pid <> pg_backend_pid()";
    assert_eq!(database.sql(&locks.replace("'t'::regclass", "(SELECT oid FROM pg_class WHERE relname = 't')")), "1");
    drop(holder);
    project.on(&database, &["apply"]).ok();
    assert_eq!(project.states(&database), "a=applied");
}

#[test]
fn a_lock_that_becomes_free_is_taken() {
    let database = Database::new();
    rows(&database, "t", 1);
    let project = add_column(json!({ "lockTimeout": "60ms", "lockRetries": 20 }));
    let holder = database.hold("SELECT * FROM t");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    let line = running.line_with("\"event\":\"retry\"");
    assert!(line.contains("a long report") && line.contains("\"attempt\":2"), "{line}");
    drop(holder);
    assert_eq!(running.end().code, 0);
    assert_eq!(project.states(&database), "a=applied");
}

#[test]
fn a_failed_concurrent_build_leaves_nothing() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)");
    let unique = json!({ "name": "t_n", "table": "t", "columns": ["n"], "unique": true });
    let project = project(&[changeset("a").change("createIndex", unique)]);
    snapshot("stopping/a_failed_concurrent_build_leaves_nothing", &project.on(&database, &["apply"]).refusal(8));
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE detail::text LIKE '%(n)=(1)%'"), "0");
    assert_eq!(
        (database.sql("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass"), project.states(&database)),
        ("0".into(), "a=failed".into())
    );
    database.sql("DELETE FROM t WHERE ctid = '(0,1)'");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass"), "t");
}

/// Killed while the server builds; the next run comes while that build is still going on.
#[test]
fn a_concurrent_build_survives_a_kill() {
    let database = Database::new();
    rows(&database, "t", 100);
    let project = project(&[changeset("a").create_index("t_n", "t", ["n"])]);
    let holder = database.hold("INSERT INTO t VALUES (0)");
    let running = project.start(&database, &["apply"]);
    database.until_runs("CREATE INDEX CONCURRENTLY");
    database.until("SELECT count(*) = 1 FROM pg_class WHERE relname = 't_n'");
    running.signal("KILL");
    running.end();
    assert_eq!(project.states(&database), "a=partly");
    let running = project.start(&database, &["apply"]);
    database.until("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%pg_stat_activity%' AND query LIKE '%INDEX CONCURRENTLY%'");
    drop(holder);
    running.end().ok();
    assert_eq!(
        database.sql("SELECT count(*), bool_and(indisvalid) FROM pg_index WHERE indrelid = 't'::regclass"),
        "2|t"
    );
    assert_eq!(project.states(&database), "a=applied");
}

/// Slow enough to be caught in the middle.
const SLOW: &str =
    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN new; END $$;
    CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()";

const BACKFILL: &str = "table: t, key: id, batchSize: 20, pace: { batchTime: 0s, pause: 0s }, set: { n: t.n + 1 }, \
                        rollback: UPDATE t SET n = 0";

/// Each row is changed exactly once, whatever happens to the runner.
#[test]
fn a_backfill_survives_a_kill_and_a_signal() {
    for (signal, code) in [("KILL", -1), ("TERM", 9), ("INT", 9)] {
        let database = Database::new();
        rows(&database, "t", 600);
        database.sql(SLOW);
        let project = backfill(BACKFILL);
        let running = project.start(&database, &["apply"]);
        database.until("SELECT to_regclass('dagmar.segment') IS NOT NULL");
        database.until("SELECT coalesce(max(rows), 0) >= 60 FROM dagmar.segment");
        running.signal(signal);
        let run = running.end();
        assert_eq!(run.code, code, "{run:?}");
        database.until_alone();
        assert_eq!(project.states(&database), "a=partly", "{signal}");
        let done: u32 = database.sql("SELECT rows FROM dagmar.segment").parse().unwrap();
        assert!((60..600).contains(&done), "{done}");
        assert_eq!(database.sql("SELECT sum(n), max(n) FROM t"), format!("{done}|1"));
        database.sql("DROP TRIGGER slow ON t");
        project.on(&database, &["apply"]).ok();
        assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1", "{signal}");
        assert_eq!(project.states(&database), "a=applied");
        let runs = database.sql("SELECT string_agg(status, ' ' ORDER BY started_at) FROM dagmar.run");
        assert_eq!(runs, "interrupted done");
    }
}

/// A long statement is cancelled; the server undoes it, the state is recorded.
#[test]
fn a_signal_cancels_a_long_statement() {
    for signal in ["INT", "TERM"] {
        let database = Database::new();
        let sleep = "CREATE TABLE b ();\nSELECT pg_sleep(CASE WHEN to_regclass('fast') IS NULL THEN 60 ELSE 0 END)";
        let project = project(&[
            sql("a", "CREATE TABLE a ()", "DROP TABLE a"),
            sql("b", sleep, "DROP TABLE b"),
            sql("c", "CREATE TABLE c ()", "DROP TABLE c"),
        ]);
        let running = project.start(&database, &["apply", "--jobs", "1"]);
        database.until(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
        );
        let began = Instant::now();
        running.signal(signal);
        let run = running.end();
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(run.code, 9, "{run:?}");
        assert!(run.err.contains("stopped by a signal; the completed steps are recorded"), "{run:?}");
        assert_eq!(project.states(&database), "a=applied b=pending c=pending");
        assert_eq!(database.sql("SELECT to_regclass('b') IS NULL, (SELECT status FROM dagmar.run)"), "t|interrupted");
        database.sql("CREATE TABLE fast ()");
        assert_eq!(project.json(&database, &["apply"]).applied(), "b c");
    }
}

/// A concurrent build that is cancelled leaves no invalid index.
#[test]
fn a_signal_cancels_a_concurrent_build_and_cleans_up() {
    let database = Database::new();
    rows(&database, "t", 10);
    let project = project(&[changeset("a").create_index("t_n", "t", ["n"])]);
    let holder = database.hold("INSERT INTO t VALUES (0)");
    let running = project.start(&database, &["apply"]);
    database.until("SELECT count(*) = 1 FROM pg_class WHERE relname = 't_n'");
    running.signal("INT");
    database.until_runs("DROP INDEX CONCURRENTLY");
    drop(holder);
    assert_eq!(running.end().code, 9);
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 't_n'"), "0");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid"), "2");
}

#[test]
fn a_signal_ends_the_wait_for_the_lock() {
    let database = Database::new();
    let project = project(&[sql("a", "SELECT pg_sleep(60)", "SELECT 1")]);
    let first = project.start(&database, &["apply"]);
    database.until_runs("pg_sleep(60)");
    let mut second = project.start(&database, &["apply", "--format", "json"]);
    second.line_with("\"event\":\"waiting\"");
    second.signal("INT");
    assert_eq!(second.end().code, 9);
    first.signal("INT");
    assert_eq!(first.end().code, 9);
}

/// A runner whose lock was lost can commit nothing once another runs.
#[test]
fn a_runner_that_lost_its_lock_is_fenced_off() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (n int)");
    let slow = |id: &str, n: u32| sql(id, &format!("INSERT INTO hits VALUES ({n});\nSELECT pg_sleep(0.7)"), "SELECT 1");
    // segments, so that the first has to come back for more
    let project = project(&[
        slow("a", 1),
        sql("b", "INSERT INTO hits VALUES (2);\n-- segment\nINSERT INTO hits VALUES (3)", "SELECT 1").depends_on(["a"]),
        sql("c", "INSERT INTO hits VALUES (4)", "SELECT 1").depends_on(["b"]),
    ]);
    let first = project.start(&database, &["apply"]);
    database.until_runs("pg_sleep(0.7)");
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dagmar lock'");
    let second = project.start(&database, &["apply"]);
    let (first, second) = (first.end(), second.end());
    assert_eq!(second.code, 0, "{first:?}\n{second:?}");
    assert_eq!(first.code, 6, "{first:?}");
    assert!(first.err.contains("error: this run lost its lock"), "{first:?}");
    assert_eq!(
        database.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM hits"),
        "1 2 3 4",
        "{first:?}\n{second:?}"
    );
    assert_eq!(project.states(&database), "a=applied b=applied c=applied");
}

/// All or nothing in several messages, and the signal comes between two of them: the server has
/// nothing to cancel then, and the next message must not be sent.
#[test]
fn a_signal_between_two_messages_of_a_whole_plan_is_heard() {
    let database = Database::new();
    // the first two are more text than one message carries
    let long = |id: &str| {
        let comment = format!("COMMENT ON TABLE {id} IS '{}'", "x".repeat(300_000));
        sql(id, &format!("CREATE TABLE {id} ();\n{comment}"), &format!("DROP TABLE {id}"))
    };
    let project = project(&[long("a"), long("b"), long("c"), sql("d", "CREATE TABLE d ()", "DROP TABLE d")]);
    let args = ["apply", "--transaction", "plan"];
    let (run, _) = through(&server().sockets, &database.name, &project, &args, Fault::InterruptAfter(500_000));
    snapshot("stopping/a_signal_between_two_messages_of_a_whole_plan_is_heard", &run.refusal(9));
    assert_eq!(project.states(&database), "a=pending b=pending c=pending d=pending");
    assert_eq!(database.sql("SELECT to_regclass('a') IS NULL, (SELECT status FROM dagmar.run)"), "t|interrupted");
    database.until_alone();
    assert_eq!(project.json(&database, &args).applied(), "a b c d");
}
