//! Who agreed, who signed, and what the ledger's owner demands.

use super::*;
use crate::base::Origin;

#[test]
fn approvals_are_of_people_for_one_digest() {
    let word = |by: &str, digest: &str, verdict: Said| Approval {
        by: by.to_owned(),
        role_memberships: vec!["reviewers".to_owned()],
        os_user: by.to_owned(),
        host: "desk".to_owned(),
        at: NOW - 1000,
        expires_at: None,
        digest: digest.to_owned(),
        verdict,
        reason: "because".to_owned(),
        origin: None,
    };
    let yes = |by: &str| word(by, "D", Said::Approve);
    let two =
        policy(json!({ "approvals": { "count": 2, "roles": ["reviewers"], "notAuthor": true, "expires": "1h" } }));
    let target = Target { now: NOW, db_user: "deploy".to_owned(), ..Target::default() };
    let say =
        |approvals: &[Approval], digest| ask_with("approvals", &two, &plan(&["a"]), &target, None, approvals, digest);
    assert!(say(&[yes("ben"), yes("eva")], Some("D")).starts_with("met 2 of 2"));
    assert!(say(&[yes("ben"), yes("eva")], None).contains("the plan is not sealed"));
    assert!(say(&[yes("ben"), word("eva", "other", Said::Approve)], Some("D")).starts_with("unmet 1 of 2 | "));
    assert!(say(&[yes("ben"), yes("ben")], Some("D")).starts_with("unmet 1 of 2"));
    assert!(
        say(&[yes("ben"), yes("deploy")], Some("D"))
            .contains("not counted: deploy (deploy) is the role that applies it")
    );
    assert!(say(&[yes("ben"), yes("anna")], Some("D")).contains("anna (anna) is an author"));
    let stranger = Approval { role_memberships: Vec::new(), ..yes("eva") };
    assert!(say(&[yes("ben"), stranger], Some("D")).contains("eva (eva) is not a member of any required role"));
    for old in [Approval { at: NOW - 3_600_000, ..yes("eva") }, Approval { expires_at: Some(NOW), ..yes("eva") }] {
        assert!(say(&[yes("ben"), old], Some("D")).contains("eva (eva) has expired"));
    }
    assert!(
        say(&[yes("ben"), yes("eva"), word("tom", "D", Said::Reject)], Some("D"))
            .contains("rejected by tom (tom): because")
    );
    // of each person the last word counts
    let back = Approval { at: NOW - 10, ..yes("tom") };
    assert!(say(&[word("tom", "D", Said::Reject), back, yes("ben")], Some("D")).starts_with("met 2 of 2"));
}

/// Who wrote it, who sealed it and who agreed before it was taken back do not count.
#[test]
fn approvals_are_of_others_and_for_once() {
    let strict = policy(json!({ "approvals": { "count": 1, "notAuthor": true } }));
    let lax = policy(json!({ "approvals": { "count": 1 } }));
    let yes = |by: &str, host: &str| Approval {
        by: by.to_owned(),
        role_memberships: Vec::new(),
        os_user: by.to_owned(),
        host: host.to_owned(),
        at: NOW - 1000,
        expires_at: None,
        digest: "D".to_owned(),
        verdict: Said::Approve,
        reason: "because".to_owned(),
        origin: None,
    };
    let target = Target { now: NOW, ..Target::default() };
    let say = |policy: &Environment, plan: &Plan, target: &Target, approval: Approval| {
        ask_with("approvals", policy, plan, target, None, &[approval], Some("D"))
    };
    let written = plan(&["a"]);
    assert!(say(&strict, &written, &target, yes("eva", "desk")).starts_with("met"));
    for (by, host) in [("sealer", "desk"), ("ci", "build")] {
        let said = say(&strict, &written, &target, yes(by, host));
        assert!(said.contains("sealed the plan"), "{said}");
        assert!(say(&lax, &written, &target, yes(by, host)).starts_with("met"));
    }
    for author in [None, Some("  ".to_owned())] {
        let mut unsigned = plan(&["a"]);
        unsigned.steps[0].author = author;
        let said = say(&strict, &unsigned, &target, yes("eva", "desk"));
        assert!(said.starts_with("unmet `a` has no author"), "{said}");
        assert!(say(&lax, &unsigned, &target, yes("eva", "desk")).starts_with("met"));
    }
    let after = Target { rolled_back: Some(NOW - 500), ..target.clone() };
    let said = say(&lax, &written, &after, yes("eva", "desk"));
    assert!(said.contains("approved before it was rolled back here"), "{said}");
    let before = Target { rolled_back: Some(NOW - 5000), ..target };
    assert!(say(&lax, &written, &before, yes("eva", "desk")).starts_with("met"));
}

/// A service speaks for people with one database role: who counts, and why not.
#[test]
fn approvals_of_people_through_a_service() {
    let request = |groups: &[&str]| Origin {
        way: "token".to_owned(),
        name: Some("laptop".to_owned()),
        address: None,
        request: "0123456789abcdef".to_owned(),
        key: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        content: None,
    };
    let word = |by: &str, person: &str, origin: Option<Origin>| Approval {
        by: by.to_owned(),
        role_memberships: vec!["boss".to_owned()],
        os_user: person.to_owned(),
        host: "10.1.2.3".to_owned(),
        at: NOW - 1000,
        expires_at: None,
        digest: "D".to_owned(),
        verdict: Said::Approve,
        reason: "because".to_owned(),
        origin,
    };
    let through = |person: &str| word("service", person, Some(request(&["boss"])));
    let direct = |role: &str| word(role, role, None);
    let rules = |more: Value| {
        let mut rules = json!({ "count": 2, "services": ["service"] });
        rules.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        policy(json!({ "approvals": rules }))
    };
    let runs = |db_user: &str, person: Option<&str>| Target {
        now: NOW,
        db_user: db_user.to_owned(),
        os_user: person.unwrap_or("root").to_owned(),
        person: person.map(str::to_owned),
        ..Target::default()
    };
    let (by_cli, by_ben) = (runs("deploy", None), runs("service", Some("ben")));
    let none = policy(json!({ "approvals": { "count": 2 } }));
    let named = rules(json!({}));
    let boss = rules(json!({ "roles": ["boss"] }));
    let strict = rules(json!({ "notAuthor": true }));
    let say = |policy: &Environment, target: &Target, approvals: &[Approval]| {
        ask_with("approvals", policy, &plan(&["a"]), target, None, approvals, Some("D"))
    };
    let lone = word("service", "zoe", Some(request(&[])));
    for (why, policy, target, approvals, expected) in [
        ("two people", &named, &by_cli, vec![through("eva"), through("tom")], "met 2 of 2"),
        ("one role without the key", &none, &by_cli, vec![through("eva"), through("tom")], "unmet 1 of 2"),
        ("the same person twice", &named, &by_cli, vec![through("eva"), through("Eva")], "unmet 1 of 2"),
        ("both doors", &named, &by_cli, vec![through("eva"), direct("tom")], "met 2 of 2"),
        ("one name by both doors", &named, &by_cli, vec![through("Eva"), direct("eva")], "unmet 1 of 2"),
        ("another runs it", &named, &by_ben, vec![through("eva"), through("tom")], "met 2 of 2"),
        (
            "he runs it himself",
            &named,
            &by_ben,
            vec![through("eva"), through("Ben")],
            "service (Ben via token laptop) is the person who applies it",
        ),
        (
            "he approved by his role",
            &named,
            &by_ben,
            vec![through("eva"), direct("ben")],
            "ben (ben) is the person who applies it",
        ),
        (
            "he applies with his role",
            &named,
            &runs("eva", None),
            vec![through("eva"), through("tom")],
            "is who applies it",
        ),
        (
            "he applies as himself",
            &named,
            &Target { os_user: "tom".to_owned(), ..by_cli.clone() },
            vec![through("eva"), through("tom")],
            "is who applies it",
        ),
        (
            "the role of the service by hand",
            &named,
            &runs("service", None),
            vec![through("eva"), through("tom")],
            "came by the role that applies it",
        ),
        (
            "the role itself approved",
            &named,
            &by_ben,
            vec![through("eva"), direct("service")],
            "service (service) is the role that applies it",
        ),
        (
            "without the key it is the role",
            &none,
            &by_ben,
            vec![through("eva"), direct("tom")],
            "is the role that applies it",
        ),
        ("groups", &boss, &by_cli, vec![through("eva"), through("tom")], "met 2 of 2"),
        (
            "the roles of the service are not his",
            &boss,
            &by_cli,
            vec![through("eva"), lone],
            "service (zoe via token laptop) is in no required group",
        ),
        (
            "a name is no group",
            &boss,
            &by_cli,
            vec![through("eva"), word("service", "boss", Some(request(&[])))],
            "is in no required group",
        ),
        ("the author", &strict, &by_cli, vec![through("eva"), through("anna")], "is an author"),
        ("the author's address", &strict, &by_cli, vec![through("eva"), through("Anna@example.org")], "is an author"),
        ("who sealed it", &strict, &by_cli, vec![through("eva"), through("ci")], "sealed the plan"),
        ("whose role sealed it", &strict, &by_cli, vec![through("eva"), through("sealer")], "sealed the plan"),
        (
            "who sealed it, by an address",
            &strict,
            &by_cli,
            vec![through("eva"), through("CI@example.org")],
            "sealed the plan",
        ),
        (
            "he runs it himself, by an address",
            &named,
            &by_ben,
            vec![through("eva"), through("ben@example.org")],
            "is the person who applies it",
        ),
        ("another address", &strict, &by_cli, vec![through("eva"), through("annabel@example.org")], "met 2 of 2"),
    ] {
        let said = say(policy, target, &approvals);
        assert!(said.contains(expected), "{why}: {said}");
        assert_eq!(said.starts_with("met"), expected.starts_with("met"), "{why}: {said}");
    }
    // a rejection is that of a person, and only this person takes it back
    let no = Approval { verdict: Said::Reject, at: NOW - 5000, ..through("eva") };
    let said = say(&named, &by_cli, &[no.clone(), through("tom"), through("ben")]);
    assert!(said.contains("rejected by service (eva via token laptop)"), "{said}");
    assert!(say(&named, &by_cli, &[no.clone(), through("tom"), through("eva")]).starts_with("met 2 of 2"));
    // also where the service is one role for everybody
    let said = say(&none, &by_cli, &[no, through("tom"), direct("service")]);
    assert!(said.contains("rejected by service (eva via token laptop)"), "{said}");
}

#[test]
fn signatures_are_by_keys_that_are_named() {
    let signed = policy(json!({ "signedBy": ["release.key.pub"] }));
    let plan = plan(&["a"]);
    let say = |policy: &Environment, trusted: &[Result<String, String>], by: Option<Option<&str>>| {
        let sealed = by.map(|signed_by| SealedPlan { digest: "D", author: "ci@build", db_user: "sealer", signed_by });
        let evidence = Evidence { sealed, trusted, ..about(policy, &plan) };
        let verdicts = judge(&evidence, &[]);
        verdicts.first().map_or(String::new(), |v| format!("{} {} {}", v.gate, v.status.word(), v.reason))
    };
    let keys = [Ok("K1".to_owned()), Ok("K2".to_owned())];
    assert_eq!(say(&signed, &keys, None), "signed-by unmet the plan is not sealed");
    assert_eq!(say(&signed, &keys, Some(None)), "signed-by unmet the sealed plan is not signed");
    assert_eq!(say(&signed, &keys, Some(Some("K3"))), "signed-by unmet the sealed plan is signed with another key: K3");
    assert_eq!(say(&signed, &keys, Some(Some("K2"))), "signed-by met signed with the key K2");
    assert_eq!(say(&signed, &[Err("`x`: gone".to_owned())], Some(Some("K1"))), "signed-by unmet `x`: gone");
    assert_eq!(say(&policy(json!({})), &[], Some(None)), "");
}

#[test]
fn proofs_are_of_this_form_on_this_version() {
    let (any, fresh) = (policy(json!({ "proven": {} })), policy(json!({ "proven": { "maxAge": "1h" } })));
    let plan = plan(&["a"]);
    let target = Target { major: 17, ..Target::default() };
    let say = |policy: &Environment, digest: &str, major: i32, age: i64| {
        let proofs = [Proof { digest: digest.to_owned(), major, age }];
        let verdicts = judge(&Evidence { proofs: &proofs, target: &target, ..about(policy, &plan) }, &[]);
        verdicts.first().map_or(String::new(), |v| format!("{} {} {}", v.gate, v.status.word(), v.reason))
    };
    let digest = plan.steps[0].digest.clone();
    assert_eq!(say(&any, &digest, 17, 7_200_000), "proven met all changesets are proven on PostgreSQL 17");
    assert_eq!(say(&any, "another", 17, 0), "proven unmet `a` is not proven in this form");
    assert_eq!(say(&any, &digest, 15, 0), "proven unmet `a` is proven on PostgreSQL 15 and not on 17");
    assert_eq!(say(&fresh, &digest, 17, 7_200_000), "proven unmet the proof of `a` is too old");
    assert!(say(&fresh, &digest, 17, 3_600_000).starts_with("proven met"));
    assert_eq!(say(&policy(json!({})), "another", 17, 0), "");
}

#[test]
fn nobody_goes_past_what_the_owner_demands() {
    let (policy, plan) = (Environment::default(), plan(&["a"]));
    let (required, weaker) = (json!({ "soak": "7d", "allow": [] }), json!({ "allow": ["rewrites"] }));
    let say = |here: &Value| {
        let over = ["required-policy".to_owned()];
        judge(&Evidence { required: Some(&required), here, ..about(&policy, &plan) }, &over)
    };
    assert_eq!(say(&required)[0].status, GateStatus::Met);
    let said = &say(&weaker)[0];
    assert_eq!(said.status, GateStatus::Unmet);
    assert!(said.reason.ends_with("owner: allow, soak"), "{}", said.reason);
    assert!(!overridable().contains(&"required-policy") && overridable().len() + 1 == names().len());
}
