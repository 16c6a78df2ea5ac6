use super::*;
use crate::base::Ident;
use crate::plan::model::{self, Direction};
use serde_json::json;

fn body() -> Value {
    json!({ "n": 0.1, "big": 1e300, "changes": [{ "sql": { "forward": "CREATE TABLE base ()" } }] })
}

/// The checksum of that body.
fn c() -> String {
    crate::base::checksum::of_value(&body())
}

/// The digest of the step's SQL.
fn d() -> String {
    let step = &plan("staging").steps[0];
    crate::plan::step::digest(&step.segments, &step.rollback)
}

fn plan(environment: &str) -> Plan {
    let segment = json!({
        "mode": "transaction", "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 },
        "statements": [{ "sql": "CREATE TABLE base ()", "change": 0, "kind": "sql", "facts": {} }],
    });
    let digest = "d1:abc04abad149e695d97293cc81c59a63c397d69ab44382febcd41ea981584e92";
    let step = json!({
        "changeset": "a", "direction": "forward", "wave": 1, "why": "pending", "requires": [], "checksum": c(),
        "digest": digest, "body": body(), "segments": [segment],
        "rollback": { "kind": "irreversible", "reason": "it is  \n so" },
    });
    Plan {
        format: model::FORMAT,
        environment: environment.to_owned(),
        direction: Direction::Forward,
        ledger_schema: Ident::new("dagmar").unwrap().as_str().to_owned(),
        steps: vec![serde_json::from_value(step).unwrap()],
        renamed: Vec::new(),
        waiting: Vec::new(),
        blocked: Vec::new(),
        excluded: vec!["b".to_owned()],
        overridden_templates: Vec::new(),
    }
}

fn target() -> SealedTarget {
    SealedTarget {
        system: "7".to_owned(),
        database: "shop".to_owned(),
        installation: Some("i".to_owned()),
        server: 15,
        recorded: 0,
        state: state(&History::default()),
    }
}

fn sealed() -> Sealed {
    let part = |environment: &str| Part {
        environment: environment.to_owned(),
        target: target(),
        before: BTreeMap::new(),
        policy: json!({ "jobs": 4, "beforeApply": [] }),
        plan: plan(environment),
        proofs: vec![SealedProof { changeset: "a".to_owned(), digest: d(), server: 15, at: 900 }],
    };
    let content = Content {
        commit: None,
        format: FORMAT,
        dagmar: "0.1.0".to_owned(),
        author: "ci@build".to_owned(),
        db_user: "ci".to_owned(),
        sealed_at: 1000,
        expires_at: 2000,
        environments: vec![part("staging"), part("production")],
    };
    Sealed::seal(&content).unwrap()
}

#[test]
fn is_read_as_it_was_written() {
    let sealed = sealed();
    let text = sealed.text();
    assert!(text.ends_with("}\n") && !text.trim_end().contains('\n'));
    assert_eq!(Sealed::read(&text).unwrap(), sealed);
    assert_eq!(Sealed::read(&text).unwrap().text(), text);
    assert!(sealed.part("production").is_ok() && sealed.part("dev").is_err());
    assert!(sealed.check_expiry(1999).is_ok());
    assert_eq!(sealed.check_expiry(2000).unwrap_err().kind, FailureKind::Refused);
}

/// Every value of the file, by its path.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), out));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out));
        }
        _ => out.push(path.to_owned()),
    }
}

#[test]
fn whatever_is_edited_is_found() {
    let text = sealed().text();
    let value: Value = serde_json::from_str(&text).unwrap();
    let mut paths = Vec::new();
    leaves(&value, "", &mut paths);
    assert!(paths.len() > 50, "{paths:?}");
    for path in &paths {
        let mut edited = value.clone();
        let place = edited.pointer_mut(path).unwrap();
        *place = match place {
            Value::String(text) => json!(format!("{text} ")),
            Value::Number(n) => json!(n.as_f64().unwrap() * 2.0 + 1.0),
            Value::Bool(yes) => json!(!*yes),
            _ => json!("x"),
        };
        let mut text = String::new();
        exact(&edited, &mut text);
        let failure = Sealed::read(&format!("{text}\n")).unwrap_err();
        // a number that became a fraction is no format any more
        assert_eq!(failure.kind, FailureKind::Drift, "{path}: {failure}");
    }
    // the same values in another layout, or with more beside them
    let more = text.replace(",\"digest\":\"p1:", ",\"digest\":\"p0:x\",\"digest\":\"p1:");
    assert_ne!(more, text);
    for edited in [format!(" {text}"), text.trim_end().to_owned(), text.replace('\n', "\r\n"), more] {
        assert_eq!(Sealed::read(&edited).unwrap_err().kind, FailureKind::Drift, "{edited}");
    }
    let extra = text.replacen("{\"content\"", "{\"a\":1,\"content\"", 1);
    assert_eq!(Sealed::read(&extra).unwrap_err().kind, FailureKind::Drift);
}

#[test]
fn proofs_are_of_its_changesets() {
    let with = |proof: SealedProof| {
        let mut content = sealed().content;
        content.environments[0].proofs = vec![proof];
        Sealed::seal(&content).map_err(|failure| failure.notes[0].to_string())
    };
    let proof = SealedProof { changeset: "a".to_owned(), digest: d(), server: 15, at: 1000 };
    assert!(with(proof.clone()).is_ok());
    let of_other = "the proof of `a` is not of the SQL in its plan";
    assert_eq!(with(SealedProof { digest: "d1:other".to_owned(), ..proof.clone() }).unwrap_err(), of_other);
    let unknown = with(SealedProof { changeset: "b".to_owned(), ..proof.clone() }).unwrap_err();
    assert_eq!(unknown, "the proof of `b` is not of the SQL in its plan");
    let later = with(SealedProof { at: 1001, ..proof }).unwrap_err();
    assert_eq!(later, "the proof of `a` is later than the plan");
}

#[test]
fn an_environment_has_one_plan() {
    let mut value: Value = serde_json::from_str(&sealed().text()).unwrap();
    value["content"]["environments"][1]["environment"] = json!("staging");
    value["digest"] = json!(digest(&value["content"]));
    let mut text = String::new();
    exact(&value, &mut text);
    let failure = Sealed::read(&format!("{text}\n")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Drift);
    assert_eq!(failure.notes[0].to_string(), "it has two plans for the environment `staging`");
}

/// A plan with its digest computed anew by somebody who is not dagmar.
fn resealed(change: impl Fn(&mut Value)) -> Result<Sealed, Failure> {
    let mut value: Value = serde_json::from_str(&sealed().text()).unwrap();
    value["content"]["environments"][1].as_object_mut().unwrap().remove("proofs");
    change(value.pointer_mut("/content/environments/1/plan/steps/0").unwrap());
    value["digest"] = json!(digest(&value["content"]));
    let mut text = String::new();
    exact(&value, &mut text);
    Sealed::read(&format!("{text}\n"))
}

#[test]
fn what_dagmar_would_not_have_sealed_is_refused() {
    let drop = "CREATE TABLE base (); DROP TABLE orders";
    let with_sql = |step: &mut Value, sql: &str| {
        step["segments"][0]["statements"][0]["sql"] = json!(sql);
        let typed: Step = serde_json::from_value(step.clone()).unwrap();
        step["digest"] = json!(crate::plan::step::digest(&typed.segments, &typed.rollback));
    };
    let refused = |change: &dyn Fn(&mut Value), words: &str| {
        let failure = resealed(change).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Drift);
        assert!(failure.notes.iter().any(|n| n.to_string().contains(words)), "{words}: {:?}", failure.notes);
    };
    assert!(resealed(|_| {}).is_ok());
    refused(&|s| s["segments"][0]["statements"][0]["sql"] = json!(drop), "its digest is not that of its SQL");
    refused(&|s| with_sql(s, drop), "one of its statements is 2 statements");
    refused(&|s| with_sql(s, "COMMIT"), "is not allowed in a changeset");
    refused(&|s| with_sql(s, "VACUUM"), "a statement that cannot run in a transaction is in one");
    // an earlier version ran it in the transaction
    let earlier = resealed(|s| with_sql(s, "REINDEX TABLE base")).unwrap_err();
    assert!(earlier.message.contains("this version of dagmar runs outside of one"), "{earlier:?}");
    refused(&|s| s["body"]["changes"][0]["sql"]["forward"] = json!("SELECT 1"), "its checksum is not that");
    refused(
        &|s| s["segments"][0]["statements"][0]["kind"] = json!("createTable"),
        "its change 1 is not a `createTable`",
    );
    refused(&|s| s["direction"] = json!("rollback"), "it is a rollback");
    for mode in ["outside", "batched", "transaction"] {
        let empty = |s: &mut Value| {
            s["segments"][0]["mode"] = json!(mode);
            s["segments"][0]["statements"] = json!([]);
            let typed: Step = serde_json::from_value(s.clone()).unwrap();
            s["digest"] = json!(crate::plan::step::digest(&typed.segments, &typed.rollback));
        };
        refused(&empty, "the wrong number of statements");
    }
    // what it says of its SQL is not listened to
    let lie = resealed(|s| with_sql(s, "DROP TABLE orders")).unwrap();
    let step = &lie.part("production").unwrap().plan.steps[0];
    assert!(step.segments[0].statements[0].facts.loses_data, "{step:?}");
}

#[test]
fn what_is_no_plan_is_refused() {
    let text = sealed().text();
    for (what, words) in [
        ("", "it is not valid JSON"),
        ("hello", "it is not valid JSON"),
        (&text[..text.len() / 2], "it may have been cut off"),
        ("{}", "it has no `content` and `digest`"),
        ("[1]", "it has no `content` and `digest`"),
        ("{\"content\":{},\"digest\":\"\"}\n", "it has no `format`"),
    ] {
        let failure = Sealed::read(what).unwrap_err();
        assert!(failure.notes.iter().any(|n| n.to_string().contains(words)), "{what}: {:?}", failure.notes);
    }
    let newer = text.replacen("\"format\":1,\"sealedAt\"", "\"format\":2,\"sealedAt\"", 1).replacen(
        ",\"expiresAt\":2000,\"format\":1",
        ",\"expiresAt\":2000,\"format\":2",
        1,
    );
    assert_ne!(newer, text);
    assert_eq!(
        Sealed::read(&newer).unwrap_err().message,
        "the sealed plan has the format 2; this version of dagmar supports formats up to 1"
    );
}

fn recorded(run: &str, status: RecordedStatus, digest: &str) -> Recorded {
    Recorded {
        status,
        ordinal: 1,
        checksum: c(),
        digest: digest.to_owned(),
        description: None,
        repeatable: false,
        versions: 0,
        run: run.to_owned(),
        applied_at: 0,
        applied_by: String::new(),
        duration: None,
        reason: None,
        error: None,
        requires: Vec::new(),
        segments: Vec::new(),
    }
}

#[test]
fn a_target_that_moved_is_refused_and_its_own_work_is_no_move() {
    let sealed = sealed();
    let part = sealed.part("production").unwrap();
    let own = BTreeSet::from(["r".to_owned()]);
    let of = |id: &str, r: Recorded| {
        let mut history = History::default();
        history.changesets.insert(id.to_owned(), r);
        part.remaining(&target(), &history, &own).map(|p| p.steps.iter().map(|s| s.why).collect::<Vec<_>>())
    };
    assert_eq!(part.remaining(&target(), &History::default(), &own).unwrap().steps.len(), 1);
    assert_eq!(of("a", recorded("r", RecordedStatus::Applied, &d())).unwrap(), []);
    assert_eq!(of("a", recorded("r", RecordedStatus::Partly, &d())).unwrap(), [StepReason::Resumed]);
    assert_eq!(of("a", recorded("x", RecordedStatus::Failed, &d())).unwrap(), [StepReason::Pending]);
    for (id, r) in [
        ("a", recorded("x", RecordedStatus::Applied, &d())),
        ("a", recorded("r", RecordedStatus::Applied, "d1:e")),
        ("z", recorded("r", RecordedStatus::Applied, &d())),
        ("a", recorded("x", RecordedStatus::Held, &d())),
    ] {
        assert_eq!(of(id, r).unwrap_err().kind, FailureKind::Drift, "{id}");
    }
}

/// What is applied again when it changes was something else before.
#[test]
fn a_repeatable_step_of_its_own_is_no_move() {
    let mut part = sealed().content.environments.remove(0);
    part.plan.steps[0].why = StepReason::Changed;
    let of = |r: Recorded| History { changesets: [("a".to_owned(), r)].into(), ..History::default() };
    let old = of(recorded("old", RecordedStatus::Applied, "d1:old"));
    part.target.state = state(&old);
    part.before = before(&part.plan, &old);
    assert_eq!(part.before.len(), 1);
    let own = BTreeSet::from(["r".to_owned()]);
    let left = |history: &History| part.remaining(&target_of(&part), history, &own).map(|p| p.steps.len());
    assert_eq!(left(&old).unwrap(), 1);
    assert_eq!(left(&of(recorded("r", RecordedStatus::Applied, &d()))).unwrap(), 0);
    assert_eq!(left(&of(recorded("x", RecordedStatus::Applied, &d()))).unwrap_err().kind, FailureKind::Drift);
    assert_eq!(left(&History::default()).unwrap_err().kind, FailureKind::Drift);
}

fn target_of(part: &Part) -> SealedTarget {
    part.target.clone()
}

#[test]
fn another_database_is_refused() {
    let sealed = sealed();
    let part = sealed.part("staging").unwrap();
    let others = [
        SealedTarget { system: "8".to_owned(), ..target() },
        SealedTarget { database: "x".to_owned(), ..target() },
        SealedTarget { installation: Some("j".to_owned()), ..target() },
        SealedTarget { installation: None, ..target() },
        SealedTarget { server: 16, ..target() },
    ];
    for other in others {
        let failure = part.remaining(&other, &History::default(), &BTreeSet::new()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Drift);
        assert!(failure.message.ends_with("nothing was run"), "{failure}");
    }
}
