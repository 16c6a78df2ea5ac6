//! What is told is on the server's disk, and what a crash takes is taken as a whole: with its
//! record, and nothing before it. Only every sixteenth COMMIT of a message waits for the disk.

use crate::support::proxy::{Fault, run as through};
use crate::support::{Changeset, Cluster, Database, Project, Run, Running, backfill, file, sql, until};
use std::collections::BTreeSet;

/// Changesets that go to the server in one message, each waiting at a gate of its own.
fn gated(n: usize) -> Project {
    let changeset = |i: usize| {
        let forward = format!("INSERT INTO log VALUES ({i});\nSELECT pg_advisory_xact_lock_shared(77, {i})");
        sql(&format!("c{i:02}"), &forward, &format!("DELETE FROM log WHERE n = {i}"))
    };
    Project::new(&[("plans/a.yaml", &file(&(1..=n).map(changeset).collect::<Vec<_>>()))])
}

/// A server that writes its log to the disk only when somebody waits for it.
fn lazy() -> Cluster {
    let cluster = Cluster::new();
    cluster.sql("ALTER SYSTEM SET wal_writer_delay = '10s'");
    cluster.sql("SELECT pg_reload_conf()");
    cluster
}

fn database(cluster: &Cluster, name: &str) -> Database {
    cluster.sql(&format!("CREATE DATABASE {name}"));
    let database = Database { name: name.to_owned(), server: cluster.server() };
    database.sql("CREATE TABLE log (n int)");
    database
}

/// The changesets that were told as done.
fn told(run: &Run) -> BTreeSet<usize> {
    let lines = run.out.lines().filter(|line| line.contains("\"stepDone\""));
    lines
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["changeset"].as_str().unwrap()[1..].parse().unwrap()
        })
        .collect()
}

/// How many changesets are there: effect and record are one, and nothing before them is missing.
fn there(database: &Database) -> usize {
    let effects = database.sql("SELECT coalesce(string_agg(n::text, ' ' ORDER BY n), '') FROM log");
    let records = match database.sql("SELECT to_regclass('dagmar.changeset') IS NULL").as_str() {
        "t" => String::new(),
        _ => database.sql(
            "SELECT coalesce(string_agg(ltrim(id, 'c0'), ' ' ORDER BY id), '') FROM dagmar.changeset WHERE status = 'applied'",
        ),
    };
    assert_eq!(effects, records);
    let count = effects.split_whitespace().count();
    let all: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    assert_eq!(effects, all.join(" "));
    count
}

/// The next run ends where an undisturbed one does.
fn converges(project: &Project, database: &Database, n: usize) {
    project.on(database, &["apply"]).ok();
    assert_eq!(there(database), n);
    project.json(database, &["history", "--verify"]).intact();
}

/// The server crashes between the transactions of a message, and takes some that it had committed.
#[test]
fn crashing_within_a_message_takes_only_what_nobody_was_told() {
    const N: usize = 40;
    let (project, cluster) = (gated(N), lazy());
    let mut lost = 0;
    for gate in [1, 2, 15, 16, 17, 31, 40] {
        let database = database(&cluster, &format!("within_{gate}"));
        let holder = database.hold(&format!("SELECT pg_advisory_lock(77, {gate})"));
        let running = project.start(&database, &["apply", "--jobs", "1", "--format", "json"]);
        let here = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND application_name = 'dagmar c{gate:02}' \
             AND datname = current_database()"
        );
        until("it waits at the gate", || database.sql(&here) == "1");
        // nobody connects again and makes anything durable by it
        running.signal("KILL");
        cluster.crash();
        let run = running.end();
        drop(holder);
        cluster.start();
        let there = there(&database);
        assert!(there < gate, "{there} at gate {gate}");
        assert!(there >= (gate - 1) / 16 * 16, "{there} at gate {gate}: what has waited is gone");
        assert!(told(&run).iter().all(|n| *n <= there), "{there} are there: {run:?}");
        lost += gate - 1 - there;
        converges(&project, &database, N);
    }
    assert!(lost > 0, "no crash has taken anything: nothing was tried");
}

/// The server has worked a message off, its answer never arrives, and the server crashes: whatever
/// message it is, what it has committed at its end stays.
#[test]
fn crashing_between_a_message_and_its_answer_takes_nothing_of_it() {
    const N: usize = 20;
    let (project, cluster) = (gated(N), lazy());
    let args = ["apply", "--jobs", "1", "--format", "json"];
    let undisturbed = database(&cluster, "undisturbed");
    let (run, counts) = through(cluster.sockets(), &undisturbed.name, &project, &args, Fault::None);
    assert_eq!(told(&run).len(), N, "{run:?}");
    run.ok();
    let mut found = Vec::new();
    for message in counts.messages - 5..=counts.messages {
        let database = database(&cluster, &format!("answer_{message}"));
        let (run, _) = through(cluster.sockets(), &database.name, &project, &args, Fault::KillAfter(message));
        cluster.crash();
        cluster.start();
        let there = there(&database);
        assert!(told(&run).iter().all(|n| *n <= there), "{there} are there: {run:?}");
        found.push((told(&run).len(), there));
        converges(&project, &database, N);
    }
    assert!(found.contains(&(0, N)), "the message with the changesets was not among these: {found:?}");
    assert!(found.iter().all(|(_, there)| [0, N].contains(there)), "{found:?}");
}

/// What was committed before a failure in the same message, or before a stop, is told, and stays.
#[test]
fn what_comes_before_a_failure_or_a_stop_stays() {
    let cluster = lazy();
    let fails = sql("c06", "SELECT 1 / 0", "SELECT 1");
    let insert = |i: usize| sql(&format!("c{i:02}"), &format!("INSERT INTO log VALUES ({i})"), "DELETE FROM log");
    let changesets: Vec<Changeset> = (1..=5).map(insert).chain([fails]).collect();
    let project = Project::new(&[("plans/a.yaml", &file(&changesets))]);
    let failing = database(&cluster, "failing");
    let run = project.on(&failing, &["apply", "--jobs", "1", "--format", "json"]);
    cluster.crash();
    cluster.start();
    assert_eq!(told(&run), (1..=5).collect(), "{run:?}");
    assert_eq!(there(&failing), 5);
    assert_eq!(failing.sql("SELECT status FROM dagmar.changeset WHERE id = 'c06'"), "failed");

    let project = gated(9);
    let stopped = database(&cluster, "stopped");
    let holder = stopped.hold("SELECT pg_advisory_lock(77, 6)");
    let running: Running = project.start(&stopped, &["apply", "--jobs", "1", "--format", "json"]);
    stopped.until(
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND application_name = 'dagmar c06'",
    );
    running.signal("INT");
    let run = running.end();
    drop(holder);
    cluster.crash();
    cluster.start();
    assert_eq!(run.code, 9, "{run:?}");
    assert_eq!(told(&run), (1..=5).collect(), "{run:?}");
    assert_eq!(there(&stopped), 5);
    converges(&project, &stopped, 9);
}

/// The steps that nobody has been told of are no news in between: started and done, one after the other.
#[test]
fn each_step_is_told_before_the_next_one_begins() {
    let (project, database) = (gated(40), Database::new());
    database.sql("CREATE TABLE log (n int)");
    let run = project.on(&database, &["apply", "--jobs", "1", "--format", "json"]);
    let events: Vec<(String, String)> = run
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|e| Some((e["event"].as_str()?.to_owned(), e["changeset"].as_str()?.to_owned())))
        .collect();
    let expected: Vec<(String, String)> = (1..=40)
        .flat_map(|i| ["stepStarted", "stepDone"].map(|event| (event.to_owned(), format!("c{i:02}"))))
        .collect();
    assert_eq!(events, expected);
}

/// What the COMMITs of a run had as `synchronous_commit`, as a trigger sees it that runs at the COMMIT.
fn levels(database: &Database, project: &Project, role: Option<&str>) -> String {
    if let Some(level) = role {
        database.sql(&format!("ALTER DATABASE {} SET synchronous_commit = {level}", database.name));
    }
    database.sql(
        "CREATE TABLE log (n int); CREATE TABLE seen (n int, level text);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.seen VALUES (NEW.n, current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER look AFTER INSERT OR UPDATE ON log DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION look()",
    );
    project.on(database, &["apply", "--jobs", "1"]).ok();
    database.sql("SELECT string_agg(level, ' ' ORDER BY n) FROM seen")
}

/// The last COMMIT of a message waits for what the role's setting says, no more and no less.
#[test]
fn a_message_waits_for_what_the_session_says() {
    let off = |n: usize| "off ".repeat(n);
    for (level, last) in
        [(None, "on"), (Some("local"), "local"), (Some("remote_apply"), "remote_apply"), (Some("off"), "off")]
    {
        assert_eq!(levels(&Database::new(), &gated(3), level), format!("{}{last}", off(2)), "{level:?}");
        assert_eq!(levels(&Database::new(), &gated(1), level), last, "{level:?}");
    }
    let expected = format!("{}on {}on on", off(15), off(15));
    assert_eq!(levels(&Database::new(), &gated(33), None), expected);
}

/// What an author sets holds for his changeset; but one that waits for others does so all the same.
#[test]
fn what_an_author_sets_holds_unless_others_rest_on_it() {
    let insert = |i: usize, set: &str| {
        let forward = format!("{set}INSERT INTO log VALUES ({i})");
        sql(&format!("c{i:02}"), &forward, "DELETE FROM log")
    };
    let of = |changesets: &[Changeset]| {
        let project = Project::new(&[("plans/a.yaml", &file(changesets))]);
        levels(&Database::new(), &project, None)
    };
    let (less, more) = ("SET LOCAL synchronous_commit = off;\n", "SET LOCAL synchronous_commit = remote_apply;\n");
    assert_eq!(of(&[insert(1, less)]), "off", "it is alone");
    assert_eq!(of(&[insert(1, ""), insert(2, less)]), "off on");
    assert_eq!(of(&[insert(1, more), insert(2, more)]), "remote_apply remote_apply");
    assert_eq!(of(&[insert(1, ""), insert(2, "SET synchronous_commit = off;\n"), insert(3, "")]), "off off on");
}

/// Of the batches of a message the last one waits.
#[test]
fn the_last_batch_of_a_message_waits() {
    let (project, database) = (
        backfill(
            "table: log, key: n, batchSize: 10, where: t.m IS NULL, set: { m: '1' }, rollback: UPDATE log SET m = NULL",
        ),
        Database::new(),
    );
    database.sql(
        "CREATE TABLE log (n int PRIMARY KEY, m int); INSERT INTO log SELECT generate_series(1, 5000);
         CREATE TABLE seen (n int, xid text, level text);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES
             (NEW.n, pg_current_xact_id()::text, current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER look AFTER UPDATE ON log DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION look()",
    );
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM log WHERE m IS NULL"), "0");
    let counts = database.sql("SELECT count(DISTINCT xid) FILTER (WHERE level = 'off') > count(DISTINCT xid) FILTER (WHERE \
        level = 'on'), count(DISTINCT xid) FILTER (WHERE level = 'on') > 1, count(*) FILTER (WHERE level NOT IN ('on', 'off')) FROM seen");
    assert_eq!(counts, "t|t|0");
}
