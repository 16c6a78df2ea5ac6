//! The lock and its lease: what a run hears when it loses them, what a paused one can still do,
//! what is left of a killed one, and fifty at once.

use crate::support::proxy::{Fault, run as through};
use crate::support::{Changeset, Database, Project, Running, changeset, file, project, server, snapshot, sql};

fn index() -> Project {
    project(&[changeset("a").create_index("t_n", "t", ["n"])])
}

const END_OF_LOCK: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE datname = current_database() AND application_name = 'dagmar lock'";

fn gate(id: &str) -> Changeset {
    let forward = format!("INSERT INTO hits VALUES ('{id}');\nSELECT pg_advisory_xact_lock_shared(77, 1)");
    sql(id, &forward, "SELECT 1")
}

fn at_the_gate(database: &Database) {
    database.until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'",
    );
}

#[test]
fn a_run_whose_lock_is_lost_stops_at_once() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (id text)");
    let project = project(&[gate("a"), gate("b")]);
    let holder = database.hold("SELECT pg_advisory_lock(77, 1)");
    let running = project.start(&database, &["apply"]);
    at_the_gate(&database);
    assert_eq!(database.sql(END_OF_LOCK), "1");
    // the gate is still shut: only the loss can end it
    snapshot("lease/a_run_whose_lock_is_lost_stops_at_once", &running.end().refusal(6));
    drop(holder);
    database.until_alone();
    assert_eq!(database.sql("SELECT count(*) FROM hits"), "0");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT string_agg(id, ' ' ORDER BY id) FROM hits"), "a b");
}

#[test]
fn the_lease_is_kept_fresh_without_holding_up_a_concurrent_build() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int)");
    let project = index();
    let holder = database.hold("INSERT INTO t VALUES (1)");
    let running = project.start(&database, &["apply"]);
    database.until_runs("CREATE INDEX CONCURRENTLY");
    database.until("SELECT heartbeat_at > taken_at FROM dagmar.lease");
    let before = database.sql("SELECT heartbeat_at FROM dagmar.lease");
    database.until(&format!("SELECT heartbeat_at > '{before}' FROM dagmar.lease"));
    let xmin = "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'dagmar lock'";
    database.until(xmin);
    drop(holder);
    running.end().ok();
    assert_eq!(database.sql("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass"), "t");
}

/// Stopped in the middle, its lock taken over, then continued: it can neither run nor record.
#[test]
fn a_paused_runner_is_fenced_off() {
    for index in [false, true] {
        let database = Database::new();
        database.sql("CREATE TABLE hits (id text)");
        // the second is in a message of its own, which the paused one has yet to send
        let second = if index {
            changeset("b").create_index("hits_id", "hits", ["id"])
        } else {
            let parts = "INSERT INTO hits VALUES ('b');\n-- segment\nINSERT INTO hits VALUES ('c')";
            sql("b", parts, "SELECT 1")
        };
        let project = project(&[gate("a"), second.depends_on(["a"])]);
        let holder = database.hold("SELECT pg_advisory_lock(77, 1)");
        let paused = project.start(&database, &["apply"]);
        at_the_gate(&database);
        paused.signal("STOP");
        assert_eq!(database.sql(END_OF_LOCK), "1");
        let mut successor = project.start(&database, &["apply", "--format", "json"]);
        let said = successor.line_with("\"event\":\"waiting\"");
        assert!(said.contains("waiting for a transaction of an earlier run to end: pid "), "{said}");
        drop(holder);
        let run = successor.end();
        assert_eq!(run.code, 0, "{run:?}");
        paused.signal("CONT");
        snapshot("lease/a_paused_runner_is_fenced_off", &paused.end().refusal(6));
        let expected = if index { "a" } else { "a b c" };
        assert_eq!(database.sql("SELECT string_agg(id, ' ' ORDER BY id) FROM hits"), expected);
        assert_eq!(project.states(&database), "a=applied b=applied");
        assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'applied'"), "2");
    }
}

/// Killed while the server builds an index: the next run waits for that session, says so, and
/// never has a second build beside it.
#[test]
fn what_a_killed_run_left_running_is_waited_for() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int)");
    let project = index();
    let holder = database.hold("INSERT INTO t VALUES (1)");
    let killed = project.start(&database, &["apply"]);
    database.until("SELECT count(*) = 1 FROM pg_class WHERE relname = 't_n'");
    // a debugger, or a server that cannot tell: the old session lives on for now
    let pid = database
        .sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONC%'");
    assert!(std::process::Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    killed.signal("KILL");
    killed.end();
    let mut next = project.start(&database, &["apply", "--format", "json"]);
    let said = next.line_with("\"event\":\"waiting\"");
    assert!(
        said.contains("a statement of an earlier run, which is still running") && said.contains(&format!("pid {pid} ")),
        "{said}"
    );
    snapshot(
        "lease/what_a_killed_run_left_running_is_waited_for",
        &project.on(&database, &["apply", "--lock-wait", "0s"]).refusal(6),
    );
    let builds = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%INDEX CONCURRENTLY%' AND query NOT LIKE '%pg_stat_activity%' AND state = 'active'";
    assert_eq!(database.sql(builds), "1");
    assert!(std::process::Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
    // the server notices that its client is dead and gives the build up
    database.until(&format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"));
    drop(holder);
    next.end().ok();
    assert_eq!(
        database.sql("SELECT count(*), bool_and(indisvalid) FROM pg_index WHERE indrelid = 't'::regclass"),
        "1|t"
    );
    assert_eq!(project.states(&database), "a=applied");
}

/// The same inside of a transaction: the statement of a dead client ends by itself.
#[test]
fn a_statement_of_a_killed_run_ends() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (id text)");
    let project = project(&[gate("a")]);
    let holder = database.hold("SELECT pg_advisory_lock(77, 1)");
    let killed = project.start(&database, &["apply"]);
    at_the_gate(&database);
    killed.signal("KILL");
    killed.end();
    // though the gate is still shut
    database.until(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'",
    );
    drop(holder);
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM hits"), "1");
}

/// The network swallows everything and closes nothing.
#[test]
fn a_black_hole_ends_the_run() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (id text)");
    let segments = "DELETE FROM hits WHERE id = 'a';\n-- segment\nDELETE FROM hits WHERE id = 'b'";
    let project = project(&[sql("a", "INSERT INTO hits VALUES ('a'), ('b'), ('c')", segments)]);
    let rollback = |fault| through(&server().sockets, &database.name, &project, &["rollback", "a"], fault);
    project.on(&database, &["apply"]).ok();
    let (run, counts) = rollback(Fault::None);
    run.ok();
    project.on(&database, &["apply"]).ok();
    // the last messages: two segments, the end of the run, the lock
    let (run, _) = rollback(Fault::Swallow(counts.messages - 2));
    let said = run.fails(6);
    assert!(said.contains("this run lost its lock: the server has not answered for some time"), "{said}");
    assert!(said.contains("to be rolled back: a"), "{said}");
    assert_eq!(project.states(&database), "a=partly");
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.sql("SELECT string_agg(id, ' ') FROM hits"), "c c");
}

/// Fifty at once while the first builds an index concurrently: they poll, so the build waits
/// for none of them, and each learns who works.
#[test]
fn fifty_wait_beside_a_concurrent_build() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int)");
    let project = index();
    let holder = database.hold("INSERT INTO t VALUES (1)");
    let first = project.start(&database, &["apply", "--format", "json"]);
    database.until_runs("CREATE INDEX CONCURRENTLY");
    let said = project.on(&database, &["apply", "--lock-wait", "0s"]).fails(6);
    let who = format!(" pid {} since 20", first.pid());
    assert!(said.contains("held by pid ") && said.contains(&who), "{who}\n{said}");
    let mut waiting: Vec<Running> = (0..50).map(|_| project.start(&database, &["apply", "--format", "json"])).collect();
    for running in &mut waiting {
        let line = running.line_with("\"event\":\"waiting\"");
        assert!(line.contains(&who), "{line}");
    }
    drop(holder);
    assert_eq!(first.end().applied(), "a");
    for running in waiting {
        assert_eq!(running.end().applied(), "");
    }
    assert_eq!(database.sql("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass"), "t");
}

/// Killed after a commit: its row says for ever that it runs, or until the next run. Who looks
/// is told, and writes nothing.
#[test]
fn a_run_that_was_cut_off_is_not_shown_as_running() {
    let project = project(&[
        sql("a", "CREATE TABLE a (n int)", "DROP TABLE a"),
        sql("b", "SELECT pg_sleep(60)\n-- segment\nSELECT 1", "SELECT 1").depends_on(["a"]),
    ]);
    let database = Database::new();
    let look = || {
        let value = project.on(&database, &["status", "--format", "json"]).json();
        value["runs"].as_array().unwrap().iter().map(|r| r["liveness"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let said = || project.on(&database, &["history", "--kind", "runStarted"]).ok();
    let running = project.start(&database, &["apply", "--jobs", "1"]);
    database.until_runs("pg_sleep");
    assert_eq!(look(), ["running"]);
    assert!(project.on(&database, &["status"]).ok().contains("is in progress"));
    assert!(said().contains("; it is running"));
    running.signal("KILL");
    running.end();
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    database.until_alone();
    let before = database.whole_dump();
    assert_eq!(look(), ["terminated"]);
    let status = project.on(&database, &["status"]).ok();
    assert!(
        status.contains("the apply of ") && status.contains(" was terminated: no session holds its lock"),
        "{status}"
    );
    assert!(said().contains("; it was terminated"));
    assert_eq!(database.whole_dump(), before);
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "running");
    // the row of the one is not taken for that of the next
    project.write("plans/a.yaml", &file(&[sql("c", "SELECT pg_sleep(60)", "SELECT 1")]));
    let running = project.start(&database, &["apply", "--select", "c"]);
    database.until_runs("pg_sleep");
    assert_eq!(look(), ["running"]);
    project.on(&database, &["cancel"]).ok();
    running.end().fails(9);
    assert_eq!(look(), Vec::<String>::new());
    // it stays known in the history, unlike the one that said how it ended
    let history = said();
    assert_eq!(history.matches("; it was terminated").count(), 1, "{history}");
    project.json(&database, &["history", "--verify"]).intact();
}

/// Continued while its successor is still at work: it does not wait for that one's lock.
#[test]
fn a_paused_runner_ends_while_its_successor_runs() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (id text)");
    let second = "INSERT INTO hits VALUES ('b');\nSELECT pg_advisory_xact_lock_shared(77, 2)";
    let project = project(&[gate("a"), sql("b", second, "SELECT 1").depends_on(["a"])]);
    let first_gate = database.hold("SELECT pg_advisory_lock(77, 1)");
    // within its time it would only ever hear that the lock is held
    let mut paused = project.start(&database, &["apply", "--jobs", "1", "--lock-wait", "40s", "--format", "json"]);
    at_the_gate(&database);
    paused.signal("STOP");
    assert_eq!(database.sql(END_OF_LOCK), "1");
    let mut successor = project.start(&database, &["apply", "--format", "json"]);
    successor.line_with("\"event\":\"waiting\"");
    let second_gate = database.hold("SELECT pg_advisory_lock(77, 2)");
    drop(first_gate);
    let who = format!("pid {} since 20", successor.pid());
    database.until(&format!("SELECT holder LIKE '% pid {}' FROM dagmar.lease", successor.pid()));
    at_the_gate(&database);
    paused.signal("CONT");
    paused.line_with("connecting again");
    let run = paused.end();
    assert_eq!(run.code, 6, "{run:?}");
    assert!(run.out.contains("this run lost its lock and another run has taken over"), "{run:?}");
    assert!(run.out.contains(&who), "{who} {run:?}");
    // the other one is still at it, and is not disturbed
    at_the_gate(&database);
    drop(second_gate);
    successor.end().ok();
    assert_eq!(project.states(&database), "a=applied b=applied");
    assert_eq!(database.sql("SELECT string_agg(id, ' ' ORDER BY id) FROM hits"), "a b");
}

/// A rollback that does not get the lock has begun nothing: what it was to take back is as it was.
#[test]
fn a_rollback_that_waits_in_vain_has_begun_nothing() {
    let database = Database::new();
    database.sql("CREATE TABLE hits (id text)");
    let project = project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a")]);
    project.on(&database, &["apply"]).ok();
    project.write("plans/b.yaml", &file(&[gate("b")]));
    let holder = database.hold("SELECT pg_advisory_lock(77, 1)");
    let running = project.start(&database, &["apply"]);
    at_the_gate(&database);
    let said = project.on(&database, &["rollback", "a", "--lock-wait", "0s"]).fails(6);
    assert!(said.contains("help: wait for it to end, or wait longer with `--lock-wait 5m`"), "{said}");
    assert!(!said.contains("still applied"), "{said}");
    drop(holder);
    running.end().ok();
    assert_eq!(project.states(&database), "a=applied b=applied");
}
