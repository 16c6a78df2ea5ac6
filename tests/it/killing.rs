//! The matrix of kills: the process, the connection or the server ends at a chosen point, then
//! the plain command is run again. It must end well, and with the same database as an
//! undisturbed run: each effect exactly once, no invalid index, no lock left.
//!
//! Points are messages of the client (killed before the server has it, and after the server
//! has worked it off), CommandCompletes and bytes of the server, and transactions inside of one
//! message. Every message is a point; of bytes and of second kills there is a sample by a fixed
//! stride, as each costs two processes and a database.

use crate::support::proxy::{Counts, Fault, run as through};
use crate::support::{Cluster, Database, Project, Run, file, same, server, snapshot, sql, until};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every kind of step, and few effects that may happen twice without being seen.
fn project() -> Project {
    let built_in = "  - id: index
    dependsOn: [bump]
    changes:
      - createIndex: { name: people_n, table: people, columns: [n] }
  - id: fill
    dependsOn: [index]
    changes:
      - backfill: { table: people, key: id, batchSize: 20, set: { m: t.m + 1 }, rollback: UPDATE people SET m = m - 1 }
  - id: parts
    dependsOn: [fill]
    changes:
      - sql:
          forward: |
            INSERT INTO log VALUES ('parts');
            UPDATE people SET n = n + 10
          rollback: |
            DELETE FROM log WHERE what = 'parts';
            UPDATE people SET n = n - 10
      - createIndex: { name: people_m, table: people, columns: [m] }
      - sql:
          forward: UPDATE people SET n = n + 100
          rollback: UPDATE people SET n = n - 100
  - id: everyone
    repeatable: true
    dependsOn: [parts]
    changes:
      - createView: { name: everyone, query: 'SELECT id, n FROM people' }
";
    let people = "CREATE TABLE people (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, m int NOT NULL DEFAULT 0);
CREATE TABLE log (what text);
INSERT INTO people SELECT g FROM generate_series(1, 60) g";
    let changesets = [
        sql("people", people, "DROP TABLE people;\nDROP TABLE log").to_string(),
        sql("bump", "UPDATE people SET n = n + 1", "UPDATE people SET n = n - 1").depends_on(["people"]).to_string(),
        built_in.to_owned(),
        sql("last", "INSERT INTO log VALUES ('last')", "DELETE FROM log WHERE what = 'last'")
            .depends_on(["everyone"])
            .to_string(),
    ];
    Project::new(&[("plans/a.yaml", &file(&changesets))])
}

/// What a changeset leaves, as `status` would say it if it looked.
const FACTS: &str = "SELECT format('people=t bump=%s index=%s fill=%s everyone=%s last=%s', min(n) % 10 = 1,
    coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('people_n')), false), min(m) = 1,
    to_regclass('everyone') IS NOT NULL, (SELECT count(*) = 1 FROM log WHERE what = 'last')) FROM people";

/// A project, how its database looks undisturbed, and a database to begin with.
struct Matrix {
    project: Project,
    args: &'static [&'static str],
    expected: String,
    /// Has everything applied, where that is where it begins.
    full: Option<Database>,
}

impl Matrix {
    fn apply() -> Self {
        let (project, database) = (project(), Database::new());
        project.on(&database, &["apply"]).ok();
        let expected = database.catalog();
        assert!(expected.contains("row of public.people: (60,111,1)"), "{expected}");
        Self { project, args: &["apply"], expected, full: None }
    }

    fn rollback() -> Self {
        let (project, full, empty) = (project(), Database::new(), Database::new());
        project.on(&full, &["apply"]).ok();
        full.until_alone();
        Self { project, args: &["rollback", "--all"], expected: empty.catalog(), full: Some(full) }
    }

    fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(full) = &self.full else { return Database::new() };
        let postgres = Database { name: "postgres".to_owned(), server: server() };
        let name = format!("{}_copy{}", full.name, NEXT.fetch_add(1, Ordering::Relaxed));
        postgres.sql(&format!("CREATE DATABASE {name} TEMPLATE {}", full.name));
        Database { name, server: server() }
    }

    fn run(&self, database: &Database, fault: Fault) -> (Run, Counts) {
        through(&database.server.sockets, &database.name, &self.project, self.args, fault)
    }

    /// The counts of a run that nothing happens to.
    fn counts(&self) -> Counts {
        let database = self.database();
        let (run, counts) = self.run(&database, Fault::None);
        run.ok();
        same("undisturbed", &self.expected, &database.catalog());
        counts
    }

    /// The plain command again, and what must be so after it.
    fn again(&self, database: &Database, what: &str) {
        let run = self.project.on(database, self.args);
        assert_eq!(run.code, 0, "{what}: {run:?}");
        self.is_well(database, what);
    }

    fn is_well(&self, database: &Database, what: &str) {
        same(what, &self.expected, &database.catalog());
        database.until(
            "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database \
             WHERE datname = current_database())",
        );
        if database.sql("SELECT to_regclass('dagmar.segment') IS NOT NULL") == "t" {
            assert_eq!(database.sql("SELECT count(*) FROM dagmar.segment"), "0", "{what}");
        }
    }

    /// Strikes once, looks at the status where it is asked for, runs again.
    fn strike(&self, fault: Fault, look: bool) {
        let database = self.database();
        let (run, _) = self.run(&database, fault);
        let what = format!("{fault:?}: {run:?}");
        assert!(matches!(run.code, -1 | 0 | 7), "{what}");
        if look {
            self.status_is_true(&database, &what);
        }
        self.again(&database, &what);
    }

    /// Whatever `status` says is there is there, and the other way round.
    fn status_is_true(&self, database: &Database, what: &str) {
        database.until_alone();
        let states = self.project.states(database);
        let facts = match database.sql("SELECT to_regclass('people') IS NULL").as_str() {
            "t" => String::new(),
            _ => database.sql(FACTS),
        };
        for state in states.split(' ') {
            let (id, state) = state.split_once('=').unwrap();
            let there = facts.split(' ').any(|f| f == format!("{id}=t"));
            assert!(id == "parts" || state != "applied" || there, "{id} is claimed; {facts}; {states}; {what}");
            assert!(id == "parts" || state != "pending" || !there, "{id} is denied; {facts}; {states}; {what}");
        }
    }

    fn each(&self, points: impl Iterator<Item = usize>, fault: impl Fn(usize) -> Fault) {
        for (i, k) in points.enumerate() {
            self.strike(fault(k), i % 3 == 0);
        }
    }
}

#[test]
fn killed_before_each_message_of_apply() {
    let matrix = Matrix::apply();
    matrix.each(1..=matrix.counts().messages, Fault::KillBefore);
}

#[test]
fn killed_after_each_message_of_apply() {
    let matrix = Matrix::apply();
    matrix.each(1..=matrix.counts().messages, Fault::KillAfter);
}

#[test]
fn killed_at_answers_of_apply() {
    let matrix = Matrix::apply();
    matrix.each((1..=matrix.counts().answers).step_by(11), Fault::KillAtAnswer);
}

/// The COMMIT whose answer is lost is among these.
#[test]
fn cut_off_at_bytes_of_apply() {
    let matrix = Matrix::apply();
    let counts = matrix.counts();
    matrix.each((40..=counts.heard).step_by(counts.heard / 14), Fault::CutAnswer);
    matrix.each((60..=counts.sent).step_by(counts.sent / 14), Fault::CutRequest);
}

#[test]
fn killed_before_messages_of_rollback() {
    let matrix = Matrix::rollback();
    matrix.each(1..=matrix.counts().messages, Fault::KillBefore);
}

#[test]
fn killed_after_messages_of_rollback() {
    let matrix = Matrix::rollback();
    matrix.each(1..=matrix.counts().messages, Fault::KillAfter);
}

/// A rollback that is cut off says so and what to do; it does not go on by itself.
#[test]
fn cut_off_at_bytes_of_rollback() {
    let matrix = Matrix::rollback();
    let counts = matrix.counts();
    matrix.each((90..=counts.heard).step_by(counts.heard / 12), Fault::CutAnswer);
}

/// Applied again in place of going on with the rollback, and taken back in place of going on.
#[test]
fn the_other_direction_after_a_kill() {
    let (there, back) = (Matrix::apply(), Matrix::rollback());
    for k in (8..=there.counts().messages).step_by(5) {
        let database = there.database();
        there.run(&database, Fault::KillAfter(k));
        back.again(&database, &format!("rollback after an apply that was killed at {k}"));
    }
    for k in (4..=back.counts().messages).step_by(5) {
        let database = back.database();
        back.run(&database, Fault::KillBefore(k));
        let run = there.project.on(&database, there.args);
        if run.out.contains("its rollback is not finished") {
            // half way back it is for a person to say where it goes; nothing was run on top of it
            back.again(&database, &format!("rollback after an apply after a rollback that was killed at {k}"));
        }
        there.again(&database, &format!("apply after a rollback that was killed at {k}"));
    }
}

/// The recovery is killed as well, and the recovery of the recovery, each a little later.
#[test]
fn recoveries_are_killed_too() {
    for matrix in [Matrix::apply(), Matrix::rollback()] {
        for (first, step) in [(9, 2), (14, 3), (19, 1), (24, 5)] {
            let database = matrix.database();
            let mut points = vec![first];
            while matrix.run(&database, Fault::KillAfter(points[points.len() - 1])).0.code != 0 {
                assert!(points.len() < 60, "never done: {points:?}");
                points.push(points[points.len() - 1] + step);
            }
            // the last one was let through to its end
            matrix.is_well(&database, &format!("{points:?}"));
        }
    }
}

/// Changesets that go to the server in one message, each waiting at a gate of its own.
fn gated(n: u32) -> Project {
    let changeset = |i: u32| {
        let forward = format!("INSERT INTO log VALUES ({i});\nSELECT pg_advisory_xact_lock_shared(77, {i})");
        sql(&format!("c{i}"), &forward, &format!("DELETE FROM log WHERE n = {i}"))
    };
    Project::new(&[("plans/a.yaml", &file(&(1..=n).map(changeset).collect::<Vec<_>>()))])
}

const AT_THE_GATE: &str =
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND application_name LIKE 'dagmar c%'";

/// The session ends between the transactions of one message: the run connects again, asks the
/// ledger how far it came, and goes on by itself.
#[test]
fn a_session_ends_within_a_message() {
    let project = gated(4);
    for gate in 1..=4 {
        let database = Database::new();
        database.sql("CREATE TABLE log (n int)");
        let holder = database.hold(&format!("SELECT pg_advisory_lock(77, {gate})"));
        let running = project.start(&database, &["apply", "--format", "json"]);
        let here = format!("{AT_THE_GATE} AND datname = current_database()");
        until("it waits at the gate", || !database.sql(&here).is_empty());
        database.sql(&format!("SELECT pg_terminate_backend(({here}))"));
        drop(holder);
        let run = running.end();
        assert_eq!((run.events("waiting").len(), run.events("runStarted").len()), (1, 2), "{run:?}");
        assert_eq!(run.last()["applied"].as_array().unwrap().len(), 4, "{run:?}");
        assert_eq!(database.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM log"), "1 2 3 4", "gate {gate}");
        let statuses = database.sql("SELECT string_agg(status, ' ' ORDER BY started_at) FROM dagmar.run");
        assert_eq!(statuses, "interrupted done");
    }
}

/// The same with a connection that runs steps beside the first one.
#[test]
fn one_of_several_sessions_ends() {
    let changeset = |i: u32| {
        let forward = format!("INSERT INTO log{i} VALUES ({i});\nSELECT pg_advisory_xact_lock_shared(77, {i})");
        sql(&format!("c{i}"), &forward, &format!("DELETE FROM log{i}"))
    };
    let project = Project::new(&[("plans/a.yaml", &file(&[changeset(1), changeset(2)]))]);
    for victim in [1, 2] {
        let database = Database::new();
        database.sql("CREATE TABLE log1 (n int); CREATE TABLE log2 (n int)");
        let holder = database.hold("SELECT pg_advisory_lock(77, 1), pg_advisory_lock(77, 2)");
        let running = project.start(&database, &["apply", "--jobs", "2", "--format", "json"]);
        let here = format!("{AT_THE_GATE} AND datname = current_database()");
        until("both wait at their gates", || database.sql(&here).lines().count() == 2);
        database.sql(&format!("SELECT pg_terminate_backend(({here} AND application_name = 'dagmar c{victim}'))"));
        drop(holder);
        let run = running.end();
        assert_eq!((run.events("waiting").len(), run.events("runStarted").len()), (1, 2), "{run:?}");
        assert_eq!(run.last()["applied"].as_array().unwrap().len(), 2, "{run:?}");
        assert_eq!(database.sql("SELECT (SELECT count(*) FROM log1), (SELECT count(*) FROM log2)"), "1|1");
    }
}

/// The same with a statement that brings its session down each time: it is not sent for ever.
#[test]
fn what_ends_its_session_each_time_is_given_up() {
    let bad = "SELECT pg_terminate_backend(pg_backend_pid())";
    let project = Project::new(&[("plans/a.yaml", &file(&[sql("bad", bad, "SELECT 1")]))]);
    let database = Database::new();
    let run = project.on(&database, &["apply"]);
    snapshot("killing/what_ends_its_session_each_time_is_given_up", &run.refusal(7));
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.run"), "3");
    assert_eq!(project.states(&database), "bad=pending");
}

/// A backend dies by SIGKILL, and all sessions with it; the power fails. In the middle of a
/// message of several transactions; the run waits for the server and goes on.
#[test]
fn the_server_crashes_within_a_message() {
    let project = gated(3);
    let cluster = Cluster::new();
    for (gate, power) in [(1, false), (2, true), (3, false), (3, true)] {
        let name = format!("crash_{gate}_{power}");
        cluster.sql(&format!("CREATE DATABASE {name}"));
        let psql = |text: &str| {
            let mut command = Command::new(server().bin.join("psql"));
            command.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", &name, "-h"]).arg(cluster.sockets());
            let output = command.args(["-c", text]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
        };
        psql("CREATE TABLE log (n int)");
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| psql(&format!("SELECT pg_advisory_lock(77, {gate}), pg_sleep(600)")));
            until("the gate is shut", || {
                psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"
            });
            let mut command = project.command(&["apply", "--wait", "60s"]);
            command.args(["--yes", "--url", &cluster.url("postgres", &name)]);
            let running = crate::support::Running::of(command);
            until("it waits at the gate", || !psql(AT_THE_GATE).is_empty());
            if power {
                cluster.crash();
                cluster.start();
            } else {
                let pid = psql(AT_THE_GATE);
                assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
            }
            holder.join().unwrap();
            let run = running.end();
            assert!(run.err.contains("; connecting again"), "{run:?}");
            assert!(run.ok().contains("applied 3 changesets"));
        });
        assert_eq!(psql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM log"), "1 2 3", "{name}");
        assert_eq!(psql("SELECT count(*) FROM dagmar.changeset WHERE status = 'applied'"), "3");
    }
}
