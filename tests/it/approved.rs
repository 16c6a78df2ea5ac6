//! Sealed plans, approvals and gates together: what an environment asks for has to be there.

use crate::support::{Database, Project, Run, Three, gates, snapshot, table, tables};

#[test]
fn a_plan_runs_when_as_many_agreed_as_the_environment_asks_for() {
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
    snapshot(
        "approved/a_plan_runs_when_as_many_agreed_as_the_environment_asks_for",
        &by("postgres", &["apply"]).refusal(5),
    );
    by("postgres", &["plan", "--out", "p.plan"]).ok();
    snapshot(
        "approved/a_plan_runs_when_as_many_agreed_as_the_environment_asks_for-2",
        &by("postgres", &["apply", "p.plan"]).refusal(5),
    );
    // who applies cannot be who agrees
    by("postgres", &["approve", "p.plan", "--reason", "my own"]).ok();
    snapshot(
        "approved/a_plan_runs_when_as_many_agreed_as_the_environment_asks_for-3",
        &by("postgres", &["apply", "p.plan"]).refusal(5),
    );
    assert_eq!(database.sql("SELECT to_regnamespace('shop') IS NULL"), "t");
    by(&boss, &["approve", "p.plan", "--reason", "CHG-7"]).ok();
    assert_eq!(by("postgres", &["apply", "p.plan", "--format", "json"]).applied(), "a");
    let refused = "SELECT count(*) FROM dagmar.event WHERE kind = 'refused'";
    // nothing could be kept before the first approval made the ledger
    assert_eq!(database.sql(refused), "1");
    by("postgres", &["history", "--verify", "--format", "json"]).intact();
}

/// An environment that accepts only promotions and only what was agreed to: the plan that
/// ran on staging, agreed to for production, when the source has all of it.
#[test]
fn a_sealed_plan_is_promoted() {
    let alone = table("b").depends_on(["a"]).environments(["production"]);
    let all = Three::new("promoteOnly: true\napprovals: { count: 1 }", &[table("a"), alone]);
    let boss = format!("{}_boss", all.production.name);
    all.production.sql(&format!("CREATE ROLE {boss} LOGIN SUPERUSER"));
    all.run(&["plan", "--for", "staging,production", "--out", "p.plan"]).ok();
    all.run(&["apply", "p.plan", "--env", "staging"]).ok();
    let mut approve = all.command(&["approve", "p.plan", "--env", "production", "--reason", "CHG-8"]);
    approve.env("PRODUCTION_URL", all.production.url().replace("user=postgres", &format!("user={boss}")));

    let promote = ["promote", "p.plan", "--to", "production"];
    all.refused(&promote, "approvals", "approvals-missing");
    all.refused(&["apply", "p.plan", "--env", "production"], "promote-only", "promote-only-of-a-sealed-plan");
    let files = all.refused(&["promote", "--to", "production"], "approvals", "approvals-of-files");
    assert!(files.contains("have it approved, then promote that file"), "{files}");
    Run::of(approve.output().unwrap()).ok();

    // agreed to, and no longer on staging
    all.run(&["rollback", "a", "--env", "staging"]).ok();
    all.refused(&promote, "same-checksum-on-source", "not-on-the-source-as-here");
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
    let promote = [&promote[..], &["--format", "json"]].concat();
    let run = all.run(&promote);
    assert_eq!((&run.events("gates")[0]["from"], run.applied().as_str()), (&"staging".into(), "a b"));
    assert_eq!(all.run(&promote).applied(), "");
    assert_eq!(all.production.sql("SELECT DISTINCT kind FROM dagmar.run"), "promote");
    let digest = "SELECT count(DISTINCT detail ->> 'plan') FROM dagmar.event WHERE kind IN ('sealedPlan', 'approved')";
    assert_eq!(all.production.sql(digest), "1");
    all.run(&["history", "--verify", "--env", "production", "--format", "json"]).intact();
    snapshot(
        "approved/a_sealed_plan_is_promoted",
        &all.run(&["promote", "p.plan", "--to", "production", "--select", "a"]).refusal(2),
    );
}
