//! Programs that use dagmar as a library: the examples, on a real server.

use crate::support::{Database, project, sql};
use dagmar::base::FailureKind;
use dagmar::ops::{self, Actor, Options, RunSource, TargetSpec, prepare};
use dagmar::pg::ProcessEnv;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A program of `examples`, which Cargo builds along with the tests.
fn example(name: &str, arguments: &[&str]) -> Output {
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_dagmar")).parent().unwrap().join("examples");
    Command::new(folder.join(name)).args(arguments).output().unwrap()
}

fn said(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_program_previews_applies_listens_and_looks() {
    let database = Database::new();
    let project =
        project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a"), sql("b", "CREATE TABLE b ()", "DROP TABLE b")]);
    let folder = project.path().to_str().unwrap().to_owned();
    let lines = said(&example("embed", &[&folder, &database.url()]));
    let of = |begin: &str| lines.iter().filter_map(|l| l.strip_prefix(begin)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(of("to do: "), ["a", "b"]);
    assert_eq!(of("state: "), ["a is applied", "b is applied"]);
    let events = of("event: ");
    assert!(events.iter().any(|e| e.starts_with("RunStarted")), "{events:?}");
    assert_eq!(events.iter().filter(|e| e.starts_with("StepDone")).count(), 2);
    assert_eq!(
        database.sql("SELECT os_user || '@' || host FROM dagmar.run"),
        "embed@example",
        "who acts is what the program says"
    );
    // nothing to do is no run
    assert!(said(&example("embed", &[&folder, &database.url()])).iter().all(|l| !l.starts_with("event: Run")));
    let source = std::fs::read_to_string("examples/embed.rs").unwrap();
    assert!(source.lines().count() <= 40, "an example that fits on a screen");
}

#[test]
fn a_service_brings_its_migrations_along() {
    let database = Database::new();
    assert_eq!(said(&example("startup", &[&database.url()])), ["applied 2 changesets"]);
    assert_eq!(
        database.sql("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'notes'"),
        "id text written_at"
    );
    assert_eq!(said(&example("startup", &[&database.url()])), ["applied 0 changesets"]);
}

/// Instances of a service that start at the same time: one runs, the others wait for it.
#[test]
fn services_may_start_at_the_same_time() {
    let database = Database::new();
    let url = database.url();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || said(&example("startup", &[&url])))
        })
        .collect();
    let mut applied: Vec<String> = starts.into_iter().flat_map(|start| start.join().unwrap()).collect();
    applied.sort();
    assert_eq!(
        applied,
        ["applied 0 changesets", "applied 0 changesets", "applied 0 changesets", "applied 2 changesets"]
    );
}

/// What was confirmed is what runs: a plan that is another one by then is refused.
#[test]
fn what_is_confirmed_is_what_was_seen() {
    let database = Database::new();
    let changesets = [sql("a", "CREATE TABLE a ()", "DROP TABLE a"), sql("b", "CREATE TABLE b ()", "DROP TABLE b")];
    let files = project(&changesets);
    let seen = |url: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let project = ops::Project::open(files.path(), ProcessEnv::of_process()).unwrap();
        let target = project.target(TargetSpec::url(url), Actor::new("who", "here")).unwrap();
        runtime.block_on(async {
            let source = RunSource::files(&target, &[]).unwrap();
            let options = Options::default();
            let prepared = prepare(&target, &source, &options, &mut ()).await.unwrap();
            let digest = prepared.digest();
            let other = prepared.confirmed("p1:of another one").await.err().unwrap();
            assert_eq!(other.kind, FailureKind::Drift);
            digest
        })
    };
    let first = seen(&database.url());
    assert_eq!(seen(&database.url()), first);
    assert_ne!(seen(&Database::new().url()), first, "it is for one database");
    files.write(
        "plans/a.yaml",
        &crate::support::file(&[changesets[0].clone(), sql("b", "CREATE TABLE b (n int)", "DROP TABLE b")]),
    );
    assert_ne!(seen(&database.url()), first);
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'b')"), "0");
}

/// Pending again while a run waited for the lock: it was not in the plan that was shown.
#[test]
fn what_was_not_shown_is_not_run() {
    let database = Database::new();
    let b = sql("b", "CREATE TABLE b ()", "SELECT pg_advisory_xact_lock_shared(77, 1);\nDROP TABLE b");
    let project = project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a"), b.clone()]);
    project.on(&database, &["apply"]).ok();
    project.write("plans/a.yaml", &crate::support::file(&[b, sql("c", "CREATE TABLE c ()", "DROP TABLE c")]));
    let holder = database.hold("SELECT pg_advisory_lock(77, 1)");
    let rolling_back = project.start(&database, &["rollback", "b"]);
    database.until_runs("pg_advisory_xact_lock_shared");
    let mut applying = project.start(&database, &["apply", "--format", "json"]);
    applying.line_with("\"event\":\"waiting\"");
    drop(holder);
    rolling_back.end().ok();
    let run = applying.end();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.out.contains("`b` is pending now and was not when the plan was shown"), "{run:?}");
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname IN ('b', 'c')"), "0");
}
