//! Sealed plans through the service: uploaded, approved by people, run in production.

use crate::support::asked::Asked;
use crate::support::{is_of_plans, until};
use serde_json::{Value, json};

/// The whole way, in production of three environments: uploaded, refused, approved by two people, promoted.
#[test]
fn people_approve_a_plan_and_it_runs_in_production() {
    let mut asked =
        Asked::new("promoteOnly: true\napprovals: { count: 2, services: [postgres], roles: [boss], notAuthor: true }");
    for environment in ["dev", "staging"] {
        asked.three.run(&["apply", "--env", environment, "--select", "a"]).ok();
    }
    let plan = asked.sealed(&["--select", "a"]);
    let digest = plan.rsplit('/').next().unwrap().to_owned();
    // it is there in every form
    let one = format!("/api/v1/plans/{digest}");
    let file = std::fs::read_to_string(asked.three.project.path().join("p.plan")).unwrap();
    let again = asked.upload("ci", file.as_bytes(), 200).json();
    assert_eq!((&again["stored"], &again["alreadyThere"]), (&json!([]), &json!(["production"])));
    let answer = asked.get("tom", &one, 200).json();
    assert_eq!((&answer["environments"][0]["changesets"], &answer["signedBy"]), (&json!(["a"]), &Value::Null));
    assert_eq!(asked.get("tom", &format!("{one}?format=plan"), 200).body, file);
    for (format, words) in [("html", "<title>"), ("markdown", "production")] {
        let text = asked.get("tom", &format!("{one}?format={format}"), 200).body;
        assert!(text.contains(words) && text.contains(&digest[3..]), "{text}");
    }
    let list = asked.get("tom", "/api/v1/plans", 200).json();
    let item = &list["plans"][0];
    assert_eq!((item["digest"].as_str().unwrap(), &list["unread"]), (digest.as_str(), &json!({})));
    assert_eq!(item["environments"][0]["uploadedBy"], "ci@127.0.0.1");
    assert!(item["author"].as_str().unwrap().contains('@') && item["environments"].as_array().unwrap().len() == 1);
    assert_eq!(asked.get("tom", "/api/v1/plans?environment=staging", 200).json()["plans"], json!([]));
    // nobody has approved it
    assert_eq!(asked.counted("ci", &plan), "0 of 2: ");
    let promote = json!({ "promote": true });
    assert_eq!(asked.gate(&plan, &promote, "approvals"), "unmet: 0 of 2");
    assert!(asked.gate(&plan, &json!({}), "promote-only").starts_with("unmet"));
    let run = |asked: &mut Asked, who: &str, status: u16| {
        let look = asked.post(who, &format!("{plan}/preview"), &json!({ "promote": true }), 200).json();
        let body = json!({ "promote": true, "digest": look["digest"] });
        asked.post(who, &format!("{plan}/runs"), &body, status)
    };
    let refused = run(&mut asked, "ci", 403).json();
    assert!(refused["cause"].to_string().contains("[approvals] 0 of 2"), "{refused}");
    // two say yes
    let decide = |asked: &mut Asked, who: &str, word: &str, status: u16| {
        let body = json!({ "reason": format!("{who} has read it") });
        asked.post(who, &format!("{plan}/{word}"), &body, status).json()
    };
    let decided = decide(&mut asked, "ben", "approve", 200);
    assert_eq!((&decided["plan"], &decided["environment"]), (&json!(digest), &json!("production")));
    decide(&mut asked, "tom", "approve", 200);
    let expected = "1 of 2: ben counts, tom is in no required group";
    assert_eq!(asked.counted("ci", &plan), expected);
    run(&mut asked, "ci", 403);
    decide(&mut asked, "eva", "reject", 200);
    let look = asked.post("ci", &format!("{plan}/preview"), &promote, 403).json();
    assert!(look["cause"].to_string().contains("postgres (eva via token eva)"), "{look}");
    decide(&mut asked, "eva", "approve", 200);
    let expected = "2 of 2: ben counts, tom is in no required group, eva was replaced by a later decision, eva counts";
    assert_eq!(asked.counted("ci", &plan), expected);
    let started = run(&mut asked, "ci", 202);
    let place = started.header("location").to_owned();
    until("it is over", || {
        let header = asked.people[0].1.clone();
        !asked.service.ask("GET", &place, &header).json()["finishedAt"].is_null()
    });
    let done = asked.get("ci", &place, 200).json();
    assert_eq!((&done["kind"], &done["phase"], &done["done"]), (&json!("promote"), &json!("done"), &json!(["a"])));
    assert_eq!(asked.three.production.sql("SELECT to_regclass('a') IS NOT NULL"), "t");
    // there is nothing left of it
    run(&mut asked, "ci", 200);
    // the history has person, way and address of each
    for (kind, person) in [("planUploaded", "ci"), ("approved", "ben"), ("rejected", "eva"), ("runStarted", "ci")] {
        let event = &asked.three.history("production", kind)[0];
        assert_eq!((&event["origin"]["way"], &event["origin"]["name"]), (&json!("token"), &json!(person)), "{event}");
        assert_eq!(
            (&event["origin"]["address"], &event["by"]),
            (&json!("127.0.0.1"), &json!(format!("{person}@127.0.0.1")))
        );
        assert_eq!(event["origin"]["request"].as_str().unwrap().len(), 16, "{event}");
    }
    let groups =
        asked.three.production.sql("SELECT origin -> 'groups' FROM dagmar.approval WHERE os_user = 'eva' LIMIT 1");
    assert_eq!(groups, "[\"boss\", \"dba\"]");
    let refusals = asked.three.history("production", "refused");
    let is_gate = |e: &Value| e["detail"]["gates"][0]["gate"] == "approvals" && e["by"] == "ci@127.0.0.1";
    assert!(refusals.iter().any(is_gate), "{refusals:?}");
    asked.three.run(&["history", "--verify", "--env", "production", "--format", "json"]).intact();
    assert!(asked.three.run(&["history", "--env", "production"]).ok().contains("ben has read it; via token ben"));
    asked.get("tom", "/api/v1/plans/p1:none", 404);
    asked.described.all_seen(is_of_plans);
}

/// Who counts, by service and by database role.
#[test]
fn approvals_by_service_and_role() {
    let mut asked = Asked::new("approvals: { count: 2, services: [postgres] }");
    let role = format!("{}_boss", asked.three.production.name);
    asked.three.production.sql(&format!("CREATE ROLE {role} LOGIN SUPERUSER"));
    let plan = asked.sealed(&[]);
    let approve = |asked: &mut Asked, plan: &str, who: &str| {
        asked.post(who, &format!("{plan}/approve"), &json!({ "reason": "read", "expires": "1h" }), 200);
    };
    let by_role = |asked: &Asked, role: &str| {
        let mut command = asked.three.command(&["approve", "p.plan", "--env", "production", "--reason", "read"]);
        command.env("PRODUCTION_URL", asked.three.production.url().replace("user=postgres", &format!("user={role}")));
        crate::support::Run::of(command.output().unwrap()).ok();
    };
    approve(&mut asked, &plan, "ben");
    by_role(&asked, &role);
    assert_eq!(asked.counted("ci", &plan), "2 of 2: ben counts, root counts");
    assert_eq!(asked.gate(&plan, &json!({}), "approvals"), "met: 2 of 2");
    // the role of the service without a person may be anybody
    by_role(&asked, "postgres");
    let expected = "2 of 2: ben counts, root counts, root is the role that applies it";
    assert_eq!(asked.counted("ci", &plan), expected);
    let said = asked.three.run(&["apply", "p.plan", "--env", "production"]).fails(5);
    assert!(said.contains("postgres (ben via token ben) came by the role that applies it"), "{said}");
    // who asks for the run does not count
    let said = asked.counted("ben", &plan);
    assert!(said.starts_with("1 of 2: ben is the person who applies it, root counts"), "{said}");
    // a rejection by the role is another one's than that of the person
    let role_rejects = ["reject", "p.plan", "--env", "production", "--reason", "no"];
    asked.three.run(&role_rejects).ok();
    assert_eq!(asked.get("ci", &format!("{plan}/approvals"), 200).json()["rejected"], json!(true));
    approve(&mut asked, &plan, "eva");
    assert_eq!(asked.get("ci", &format!("{plan}/approvals"), 200).json()["rejected"], json!(true));
    // an author's address is his name
    let mut asked = Asked::new("approvals: { count: 1, services: [postgres], notAuthor: true }");
    let plan = asked.sealed(&[]);
    approve(&mut asked, &plan, "anna");
    assert_eq!(asked.counted("ci", &plan), "0 of 1: anna is an author");
    // without `services` it is one user, who is the service's role
    let mut asked = Asked::new("approvals: { count: 1 }");
    let plan = asked.sealed(&[]);
    asked.post("ben", &format!("{plan}/approve"), &json!({ "reason": "read" }), 200);
    assert_eq!(asked.counted("ci", &plan), "0 of 1: ben is the role that applies it");
    // an environment that requires none
    let mut asked = Asked::new("");
    let plan = asked.sealed(&[]);
    asked.post("ben", &format!("{plan}/approve"), &json!({ "reason": "read" }), 200);
    assert!(asked.counted("ci", &plan).starts_with("0 of null: ben "));
}

/// Roles, reasons, environments that are not there for somebody.
#[test]
fn who_may_upload_and_approve() {
    let mut asked = Asked::new("approvals: { count: 1, services: [postgres] }");
    let plan = asked.sealed(&[]);
    let yes = json!({ "reason": "read" });
    for who in ["ci", "admin"] {
        let refused = asked.post(who, &format!("{plan}/approve"), &yes, 403).json();
        assert_eq!(refused["detail"], "this needs the role `approve`");
    }
    for who in ["ben", "tom"] {
        asked.post(who, &format!("{plan}/preview"), &json!({}), 403);
        asked.post(who, &format!("{plan}/runs"), &json!({ "digest": "x" }), 403);
        asked.upload(who, b"{}", 403);
    }
    asked.post("ben", &format!("{plan}/approve"), &json!({ "reason": " " }), 400);
    asked.post("ben", &format!("{plan}/approve"), &json!({}), 400);
    asked.post("ben", &format!("{plan}/approve"), &json!({ "reason": "x", "expires": "soon" }), 400);
    asked.post("ben", &format!("{plan}/reject"), &json!({ "reason": "x\0" }), 400);
    asked.post("ben", &format!("{}/approve", plan.replace("p1:", "p1:0")), &yes, 404);
    asked.post("ci", &format!("{}/preview", plan.replace("p1:", "p1:0")), &json!({}), 404);
    asked.post("ci", &format!("{plan}/preview"), &json!({ "from": "dev" }), 400);
    asked.post("ci", &format!("{plan}/preview"), &json!({ "promote": true, "from": "nowhere" }), 404);
    asked.post("ci", &format!("{plan}/runs"), &json!({ "digest": "x" }), 403);
    asked.post("ci", &format!("{plan}/runs"), &json!({ "digest": "x", "skipPreflight": true }), 403);
    assert_eq!(asked.three.production.sql("SELECT count(*) FROM dagmar.approval"), "0");
    // who sees staging alone neither sees the plan nor what it has for production
    asked.get("near", &format!("/api/v1/plans/{}", plan.rsplit('/').next().unwrap()), 404);
    asked.post("near", &format!("{plan}/approve"), &yes, 404);
    assert_eq!(asked.get("near", "/api/v1/plans", 200).json()["plans"], json!([]));
    let only = asked.seal("production", &[]);
    asked.upload("near", &only, 404);
    let both = asked.seal("staging,production", &[]);
    let answer = asked.upload("near", &both, 201).json();
    assert_eq!(answer["environments"].as_array().unwrap().len(), 1, "{answer}");
    let one = format!("/api/v1/plans/{}", answer["digest"].as_str().unwrap());
    assert_eq!(asked.get("near", &one, 200).json()["environments"][0]["environment"], "staging");
    asked.get("near", &format!("{one}?format=plan"), 403);
    let shown = asked.get("near", &format!("{one}?format=markdown"), 200).body;
    assert!(shown.contains("staging") && !shown.contains("production"), "{shown}");
    // it is in no ledger of production
    asked.get(
        "ci",
        &format!("/api/v1/environments/production/plans/{}/approvals", answer["digest"].as_str().unwrap()),
        404,
    );
    // the rules of a file hold: the database has moved
    asked.three.run(&["apply", "--env", "production", "--override", "approvals", "--reason", "INC-1"]).ok();
    let refused = asked.post("ben", &format!("{plan}/approve"), &yes, 409).json();
    assert!(refused["detail"].as_str().unwrap().contains("has moved since the plan was sealed"), "{refused}");
    asked.post("ben", &format!("{plan}/reject"), &yes, 200);
}

/// What the ledger cannot keep is a mistake of whoever asks, and an approval for no time replaces none.
#[test]
fn decisions_have_limits() {
    let mut asked = Asked::new("approvals: { count: 1, services: [postgres] }");
    let plan = asked.sealed(&[]);
    let approve = format!("{plan}/approve");
    asked.post("ben", &approve, &json!({ "reason": "read", "expires": "36500d" }), 200);
    let long = "x".repeat(4097);
    for (body, words) in [
        (json!({ "reason": long }), "the reason has 4097 bytes"),
        (json!({ "reason": "x", "expires": "999999999d" }), "an approval cannot be valid for 999999999d"),
        (json!({ "reason": "x", "expires": "36501d" }), "an approval cannot be valid for 36501d"),
        (json!({ "reason": "x", "expires": "0s" }), "an approval cannot be valid for 0s"),
    ] {
        let refused = asked.post("ben", &approve, &body, 400).json();
        assert_eq!((&refused["code"], &refused["detail"]), (&json!("usage"), &json!(words)));
    }
    asked.post("ben", &format!("{plan}/reject"), &json!({ "reason": "é".repeat(2049) }), 400);
    assert_eq!(asked.counted("ci", &plan), "1 of 1: ben counts");
    // as the command line
    let line = ["approve", "p.plan", "--env", "production", "--reason"];
    for more in [&[long.as_str()][..], &["x", "--expires", "0s"], &["x", "--expires", "999999999d"]] {
        asked.three.run(&[&line[..], more].concat()).fails(2);
    }
    asked.post("eva", &approve, &json!({ "reason": "x".repeat(4096) }), 200);
    assert_eq!(asked.three.production.sql("SELECT count(*) FROM dagmar.approval"), "2");
}
