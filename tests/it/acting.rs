//! A program that acts for people: the ledger knows the person, the way and the address.

use crate::support::{Database, Project, project, sql, table};
use dagmar::base::{Failure, FailureKind, Origin};
use dagmar::ops::perform::{Door, perform};
use dagmar::ops::refusal::Attempt;
use dagmar::ops::{self, Actor, Options, Planned, Prepared, RunOutcome, RunSource, Target, TargetSpec, control};
use dagmar::pg::{ProcessEnv, Stop};
use dagmar::run::Observer;
use serde_json::{Value, json};
use std::sync::Arc;

fn origin(request: &str) -> Origin {
    Origin {
        way: "token".to_owned(),
        name: Some("ci".to_owned()),
        address: Some("10.1.2.3".to_owned()),
        request: request.to_owned(),
        key: None,
        groups: vec!["dba".to_owned()],
        content: None,
    }
}

/// `anna@example.org`, for whom the program acts.
fn target(files: &Project, database: &Database, request: &str) -> Target {
    let project = ops::Project::open(files.path(), ProcessEnv::of_process()).unwrap();
    let actor = Actor::through("anna@example.org", "10.1.2.3", origin(request));
    let spec = TargetSpec { environment: Some("default".to_owned()), ..TargetSpec::url(&database.url()) };
    project.target(spec, actor).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Confirms by a digest, or by that of what it is shown.
#[derive(Default)]
struct Asking {
    digest: Option<String>,
    nothing: (),
    met: Vec<&'static str>,
    done: Vec<String>,
}

impl Door for Asking {
    fn listener(&mut self) -> &mut dyn Observer {
        &mut self.nothing
    }

    async fn planned(&mut self, _: &Planned<'_>) -> Result<(), Failure> {
        self.met.push("planned");
        Ok(())
    }

    async fn prepared(&mut self, _: &Prepared<'_>) -> Result<(), Failure> {
        self.met.push("prepared");
        Ok(())
    }

    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure> {
        self.met.push("confirm");
        Ok(self.digest.clone().unwrap_or_else(|| prepared.digest()))
    }

    fn stop(&mut self) -> Arc<Stop> {
        Arc::default()
    }

    fn observer(&mut self) -> Box<dyn Observer + '_> {
        Box::new(())
    }

    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure> {
        self.met.push("finished");
        self.done.clone_from(&outcome.done);
        Ok(())
    }
}

fn asked(target: &Target, mut door: Asking) -> (Result<(), Failure>, Asking) {
    let source = RunSource::files(target, &[]).unwrap();
    let attempt = Attempt { operation: "apply", plan: None };
    let result = block_on(perform(target, &source, None, &Options::default(), attempt, &mut door));
    (result, door)
}

/// The events of one kind, as `history` has them.
fn events(files: &Project, database: &Database, kind: &str) -> Vec<Value> {
    let answer = files.on(database, &["history", "--format", "json", "--kind", kind]).json();
    answer["events"].as_array().unwrap().clone()
}

#[test]
fn a_run_names_the_person_the_way_and_the_address() {
    let (database, files) = (Database::new(), project(&[table("a"), table("b").depends_on(["a"])]));
    let (result, door) = asked(&target(&files, &database, "7f3a9c1e00000001"), Asking::default());
    result.unwrap();
    assert_eq!(door.met, ["planned", "prepared", "confirm", "finished"]);
    assert_eq!(door.done, ["a", "b"]);
    let expected = json!({ "way": "token", "name": "ci", "address": "10.1.2.3", "request": "7f3a9c1e00000001",
        "groups": ["dba"] });
    // all that belongs to the run
    for kind in ["runStarted", "applied", "runFinished"] {
        for event in events(&files, &database, kind) {
            assert_eq!(event["by"], "anna@example.org@10.1.2.3", "{event}");
            assert_eq!(event["origin"], expected, "{event}");
        }
    }
    let text = files.on(&database, &["history"]).ok();
    assert!(text.contains("via token ci"), "{text}");
    assert_eq!(text.matches("via token ci").count(), 1, "{text}");
    // the name of a person may have an @
    for who in ["anna@example.org", "anna@example.org@10.1.2.3", "anna"] {
        let found = files.on(&database, &["history", "--format", "json", "--by", who]).json();
        assert_eq!(found["events"].as_array().unwrap().len(), 4, "{who}");
    }
    let found = files.on(&database, &["history", "--format", "json", "--by", "ann"]).json();
    assert_eq!(found["events"], json!([]));
    files.on(&database, &["history", "--verify"]).ok();
    // nothing to run asks nobody
    let (result, door) = asked(&target(&files, &database, "7f3a9c1e00000002"), Asking::default());
    result.unwrap();
    assert_eq!(door.met, ["planned", "finished"]);
    assert_eq!(events(&files, &database, "runStarted").len(), 1);
    // who acts himself has none
    files.on(&database, &["rollback", "--all"]).ok();
    let own = events(&files, &database, "rolledBack");
    assert!(own.len() == 2 && own.iter().all(|event| event.get("origin").is_none()), "{own:?}");
}

#[test]
fn a_refusal_names_them_too() {
    let (database, files) = (Database::new(), project(&[table("a")]));
    files.on(&database, &["ledger", "install"]).ok();
    let door = Asking { digest: Some("p1:of another plan".to_owned()), ..Asking::default() };
    let (result, door) = asked(&target(&files, &database, "7f3a9c1e00000003"), door);
    assert_eq!(result.unwrap_err().kind, FailureKind::Drift);
    assert_eq!(door.met, ["planned", "prepared", "confirm"]);
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
    let refused = events(&files, &database, "refused");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["origin"]["request"], "7f3a9c1e00000003");
    assert_eq!(refused[0]["by"], "anna@example.org@10.1.2.3");
    let text = files.on(&database, &["history", "--kind", "refused"]).ok();
    assert!(text.contains("via token ci"), "{text}");

    // an unmet gate is recorded by the gates
    files
        .write("dagmar.yaml", "environments:\n  staging: {}\n  default: { promoteFrom: staging, promoteOnly: true }\n");
    let (result, door) = asked(&target(&files, &database, "7f3a9c1e00000004"), Asking::default());
    assert_eq!(result.unwrap_err().kind, FailureKind::Refused);
    assert_eq!(door.met, ["planned", "prepared"], "what is refused is not to be confirmed");
    let refused = events(&files, &database, "refused");
    assert_eq!(refused.len(), 2, "once: {refused:?}");
    assert_eq!(refused[1]["detail"]["gates"][0]["gate"], "promote-only");
    assert_eq!(refused[1]["origin"]["request"], "7f3a9c1e00000004");
}

#[test]
fn pause_resume_and_cancel_name_them_too() {
    let (database, files) = (Database::new(), project(&[sql("long", "SELECT pg_sleep(300)", "SELECT 1")]));
    let run = files.start(&database, &["apply"]);
    database.until_runs("pg_sleep");
    let target = target(&files, &database, "7f3a9c1e00000005");
    block_on(async {
        control::pause(&target, Some("lunch"), &mut ()).await.unwrap();
        control::resume(&target, &mut ()).await.unwrap();
        let cancellation = control::prepare_cancel(&target, &mut ()).await.unwrap();
        cancellation.ask(Some("it takes too long")).await.unwrap();
    });
    let ended = run.end();
    assert_eq!(ended.code, 9, "{ended:?}");
    assert!(ended.err.contains("cancelled by anna@example.org@10.1.2.3: it takes too long"), "{ended:?}");
    for kind in ["paused", "resumed", "cancelAsked"] {
        let found = events(&files, &database, kind);
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        assert_eq!(found[0]["origin"]["request"], "7f3a9c1e00000005", "{found:?}");
        assert_eq!(found[0]["origin"]["way"], "token");
    }
    files.on(&database, &["history", "--verify"]).ok();
}
