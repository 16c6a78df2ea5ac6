//! Sealed plans, approvals and gates together: what an environment asks for has to be there.

use crate::harness::{Database, Project, Run};
use crate::promoting::{Three, gates};
use crate::running::{table, tables};

#[test]
fn s31_a_plan_runs_when_as_many_agreed_as_the_environment_asks_for() {
    let project = Project::new(&[
        ("dagmar.yaml", "environments:\n  production:\n    url: \"${PRODUCTION}\"\n    approvals: { count: 1 }\n"),
        ("plans/a.yaml", "changesets:\n  - id: a\n    changes: [ { createSchema: { name: shop } } ]\n"),
    ]);
    let database = Database::new();
    let boss = format!("{}_boss", database.name);
    database.sql(&format!("CREATE ROLE {boss} LOGIN SUPERUSER"));
    let by = |role: &str, args: &[&str]| {
        let mut command = project.command(args);
        command.arg("--yes").env("PRODUCTION", database.url().replace("user=postgres", &format!("user={role}")));
        Run::of(command.output().unwrap())
    };
    let said = by("postgres", &["apply"]).fails(5);
    assert!(said.contains("[approvals] 1 approval needed, and the plan is not sealed"), "{said}");
    by("postgres", &["plan", "--out", "p.plan"]).ok();
    let said = by("postgres", &["apply", "p.plan"]).fails(5);
    assert!(said.contains("[approvals] 0 of 1"), "{said}");
    // who applies cannot be who agrees
    by("postgres", &["approve", "p.plan", "--reason", "my own"]).ok();
    let said = by("postgres", &["apply", "p.plan"]).fails(5);
    assert!(said.contains("is the role that applies it"), "{said}");
    assert_eq!(database.sql("SELECT to_regnamespace('shop') IS NULL"), "t");
    by(&boss, &["approve", "p.plan", "--reason", "CHG-7"]).ok();
    assert!(by("postgres", &["apply", "p.plan"]).ok().contains("applied 1 changeset"));
    let refused = "SELECT count(*) FROM dagmar.event WHERE kind = 'refused'";
    // nothing could be kept before the first approval made the ledger
    assert_eq!(database.sql(refused), "1");
    let history = by("postgres", &["history", "--verify"]).ok();
    assert!(history.contains("intact"), "{history}");
}

/// An environment that takes only what is promoted and only what was agreed to: the plan that
/// ran on staging, agreed to for production, when the source has all of it.
#[test]
fn s31_a_sealed_plan_is_promoted() {
    let alone = table("b", "    dependsOn: [a]\n    environments: [production]\n");
    let all = Three::new("promoteOnly: true\napprovals: { count: 1 }", &[table("a", ""), alone]);
    let boss = format!("{}_boss", all.production.name);
    all.production.sql(&format!("CREATE ROLE {boss} LOGIN SUPERUSER"));
    all.run(&["plan", "--for", "staging,production", "--out", "p.plan"]).ok();
    all.run(&["apply", "p.plan", "--env", "staging"]).ok();
    let mut approve = all.command(&["approve", "p.plan", "--env", "production", "--reason", "CHG-8"]);
    approve.env("PRODUCTION_URL", all.production.url().replace("user=postgres", &format!("user={boss}")));

    let promote = ["promote", "p.plan", "--to", "production"];
    all.refused(&promote, "approvals", &["0 of 1"]);
    all.refused(&["apply", "p.plan", "--env", "production"], "promote-only", &["dagmar promote FILE --to production"]);
    let files = all.refused(&["promote", "--to", "production"], "approvals", &["the plan is not sealed"]);
    assert!(files.contains("have it approved, then promote that file"), "{files}");
    Run::of(approve.output().unwrap()).ok();

    // agreed to, and no longer on staging
    all.run(&["rollback", "a", "--env", "staging"]).ok();
    all.refused(&promote, "same-checksum-on-source", &["`a` is not on staging as it is here"]);
    // who has no right to write events leaves one all the same
    let reader = format!("{}_reader", all.production.name);
    all.production.sql(&format!(
        "CREATE ROLE {reader} LOGIN; GRANT USAGE ON SCHEMA dagmar TO {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA dagmar TO {reader}"
    ));
    let mut by_reader = all.command(&promote);
    by_reader.env("PRODUCTION_URL", all.production.url().replace("user=postgres", &format!("user={reader}")));
    Run::of(by_reader.output().unwrap()).fails(5);
    let history = all.run(&["history", "--env", "production", "--kind", "refused"]).ok();
    assert!(history.contains(&reader), "{history}");
    let theirs = format!("SELECT count(*) FROM dagmar.refusal WHERE db_user = '{reader}'");
    assert_eq!(all.production.sql(&theirs), "1", "apart from the chain, until the next run");
    assert_eq!(tables(&all.production), "");
    all.run(&["apply", "--env", "staging"]).ok();

    let check = all.run(&["promote", "p.plan", "--to", "production", "--check", "--format", "json"]);
    let said = gates(&check);
    assert!(said.contains("promote-only=met") && said.contains("approvals=met") && !said.contains("unmet"), "{said}");
    assert_eq!(tables(&all.production), "");
    let said = all.run(&promote).ok();
    assert!(said.contains("promoted 2 changesets from staging to production"), "{said}");
    assert!(all.run(&promote).ok().contains("nothing to promote: production has all of the plan"));
    assert_eq!(all.production.sql("SELECT DISTINCT kind FROM dagmar.run"), "promote");
    let digest = "SELECT count(DISTINCT detail ->> 'plan') FROM dagmar.event WHERE kind IN ('sealedPlan', 'approved')";
    assert_eq!(all.production.sql(digest), "1");
    assert!(all.run(&["history", "--verify", "--env", "production"]).ok().contains("intact"));
    let both = all.run(&["promote", "p.plan", "--to", "production", "--select", "a"]).fails(2);
    assert!(both.contains("--select"), "{both}");
}
