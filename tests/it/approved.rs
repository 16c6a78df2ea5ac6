//! Sealed plans, approvals and gates together: what an environment asks for has to be there.

use crate::harness::{Database, Project, Run};

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
    assert!(said.contains("is who applies it"), "{said}");
    assert_eq!(database.sql("SELECT to_regnamespace('shop') IS NULL"), "t");
    by(&boss, &["approve", "p.plan", "--reason", "CHG-7"]).ok();
    assert!(by("postgres", &["apply", "p.plan"]).ok().contains("applied 1 changeset(s)"));
    let refused = "SELECT count(*) FROM dagmar.event WHERE kind = 'refused'";
    // nothing could be kept before the first approval made the ledger
    assert_eq!(database.sql(refused), "1");
    let history = by("postgres", &["history", "--verify"]).ok();
    assert!(history.contains("intact"), "{history}");
}
