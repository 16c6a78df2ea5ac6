mod agreed;

use super::evidence::*;
use super::*;
use crate::history::{Approval, ApprovalVerdict as Said, EventKind, History, Recorded, RecordedStatus as Recording};
use crate::plan::{Direction, Plan, Step};
use crate::source::Environment;
use serde_json::{Value, json};
use std::sync::LazyLock;

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_800_000_000_000;

fn policy(value: Value) -> Environment {
    serde_json::from_value(value).unwrap()
}

fn plan(ids: &[&str]) -> Plan {
    let step = |id: &&str| -> Step {
        serde_json::from_value(json!({
            "changeset": id, "direction": "forward", "wave": 1, "why": "pending", "requires": [], "author": "Anna <anna@x.org>",
            "checksum": "d1:1", "digest": "x", "body": {}, "segments": [{
                "mode": "transaction", "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 },
                "statements": [{ "sql": if *id == "does" { "DO 'x'" } else { "SELECT 1" }, "change": 0, "kind": "sql", "facts": { "losesData": *id == "drops" } }]
            }],
            "rollback": { "kind": "irreversible", "reason": "gone" }
        }))
        .unwrap()
    };
    Plan {
        format: 1,
        environment: "production".to_owned(),
        direction: Direction::Forward,
        ledger_schema: "dagmar".to_owned(),
        steps: ids.iter().map(step).collect(),
        renamed: Vec::new(),
        waiting: Vec::new(),
        blocked: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: Vec::new(),
    }
}

fn recorded(status: Recording, applied_at: i64) -> Recorded {
    Recorded {
        status,
        ordinal: 1,
        checksum: "d1:1".to_owned(),
        digest: String::new(),
        description: None,
        repeatable: false,
        versions: 0,
        run: String::new(),
        applied_at,
        applied_by: String::new(),
        duration: None,
        reason: None,
        error: None,
        requires: Vec::new(),
        segments: Vec::new(),
    }
}

fn staging(rows: &[(&str, Recorded)]) -> Source {
    let changesets = rows.iter().map(|(id, r)| ((*id).to_owned(), r.clone())).collect();
    let history = History { version: 1, now: NOW, changesets, ..History::default() };
    Source { environment: "staging".to_owned(), history, ..Source::default() }
}

/// What is known where nothing is known but policy and plan.
fn about<'a>(policy: &'a Environment, plan: &'a Plan) -> Evidence<'a> {
    static HERE: Value = Value::Null;
    static TARGET: LazyLock<Target> = LazyLock::new(Target::default);
    Evidence {
        environment: "production",
        policy,
        plan,
        sealed: None,
        required: None,
        here: &HERE,
        trusted: &[],
        target: &TARGET,
        source: None,
        missing: &[],
        differing: &[],
        approvals: &[],
        allowed: &[],
        reviewed: policy.lint.refuse.map(|refuse| Reviewed { refuse, findings: &[] }),
        proofs: &[],
    }
}

/// What a gate says: `met …`, `unmet … | remedy`, or nothing.
fn ask(gate: &str, policy: &Environment, plan: &Plan, target: &Target, source: Option<&Source>) -> String {
    ask_with(gate, policy, plan, target, source, &[], None)
}

fn ask_with(
    gate: &str,
    policy: &Environment,
    plan: &Plan,
    target: &Target,
    source: Option<&Source>,
    approvals: &[Approval],
    digest: Option<&str>,
) -> String {
    let sealed = digest.map(|digest| SealedPlan { digest, author: "ci@build", db_user: "sealer", signed_by: None });
    let evidence = Evidence { target, source, approvals, sealed, ..about(policy, plan) };
    let check = ALL.iter().find(|(name, _)| *name == gate).unwrap().1;
    match check(&evidence) {
        Outcome::NotAsked => String::new(),
        Outcome::Met(reason) => format!("met {reason}"),
        Outcome::Unmet { reason, remedy } => format!("unmet {reason} | {remedy}"),
    }
}

#[test]
fn every_file_is_a_gate() {
    let mut files: Vec<String> = std::fs::read_dir("src/gate")
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_string_lossy().replace('_', "-"))
        .filter(|name| !["mod", "evidence", "outcome", "tests"].contains(&name.as_str()))
        .collect();
    files.sort();
    let mut gates = names();
    gates.sort_unstable();
    assert_eq!(files, gates);
}

/// A new gate has its row in the documentation, and in the help.
#[test]
fn every_gate_is_documented() {
    let page = std::fs::read_to_string("docs/promotion.md").unwrap();
    let help = std::fs::read_to_string("src/cli/commands/promote.rs").unwrap().replace("\n///", "");
    for name in names() {
        assert!(page.contains(&format!("| `{name}` |")), "docs/promotion.md: {name}");
        assert!(help.contains(&format!(" {name}")), "src/cli/commands/promote.rs: {name}");
    }
}

#[test]
fn nothing_asked_for_is_nothing_said() {
    let (nothing, plan) = (Environment::default(), plan(&["drops"]));
    let evidence = about(&nothing, &plan);
    assert_eq!(judge(&evidence, &[]), []);
}

#[test]
fn windows_by_the_clock_of_the_wall() {
    let at = |weekday: usize, minutes: u16| Target {
        local: [("Europe/Zurich".to_owned(), Local { date: "2026-11-21".to_owned(), weekday, minutes })].into(),
        ..Target::default()
    };
    let office = policy(
        json!({ "window": { "days": ["mon", "thu"], "from": "09:00", "to": "16:00", "timezone": "Europe/Zurich" } }),
    );
    let night =
        policy(json!({ "window": { "days": ["fri"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich" } }));
    for (policy, weekday, minutes, expected) in [
        (&office, 0, 540, "met open until 16:00; it is mon 09:00 (Europe/Zurich)"),
        (&office, 0, 959, "met"),
        (&office, 0, 539, "unmet closed: it is mon 08:59 (Europe/Zurich) | wait until mon 09:00"),
        (&office, 0, 960, "unmet closed: it is mon 16:00 (Europe/Zurich) | wait until thu 09:00"),
        (&office, 4, 600, "unmet closed: it is fri 10:00 (Europe/Zurich) | wait until mon 09:00"),
        (&night, 4, 1320, "met"),
        (&night, 5, 239, "met"),
        (&night, 5, 240, "unmet closed: it is sat 04:00 (Europe/Zurich) | wait until fri 22:00"),
        (&night, 4, 60, "unmet closed: it is fri 01:00"),
    ] {
        let said = ask("window", policy, &plan(&["a"]), &at(weekday, minutes), None);
        assert!(said.starts_with(expected), "{weekday} {minutes}: {said}");
    }
}

#[test]
fn the_last_day_of_a_freeze_is_part_of_it() {
    let freeze = policy(json!({ "freeze": [{ "from": "2026-12-18", "to": "2027-01-03", "reason": "year end" }] }));
    for (date, frozen) in [("2026-12-17", false), ("2026-12-18", true), ("2027-01-03", true), ("2027-01-04", false)] {
        let local = [("UTC".to_owned(), Local { date: date.to_owned(), weekday: 0, minutes: 0 })].into();
        let said = ask("freeze", &freeze, &plan(&["a"]), &Target { local, ..Target::default() }, None);
        assert_eq!(
            said.starts_with("unmet frozen from 2026-12-18 to 2027-01-03 (UTC): year end"),
            frozen,
            "{date}: {said}"
        );
    }
}

#[test]
fn soak_by_the_clock_that_wrote_the_time() {
    let soak = policy(json!({ "promoteFrom": "staging", "soak": "2d" }));
    let say =
        |rows: &[(&str, Recorded)]| ask("soak", &soak, &plan(&["a", "b"]), &Target::default(), Some(&staging(rows)));
    let (old, young, future) = (NOW - 2 * DAY, NOW - DAY, NOW + 1000);
    let row = |at| recorded(Recording::Applied, at);
    assert_eq!(say(&[("a", row(old)), ("b", row(old))]), "met 2d on staging are over");
    assert_eq!(
        say(&[("a", row(old)), ("b", row(young))]),
        "unmet on staging `b` for 1d of 2d | wait until 2027-01-16T08:00:00Z"
    );
    let said = say(&[("a", row(old)), ("b", row(future))]);
    assert!(said.contains("which is in the future") && said.contains("the clocks differ"), "{said}");
    assert_eq!(ask("soak", &soak, &plan(&["a"]), &Target::default(), None), "");
}

#[test]
fn rates_count_the_last_hour_and_say_when_it_is_over() {
    let rate = policy(json!({ "rate": { "runsPerHour": 2, "changesetsPerHour": 3 } }));
    let at = |minutes: i64| NOW - minutes * 60_000;
    let say = |runs: &[i64], applied: &[i64], ids: &[&str]| {
        let target = Target { runs: runs.to_vec(), applied: applied.to_vec(), ..Target::default() };
        ask("rate", &rate, &plan(ids), &target, None)
    };
    assert_eq!(
        say(&[at(5)], &[at(5), at(4)], &["a"]),
        "met 1 of 2 runs in the last hour; 2 of 3 changesets in the last hour"
    );
    // the older of two runs began 50 minutes ago: in ten minutes it does not count any more
    assert_eq!(
        say(&[at(50), at(1)], &[], &["a"]),
        format!(
            "unmet 2 of 2 runs in the last hour, and 1 more | wait until {}",
            crate::base::time::rfc3339(NOW + 600_000)
        )
    );
    // two of them have to go
    assert_eq!(
        say(&[], &[at(40), at(20), at(10)], &["a", "b"]),
        format!(
            "unmet 3 of 3 changesets in the last hour, and 2 more | wait until {}",
            crate::base::time::rfc3339(NOW + 40 * 60_000)
        )
    );
    let said = say(&[], &[], &["a", "b", "c", "d"]);
    assert!(said.contains("this run has 4 changesets, the limit is 3 in an hour | run fewer at a time"), "{said}");
}

#[test]
fn what_destroys_is_named() {
    let strict = policy(json!({ "allow": [] }));
    let say =
        |policy: &Environment, ids: &[&str]| ask("destructive-allowed", policy, &plan(ids), &Target::default(), None);
    assert_eq!(
        say(&strict, &["a", "drops"]),
        "unmet losesData: `drops`; irreversible: `a`, `drops` | to allow it: `allow=losesData allow=irreversible`"
    );
    assert!(say(&policy(json!({ "allow": ["losesData", "irreversible"] })), &["drops"]).starts_with("met"));
    assert_eq!(say(&policy(json!({})), &["drops"]), "");
    assert_eq!(
        say(&policy(json!({ "allow": ["irreversible"] })), &["a", "does"]),
        "unmet opaque: `does` | to allow it: `allow=opaque`"
    );
}

#[test]
fn trails_follow_one_version() {
    let event = |kind: &str, detail: Value| {
        let kind = EventKind::from_word(kind).unwrap();
        SourceEvent { changeset: "a".to_owned(), kind, at: NOW - DAY, detail }
    };
    let history = staging(&[("a", recorded(Recording::Applied, NOW))]).history;
    let follow = |events: &[SourceEvent]| source_histories(events, &history).remove("a").unwrap();
    let failed = |checksum: &str| event("failed", json!({ "message": "too late", "checksum": checksum }));
    let applied = || event("applied", json!({ "checksum": "d1:1" }));
    // an earlier version failed: that says nothing of this one
    assert_eq!(follow(&[failed("d1:0"), applied()]).failures, [] as [&str; 0]);
    assert_eq!(follow(&[failed("d1:1"), event("retried", json!({})), applied()]).failures, ["too late"]);
    assert_eq!(follow(&[event("failed", json!({ "message": "old" })), applied()]).failures, ["old"]);
    // rolled back and applied again in one go
    let clean = follow(&[failed("d1:1"), applied(), event("rolledBack", json!({})), applied()]);
    assert_eq!((clean.ran.as_deref(), clean.failures.len(), clean.retries), (Some("d1:1"), 0, 0));
    assert_eq!(follow(&[applied(), event("marked", json!({}))]).ran, None);
    // since when it is there is what the history says
    assert_eq!(follow(&[applied()]).since, Some(NOW - DAY));
}

#[test]
fn marks_failures_and_half_done_work_on_the_source() {
    let applied = || recorded(Recording::Applied, NOW);
    let mut source = staging(&[("a", applied())]);
    let say = |gate: &str, source: &Source| {
        ask(gate, &Environment::default(), &plan(&["a"]), &Target::default(), Some(source))
    };
    assert!(say("verify-passed-on-source", &source).starts_with("unmet `a` was only marked on staging, not run"));
    let trail = SourceHistory { ran: Some("d1:1".to_owned()), retries: 2, ..SourceHistory::default() };
    source.trails.insert("a".to_owned(), trail);
    assert_eq!(say("verify-passed-on-source", &source), "met no changeset of this plan has a `verify`");
    assert_eq!(
        say("applied-cleanly-on-source", &source),
        "met no failure on staging; 2 lock timeouts there, tried again"
    );
    source.trails.get_mut("a").unwrap().failures.push("canceling statement due to lock timeout".to_owned());
    let said = say("applied-cleanly-on-source", &source);
    assert!(
        said.starts_with("unmet `a` failed on staging (1 time): canceling statement due to lock timeout"),
        "{said}"
    );
    assert_eq!(say("same-checksum-on-source", &source), "met 1 changeset as on staging");
    source.history.changesets.get_mut("a").unwrap().checksum = "d1:2".to_owned();
    assert!(say("same-checksum-on-source", &source).starts_with("unmet `a` is not on staging as it is here"));
    assert_eq!(say("source-settled", &source), "met nothing is partly applied on staging");
    source.history.changesets.insert("b".to_owned(), recorded(Recording::Partly, NOW));
    assert!(say("source-settled", &source).starts_with("unmet partly applied on staging: `b`"));
    source.running = Some("me@here".to_owned());
    assert!(say("source-settled", &source).starts_with("unmet a run is in progress on staging: me@here"));
}

/// What is written in dagmar.yaml is asked: a policy without a gate would say nothing.
#[test]
fn every_policy_has_a_gate() {
    let policies = json!({
        "allow": [], "window": { "from": "09:00", "to": "10:00" },
        "freeze": [{ "from": "2026-01-01", "to": "2026-01-02", "reason": "x" }], "approvals": { "count": 1 },
        "rate": { "runsPerHour": 1 }, "promoteOnly": true, "signedBy": ["k"], "soak": "1d",
        "lint": { "refuse": "high" }, "proven": { "maxAge": "30d" }, "drift": { "maxAge": "1d" },
    });
    let about_the_connection = ["url", "urlCommand", "urlFile", "urlTimeout", "promoteFrom", "variables"];
    // a retention purges nothing by itself
    let about_the_run = ["limits", "jobs", "transaction", "beforeApply", "attic"];
    let schema = serde_json::to_value(schemars::schema_for!(Environment)).unwrap();
    let known: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    for key in known {
        if about_the_connection.contains(&key.as_str()) || about_the_run.contains(&key.as_str()) {
            continue;
        }
        let value = policies.get(key).unwrap_or_else(|| panic!("`{key}`: give it a gate, and a value here"));
        let mut all = json!({});
        all[key] = value.clone();
        let (policy, plan, source) =
            (policy(all), plan(&["drops"]), staging(&[("drops", recorded(Recording::Applied, NOW))]));
        // a promotion has gates of its own
        let asked = |source: Option<&Source>, policy: &Environment| {
            judge(&Evidence { source, ..about(policy, &plan) }, &[]).len()
        };
        let without = asked(Some(&source), &Environment::default());
        assert_eq!(asked(Some(&source), &policy), without + 1, "{key}");
        if key != "soak" {
            assert_eq!(asked(None, &policy), 1, "{key}");
        }
    }
}

/// Gates that are about changesets that come are not asked about a purge; a plan that cannot be sealed
/// has neither signature nor approvals.
#[test]
fn a_purge_is_asked_for_what_it_destroys_and_when() {
    let policy = policy(json!({
        "allow": [], "rate": { "runsPerHour": 1 }, "promoteOnly": true, "signedBy": ["k"], "approvals": { "count": 1 },
        "freeze": [{ "from": "2026-01-01", "to": "2026-01-02", "reason": "x" }],
        "window": { "from": "00:00", "to": "24:00" },
    }));
    let plan = Plan { direction: Direction::Purge, ..plan(&["drops"]) };
    let verdicts = judge(&about(&policy, &plan), &[]);
    let said: Vec<(&str, GateStatus)> = verdicts.iter().map(|v| (v.gate, v.status)).collect();
    assert_eq!(
        said,
        [
            ("destructive-allowed", GateStatus::Unmet),
            ("window", GateStatus::Met),
            ("freeze", GateStatus::Met),
            ("signed-by", GateStatus::Unmet),
            ("approvals", GateStatus::Unmet)
        ]
    );
}

#[test]
fn an_overridden_gate_is_said_so() {
    let strict = policy(json!({ "allow": [] }));
    let (plan, target) = (plan(&["a"]), Target::default());
    let evidence = Evidence { target: &target, ..about(&strict, &plan) };
    let status = |over: &[String]| judge(&evidence, over).iter().map(|v| v.status).collect::<Vec<_>>();
    assert_eq!(status(&[]), [GateStatus::Unmet]);
    assert_eq!(status(&["destructive-allowed".to_owned()]), [GateStatus::Overridden]);
}

#[test]
fn the_review_refuses_from_its_level_on() {
    use crate::base::{Level, Rule};
    use crate::lint::Finding;
    let finding = |severity| Finding {
        rule: Rule::IndexNotConcurrent,
        severity,
        changeset: "a".to_owned(),
        rollback: false,
        place: None,
        message: String::new(),
        remedy: String::new(),
        safe: None,
    };
    let policy = Environment::default();
    let plan = plan(&["a"]);
    let said = |refuse, severity| {
        let findings = [finding(severity)];
        let reviewed = Some(Reviewed { refuse, findings: &findings });
        match lint::check(&Evidence { reviewed, ..about(&policy, &plan) }) {
            Outcome::NotAsked => String::new(),
            Outcome::Met(reason) => reason,
            Outcome::Unmet { reason, remedy } => format!("{reason} | {remedy}"),
        }
    };
    assert_eq!(said(Level::High, Level::Medium), "the review has no finding of severity high or higher");
    assert!(said(Level::Medium, Level::Blocking).starts_with("`a`: index-not-concurrent (blocking) | "));
    assert!(matches!(lint::check(&about(&policy, &plan)), Outcome::NotAsked));
}
