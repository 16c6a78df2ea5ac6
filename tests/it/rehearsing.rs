//! Dry runs: what they ask, hold, record and leave; and those on a server of their own.

use crate::support::{
    Changeset, Database, Project, Run, Running, against, file, project, snapshot, sql, table, tables, view,
};
use serde_json::json;

/// A project of the environments dev and production, with what this says of production.
fn two(production: &str, changesets: &[Changeset]) -> Project {
    let config = format!("environments:\n  dev: {{}}\n  production:\n{production}");
    Project::new(&[("dagmar.yaml", &config), ("plans/a.yaml", &file(changesets))])
}

fn events(database: &Database) -> String {
    database.sql("SELECT kind, detail ->> 'command', detail ->> 'outcome' FROM dagmar.event WHERE kind LIKE 'rehearsal%' OR kind = 'refused' ORDER BY seq").replace('\n', " ")
}

#[test]
fn it_is_announced_asked_for_and_recorded() {
    let (first, t) = (table("t"), "ALTER TABLE t ADD COLUMN more int");
    let project = project(&[first, sql("a", t, "ALTER TABLE t DROP COLUMN more").depends_on(["t"])]);
    let database = Database::new();
    project.on(&database, &["apply", "--select", "t"]).ok();
    // cannot ask for confirmation
    let mut command = project.command(&["plan", "--dry-run", "--url", &database.url()]);
    let said = Run::of(command.output().unwrap());
    assert_eq!(said.code, 5, "{said:?}");
    for words in [
        "takes these locks and holds them until it is rolled back, after 1m at the latest\n  ACCESS EXCLUSIVE on t: blocks reads and writes\n",
        "cannot ask for confirmation",
    ] {
        assert!(said.err.contains(words), "{words}\n{said:?}");
    }
    assert_eq!(events(&database), "refused|plan --dry-run|");
    for command in [&["plan", "--dry-run"][..], &["apply", "--dry-run"], &["rollback", "t", "--dry-run"]] {
        let said = project.on(&database, &[command, &["--dry-run-limit", "30s"]].concat()).ok();
        assert!(said.contains("dry run of 1 changeset on ") && said.contains(", rolled back: "), "{said}");
    }
    let expected: Vec<String> = ["plan --dry-run", "apply --dry-run", "rollback --dry-run"]
        .iter()
        .map(|command| format!("rehearsalStarted|{command}| rehearsalFinished|{command}|done"))
        .collect();
    assert_eq!(events(&database), format!("refused|plan --dry-run| {}", expected.join(" ")));
    let locks = "SELECT DISTINCT detail -> 'locks' #>> '{0,object}', detail -> 'locks' #>> '{0,mode}', detail ->> 'limitMs' FROM dagmar.event WHERE kind = 'rehearsalStarted'";
    assert_eq!(database.sql(locks), "t|accessExclusive|30000");
    let json = project.on(&database, &["plan", "--dry-run", "--format", "json"]).json();
    assert_eq!((json["dryRun"]["ran"].as_u64(), json["dryRun"]["limitMs"].as_u64()), (Some(1), Some(60_000)));
    assert_eq!(json["dryRun"]["locks"][0]["effect"], "blocks reads and writes");
    let history = project.on(&database, &["history", "--since", "1h"]).ok();
    for words in ["plan --dry-run, 1 changeset", "rollback --dry-run: done"] {
        assert!(history.contains(words), "{words}\n{history}");
    }
    project.json(&database, &["history", "--verify"]).intact();
    assert_eq!(tables(&database), "t");
    project.on(&database, &["apply"]).ok();
    let said = project.on(&database, &["plan", "--dry-run"]).ok();
    assert!(said.starts_with("dry run on ") && said.ends_with(", rolled back: nothing to run\n"), "{said}");
}

#[test]
fn gates_are_asked_first() {
    let project = two(
        "    promoteFrom: dev\n    freeze: [{ from: 2020-01-01, to: 2999-12-31, reason: for ever }]\n",
        &[table("a")],
    );
    let (dev, production) = (Database::new(), Database::new());
    let on = |database: &Database, args: &[&str]| against(&project, &database.url(), args);
    project.on(&dev, &["apply", "--env", "dev"]).ok();
    on(&production, &["ledger", "install", "--env", "production"]).ok();
    for args in [&["plan", "--dry-run"][..], &["apply", "--dry-run"]] {
        let said = project.on(&production, &[args, &["--env", "production"]].concat()).fails(5);
        assert!(said.contains("[freeze]") && said.contains("for ever"), "{said}");
    }
    assert_eq!(events(&production), "refused|plan --dry-run| refused|apply --dry-run|");
    // in an emergency, with a trace
    let over = ["apply", "--dry-run", "--env", "production", "--override", "freeze", "--reason", "INC-4711"];
    project.on(&production, &over).ok();
    let trace = "SELECT detail ->> 'command', detail ->> 'gate', detail ->> 'reason' FROM dagmar.event WHERE kind = 'gateOverridden'";
    assert_eq!(production.sql(trace), "apply --dry-run|freeze|INC-4711");
    // on a server of its own nothing of the environment is touched
    let before = production.whole_dump();
    let said = project.on(&production, &["plan", "--dry-run", "--shadow", "--env", "production"]).ok();
    assert!(said.contains("dry run of 1 changeset on a private PostgreSQL "), "{said}");
    assert_eq!(production.whole_dump(), before);
}

#[test]
fn it_ends_in_time_and_at_a_signal() {
    let database = Database::new();
    let slow = sql("a", "CREATE TABLE a (); SELECT pg_sleep(600)", "DROP TABLE a");
    let project = project(&[table("t"), slow]);
    project.on(&database, &["apply", "--select", "t"]).ok();
    snapshot(
        "rehearsing/it_ends_in_time_and_at_a_signal",
        &project.on(&database, &["plan", "--dry-run", "--dry-run-limit", "1s"]).refusal(8),
    );
    let mut command = project.command(&["apply", "--dry-run", "--yes", "--url", &database.url()]);
    command.stdout(std::process::Stdio::piped());
    let running = Running::of(command);
    database.until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    running.signal("INT");
    let run = running.end();
    assert_eq!(run.code, 9, "{run:?}");
    assert!(run.err.contains("the dry run was stopped by a signal"), "{run:?}");
    database.until_alone();
    assert_eq!(tables(&database), "t");
    assert_eq!(
        events(&database),
        "rehearsalStarted|plan --dry-run| rehearsalFinished|plan --dry-run|ended rehearsalStarted|apply --dry-run| \
         rehearsalFinished|apply --dry-run|interrupted"
    );
}

#[test]
fn a_private_server_is_brought_to_where_the_database_is() {
    let database = Database::new();
    database.sql("DO $$ BEGIN CREATE ROLE shadow_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    let first = sql(
        "t",
        "CREATE SCHEMA app; CREATE TABLE app.t (n int PRIMARY KEY); CREATE TYPE app.mood AS ENUM ('ok')",
        "DROP SCHEMA app CASCADE",
    );
    let grant = sql("grant", "GRANT USAGE ON SCHEMA app TO shadow_reader", "SELECT 1").depends_on(["t"]);
    let index =
        sql("index", "CREATE INDEX CONCURRENTLY t_n ON app.t (n)", "DROP INDEX CONCURRENTLY app.t_n").depends_on(["t"]);
    let value = sql(
        "value",
        "ALTER TYPE app.mood ADD VALUE 'sad';\n-- segment\nCREATE TABLE app.m (m app.mood DEFAULT 'sad')",
        "DROP TABLE app.m",
    )
    .depends_on(["t"]);
    let project = project(&[first, grant.clone(), index.clone(), value.clone()]);
    project.on(&database, &["apply", "--select", "t"]).ok();
    let before = database.whole_dump();
    let said = project.on(&database, &["plan", "--dry-run", "--shadow"]).ok();
    assert!(said.contains("dry run of 3 changesets on a private PostgreSQL "), "{said}");
    // all of it runs there, as it will run
    assert!(said.contains(", after 1 applied changeset, thrown away: 4 statements ran"), "{said}");
    assert!(!said.contains("CONCURRENTLY ("), "{said}");
    let json = project.on(&database, &["apply", "--dry-run", "--shadow", "--format", "json"]).json();
    assert_eq!((json["dryRun"]["ran"].as_u64(), json["dryRun"]["shadow"]["applied"].as_u64()), (Some(4), Some(1)));
    assert_eq!(json["dryRun"]["leftOut"], json!([]));
    // the way back, by what the ledger has
    assert_eq!(database.whole_dump(), before);
    project.on(&database, &["apply"]).ok();
    let before = database.whole_dump();
    let said = project.on(&database, &["rollback", "t", "--cascade", "--dry-run", "--shadow"]).ok();
    assert!(said.contains("dry run of 4 changesets") && said.contains("after 4 applied changesets"), "{said}");
    // what fails is told with its place, and nothing is changed
    let wrong = sql("wrong", "SELECT 1;\nALTER TABLE app.t ADD COLUMN n int", "SELECT 1").depends_on(["t"]);
    let all = [sql("t", "", ""), grant, index, value, wrong];
    project.write("plans/b.yaml", &file(&all[4..]));
    snapshot(
        "rehearsing/a_private_server_is_brought_to_where_the_database_is",
        &project.on(&database, &["plan", "--dry-run", "--shadow"]).refusal(8),
    );
    assert_eq!(database.whole_dump(), before);
}

/// There everything runs with the rights of a superuser, and of who runs dagmar: only as it was recorded.
#[test]
fn a_private_server_runs_nothing_that_was_put_into_the_ledger() {
    let (project, database) = (project(&[table("a")]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.write("plans/b.yaml", &file(&[table("b")]));
    let ran = project.path().join("ran");
    let evil = format!("COPY (SELECT 1) TO PROGRAM ''touch {}''", ran.display());
    database.sql(&format!(
        "UPDATE dagmar.changeset SET forward = jsonb_set(forward, '{{segments,0,statements,0,sql}}', to_jsonb('{evil}'::text))"
    ));
    for args in [
        &["plan", "--dry-run", "--shadow"][..],
        &["apply", "--dry-run", "--shadow"],
        &["rollback", "a", "--dry-run", "--shadow"],
    ] {
        let said = project.on(&database, args).fails(4);
        assert!(said.contains("the row of `a` was changed manually"), "{args:?}\n{said}");
        assert!(!ran.exists(), "{args:?}");
    }
}

#[test]
fn a_private_server_needs_no_other_one() {
    let project = project(&[table("a"), table("b")]);
    let said = project.run(&["plan", "--offline", "--dry-run", "--shadow"]).ok();
    assert!(said.contains("dry run of 2 changesets on a private PostgreSQL "), "{said}");
    assert!(said.contains(", after 0 applied changesets, thrown away: 2 statements ran"), "{said}");
    snapshot(
        "rehearsing/a_private_server_needs_no_other_one",
        &project.run(&["plan", "--offline", "--dry-run"]).refusal(2),
    );
    snapshot("rehearsing/a_private_server_needs_no_other_one-2", &project.run(&["plan", "--shadow"]).refusal(2));
    // a database that has something else is nothing that a ledger can make
    let database = Database::new();
    database.sql("CREATE TABLE by_hand ()");
    let more = sql("more", "ALTER TABLE by_hand ADD COLUMN n int", "SELECT 1");
    project.write("plans/a.yaml", &file(&[more]));
    project.on(&database, &["apply"]).ok();
    snapshot(
        "rehearsing/a_private_server_needs_no_other_one-3",
        &project.on(&database, &["rollback", "more", "--dry-run", "--shadow"]).refusal(8),
    );
}

/// What fails behind the value of a secret variable has the place that a run would name, and the value
/// is not there.
#[test]
fn a_place_behind_a_secret_is_that_of_a_run() {
    let database = Database::new();
    let config = "variables:\n  pw: { value: \"${PW}\", secret: true }\n";
    let wrong = sql("a", "SELECT '${pw}',\n  nope", "SELECT 1");
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", &file(&[wrong]))]);
    let places = [&["apply"][..], &["plan", "--dry-run"], &["plan", "--dry-run", "--shadow"]].map(|args| {
        let mut command = project.command(args);
        command.args(["--yes", "--url", &database.url()]).env("PW", "canary-".repeat(10));
        let said = Run::of(command.output().unwrap()).fails(8);
        assert!(!said.contains("canary"), "{said}");
        let place = said.lines().find_map(|line| line.strip_prefix("  --> ")).map(str::to_owned);
        place.unwrap_or_else(|| panic!("no place\n{said}"))
    });
    assert!(places.iter().all(|place| *place == places[0] && place.starts_with("plans/a.yaml:")), "{places:?}");
}

/// A dry run is one transaction and still ends each step as a run does: what a step sets, or puts off, is
/// not there for the next one.
#[test]
fn a_dry_run_ends_each_step_as_a_run_does() {
    for (first, second) in [
        ("SET search_path = elsewhere", "CREATE TABLE c (id int); SELECT 'public.c'::regclass"),
        ("SET LOCAL DateStyle = DMY", "SELECT date '98-12-31'"),
        ("SELECT set_config('DateStyle', 'DMY', true)", "SELECT date '98-12-31'"),
        ("CREATE TEMP TABLE kept (n int)", "CREATE TEMP TABLE kept (n int)"),
        ("PREPARE p AS SELECT 1", "PREPARE p AS SELECT 1"),
        // triggers of the first step are pending until it ends
        ("INSERT INTO child VALUES (1, 1)", "ALTER TABLE child ADD COLUMN more int"),
        // constraints that are put off are put off in each step
        ("INSERT INTO child VALUES (2, 1)", "INSERT INTO child VALUES (3, 9); INSERT INTO parent VALUES (9)"),
    ] {
        let database = Database::new();
        database.sql(
            "CREATE SCHEMA elsewhere; CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
             CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        );
        let steps = [sql("a", first, "SELECT 1"), sql("b", second, "SELECT 1").depends_on(["a"])];
        let project = project(&steps);
        project.on(&database, &["plan", "--dry-run"]).ok();
        project.on(&database, &["apply"]).ok();
    }
}

/// What only the end of a transaction finds, a dry run finds too, and says of which changeset it is.
#[test]
fn a_dry_run_finds_what_a_commit_would_find() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    );
    let steps = [
        sql("a", "SELECT 1", "SELECT 1"),
        sql("b", "INSERT INTO child VALUES (7)", "DELETE FROM child").depends_on(["a"]),
        sql("c", "INSERT INTO parent VALUES (7)", "DELETE FROM parent").depends_on(["b"]),
    ];
    let project = project(&steps);
    snapshot(
        "rehearsing/a_dry_run_finds_what_a_commit_would_find",
        &project.on(&database, &["plan", "--dry-run"]).refusal(8),
    );
    snapshot("rehearsing/a_dry_run_finds_what_a_commit_would_find-2", &project.on(&database, &["apply"]).refusal(8));
}

/// A step that goes on has its preconditions behind it, and what an earlier run has begun outside of a
/// transaction is left out.
#[test]
fn a_dry_run_goes_on_where_a_run_would() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)");
    let text = "changesets:
  - id: a
    preconditions: [{ not: { columnExists: { table: t, column: m } } }]
    changes:
      - addColumn: { table: t, columns: [{ name: m, type: int }] }
      - createIndex: { name: i, table: t, columns: [n], unique: true, concurrently: true }
";
    let project = Project::new(&[("plans/a.yaml", text)]);
    project.on(&database, &["apply"]).fails(8);
    assert_eq!(project.states(&database), "a=partly");
    database.sql("DELETE FROM t");
    let said = project.on(&database, &["plan", "--dry-run"]).ok();
    assert!(said.contains("rehearsed without CONCURRENTLY"), "{said}");
    // as a run that was killed in the middle of the build
    database.sql("INSERT INTO dagmar.segment (changeset, direction, no, status) VALUES ('a', 'forward', 1, 'started')");
    let json = project.on(&database, &["plan", "--dry-run", "--format", "json"]).json();
    assert_eq!(json["dryRun"]["leftOut"][0]["instead"], "not rehearsed: an earlier run has begun it", "{json}");
    assert_eq!(json["dryRun"]["locks"], json!([]), "{json}");
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "a"]).ok();
}

/// A repeatable that changed and a version that comes back write in a dry run what they write in a run.
#[test]
fn a_dry_run_writes_the_versions_of_repeatables() {
    let view = |query: &str| file(&[view("v", query)]);
    let project = Project::new(&[("plans/v.yaml", &view("SELECT 1 AS n"))]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    project.write("plans/v.yaml", &view("SELECT 2 AS n"));
    // whatever the ledger says to a row that is not as it should be, a dry run hears it
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this row'; END $$;
                  CREATE TRIGGER refuse BEFORE INSERT OR DELETE ON dagmar.superseded FOR EACH ROW EXECUTE FUNCTION refuse()";
    let allow = "DROP TRIGGER refuse ON dagmar.superseded; DROP FUNCTION refuse()";
    for args in [&["plan", "--dry-run"][..], &["rollback", "v", "--dry-run"]] {
        database.sql(refuse);
        snapshot("rehearsing/a_dry_run_writes_the_versions_of_repeatables", &project.on(&database, args).refusal(8));
        database.sql(allow);
        project.on(&database, args).ok();
        if args[0] == "plan" {
            project.on(&database, &["apply"]).ok();
        }
    }
}
