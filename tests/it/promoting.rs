//! From dev over staging to production: what a promotion takes, what the gates refuse, and
//! that nothing runs then. Three databases, as three environments of one project.

use crate::support::{Database, PROMOTE, Run, Running, Three, applied_at, gates, snapshot, sql, table, tables};
use serde_json::json;

#[test]
fn production_gets_what_staging_has() {
    let (a, b) = (table("a"), table("b").depends_on(["a"]));
    let all = Three::new("beforeApply: [{ run: [touch, backup] }]", &[a.clone(), b.clone()]);
    let backup = all.project.path().join("backup");
    all.run(&["apply", "--env", "staging"]).ok();
    // written later: dev has it, staging has not
    all.plans(&[a, b, table("c").depends_on(["b"])]);
    all.run(&["apply", "--env", "dev"]).ok();
    let check = &["promote", "--to", "production", "--check"];
    snapshot("promote/check", &all.run(check).ok());
    assert!(all.production.sql("SELECT to_regnamespace('dagmar') IS NULL") == "t", "a check leaves no trace");
    assert!(!backup.exists(), "a check runs no hook");
    snapshot("promote/promoted", &all.run(PROMOTE).ok());
    assert_eq!((tables(&all.production).as_str(), all.production.ledger().as_str()), ("a b", "a=applied b=applied"));
    assert_eq!(all.production.sql("SELECT DISTINCT kind FROM dagmar.run"), "promote");
    assert!(backup.exists(), "its hooks are run");
    let checksums = "SELECT string_agg(checksum, ' ' ORDER BY id) FROM dagmar.changeset";
    assert_eq!(all.production.sql(checksums), all.staging.sql(checksums));
    snapshot("promote/nothing-to-promote", &all.run(PROMOTE).ok());
    snapshot("promote/check-of-nothing", &all.run(check).ok());
    // the way through all of them
    all.run(&["promote", "--to", "staging"]).ok();
    let run = all.run(&["promote", "--from", "staging", "--to", "production", "--format", "json"]);
    assert!(
        gates(&run).starts_with("source-settled=met same-checksum-on-source=met dependencies-present=met"),
        "{run:?}"
    );
    assert_eq!(run.applied(), "c");
    all.run(&["history", "--env", "production", "--verify", "--format", "json"]).intact();
}

#[test]
fn the_order_is_kept() {
    let all = Three::new("", &[table("a")]);
    all.run(&["apply", "--env", "dev"]).ok();
    for (args, code, text) in [
        (&["promote", "--from", "dev", "--to", "production"][..], 2, "from-another-environment"),
        (&["promote", "--from", "nowhere", "--to", "dev"], 2, "from-no-environment"),
        (&["promote", "--from", "production", "--to", "dev"], 2, "backwards"),
        (&["promote", "--to", "dev"], 2, "the-first-environment"),
        (&["promote"], 2, "no-target"),
        (&["promote", "--to", "prod"], 2, "to-no-environment"),
        // staging was never applied to
        (PROMOTE, 5, "from-no-ledger"),
        (&["promote", "--to", "production", "--override", "windows", "--reason", "x"], 2, "override-of-no-gate"),
        (&["promote", "--to", "production", "--override", "window"], 2, "override-without-a-reason"),
        (
            &["promote", "--to", "production", "--override", "window", "--reason", " "],
            2,
            "override-with-an-empty-reason",
        ),
    ] {
        snapshot(&format!("promote/{text}"), &all.run(args).refusal(code));
    }
    assert_eq!(tables(&all.production), "");
    // a ring, or a name that nobody has
    let ring = "environments:\n  staging: { promoteFrom: production }\n  production: { promoteFrom: staging }\n";
    all.project.write("dagmar.yaml", ring);
    snapshot("promote/environments-in-a-ring", &all.run(PROMOTE).fails(3));
    all.project.write("dagmar.yaml", "environments:\n  stage: {}\n  production: { promoteFrom: staging }\n");
    snapshot("promote/promoteFrom-of-no-environment", &all.run(PROMOTE).fails(3));
}

#[test]
fn what_was_edited_since_staging_is_refused() {
    let all = Three::new("", &[table("a"), table("b")]);
    all.run(&["apply", "--env", "staging"]).ok();
    all.plans(&[sql("a", "CREATE TABLE a (n bigint)", "DROP TABLE a"), table("b")]);
    all.refused(PROMOTE, "same-checksum-on-source", "edited-since-the-source");
    // no ledger, so no event; what is not edited may go on its own
    all.run(&["promote", "--to", "production", "--select", "b"]).ok();
    assert_eq!(tables(&all.production), "b");
    all.refused(PROMOTE, "same-checksum-on-source", "edited-since-the-source");
    assert_eq!(all.events("refused"), "1");
    let events = all.history("production", "refused");
    assert_eq!(
        (&events[0]["detail"]["command"], &events[0]["detail"]["gates"][0]["gate"]),
        (&json!("promote"), &json!("same-checksum-on-source")),
        "{events:?}"
    );
    // its file is gone
    all.plans(&[table("b")]);
    all.refused(PROMOTE, "same-checksum-on-source", "file-is-gone");
    // what both have and was edited since is drift, as ever
    all.plans(&[table("a"), sql("b", "CREATE TABLE b (n bigint)", "DROP TABLE b")]);
    let error = all.run(&[PROMOTE, &["--format", "json"]].concat()).error(4);
    assert_eq!(error["kind"], "drift");
    snapshot("promote/edited-in-both", &all.run(PROMOTE).refusal(4));
    all.plans(&[table("a"), table("b")]);
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b");
}

#[test]
fn a_half_migrated_source_is_refused() {
    let long = "CREATE TABLE b (n int);\n-- segment\nSELECT 1 / n FROM switch";
    let all = Three::new("", &[table("a"), sql("b", long, "DROP TABLE b")]);
    for database in [&all.staging, &all.production] {
        database.sql("CREATE TABLE switch AS SELECT 0 AS n");
    }
    all.run(&["apply", "--env", "staging"]).fails(8);
    all.refused(PROMOTE, "source-settled", "half-done-on-the-source");
    all.staging.sql("UPDATE switch SET n = 1");
    all.run(&["apply", "--env", "staging"]).ok();
    // it has failed there before it held: that is no evidence
    all.production.sql("UPDATE switch SET n = 1");
    all.refused(PROMOTE, "applied-cleanly-on-source", "failed-on-the-source");
    all.run(&["rollback", "b", "--env", "staging"]).ok();
    all.run(&["apply", "--env", "staging"]).ok();
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b switch");
}

#[test]
fn a_run_on_the_source_is_waited_for_by_people() {
    let all = Three::new("", &[table("a"), sql("b", "SELECT pg_sleep(60)", "SELECT 1").depends_on(["a"])]);
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let running = Running::of(all.command(&["apply", "--env", "staging"]));
    all.staging.until_runs("pg_sleep(60)");
    all.refused(PROMOTE, "source-settled", "run-on-the-source");
    all.staging.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    running.signal("KILL");
    let _ = running.end();
}

#[test]
fn a_source_that_is_unreachable_or_the_target_itself_is_refused() {
    let all = Three::new("", &[table("a")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let mut command = all.command(PROMOTE);
    let run = Run::of(command.env("STAGING_URL", "postgres:///gone?host=/nowhere&user=x").output().unwrap());
    snapshot("promote/from-an-unreachable-server", &run.refusal(7));
    let mut command = all.command(PROMOTE);
    let run = Run::of(command.env("PRODUCTION_URL", all.staging.url()).output().unwrap());
    snapshot("promote/to-the-same-database", &run.refusal(2));
    let mut command = all.command(PROMOTE);
    let run = Run::of(command.env_remove("STAGING_URL").output().unwrap());
    snapshot("promote/from-a-url-without-its-variable", &run.refusal(2));
    assert_eq!(tables(&all.production), "");
}

#[test]
fn what_is_missing_or_was_only_marked_is_refused() {
    let two = [table("a"), table("b").depends_on(["a"])];
    let all = Three::new("", &two);
    all.run(&["mark", "skipped", "a", "--reason", "not here", "--env", "staging"]).ok();
    all.staging.sql("CREATE TABLE a (n int)");
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "dependencies-present", "skipped-on-the-source");
    // marked as applied by hand: its checks were never asked
    let all = Three::new("", &two);
    all.staging.sql("CREATE TABLE a (n int)");
    all.run(&["mark", "applied", "a", "--reason", "was there before", "--env", "staging"]).ok();
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "verify-passed-on-source", "only-marked-on-the-source");
    all.refused(&["promote", "--to", "production", "--select", "b"], "dependencies-present", "not-selected");
    // held in production: a decision of somebody, and no gate
    all.run(&["mark", "held", "a", "--reason", "not yet", "--env", "production"]).ok();
    snapshot("promote/held-in-the-target", &all.run(PROMOTE).ok());
}

#[test]
fn what_staging_never_gets_comes_along_where_it_is_needed() {
    let only = |id: &str| table(id).environments(["production"]);
    let all = Three::new("promoteOnly: true", &[only("roles"), table("b").depends_on(["roles"]), only("alone")]);
    all.run(&["apply", "--env", "staging"]).ok();
    assert_eq!(all.run(&[PROMOTE, &["--format", "json"]].concat()).applied(), "b roles");
    assert_eq!(tables(&all.production), "b roles");
    all.run(&["promote", "--to", "production", "--select", "alone"]).ok();
    assert_eq!(tables(&all.production), "alone b roles");
}

#[test]
fn of_two_promotions_at_once_one_promotes() {
    let all = Three::new("", &[sql("a", "SELECT pg_sleep(1.5);\nCREATE TABLE a ()", "DROP TABLE a"), table("b")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let promote = [PROMOTE, &["--format", "json"]].concat();
    let first = Running::of(all.command(&promote));
    all.production.until_runs("pg_sleep(1.5)");
    let second = all.run(&promote);
    assert_eq!(second.events("waiting").len(), 1, "{second:?}");
    assert_eq!((second.applied().as_str(), first.end().applied().as_str()), ("", "a b"));
    assert_eq!(
        all.production.sql("SELECT count(*), count(DISTINCT run) FROM dagmar.event WHERE kind = 'applied'"),
        "2|1"
    );
}

/// What was evidence when it was looked at first is none when the lock is there.
#[test]
fn evidence_is_read_again_under_the_lock() {
    let all = Three::new("soak: 1d", &[table("a"), sql("slow", "SELECT pg_sleep(4)", "SELECT 1")]);
    all.run(&["apply", "--env", "staging"]).ok();
    applied_at(&all.staging, "a", "- interval '3 days'");
    applied_at(&all.staging, "slow", "- interval '3 days'");
    let first = Running::of(all.command(&["apply", "--env", "production", "--select", "slow"]));
    all.production.until_runs("pg_sleep(4)");
    let second = Running::of(all.command(&[PROMOTE, &["--format", "json"]].concat()));
    // it has seen that all gates are met, and waits for the lock
    all.production.until(
        "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dagmar lock'",
    );
    applied_at(&all.staging, "a", "");
    first.end().ok();
    let second = second.end();
    assert_eq!(second.events("waiting").len(), 1, "{second:?}");
    assert_eq!(second.error(5)["kind"], "refused");
    let notes = second.error(5)["notes"].to_string();
    assert!(notes.contains("[soak] on staging `a` for"), "{notes}");
    assert_eq!((tables(&all.production).as_str(), all.events("refused").as_str()), ("", "1"));
}

/// Lock timeouts that were tried again are no failure, and said.
#[test]
fn lock_timeouts_on_the_source_are_told() {
    let all = Three::new(
        "",
        &[
            table("a"),
            sql("b", "ALTER TABLE a ADD m int", "ALTER TABLE a DROP m")
                .depends_on(["a"])
                .with("limits", json!({ "lockTimeout": "100ms", "lockRetries": 1000 })),
        ],
    );
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let holder = all.staging.hold("LOCK TABLE a");
    let run = Running::of(all.command(&["apply", "--env", "staging"]));
    all.staging.until("SELECT count(*) > 0 FROM dagmar.event WHERE kind = 'retried' AND changeset = 'b' AND detail ->> 'sqlstate' = '55P03'");
    drop(holder);
    run.end().ok();
    let check = all.run(&[PROMOTE, &["--check", "--format", "json"]].concat());
    assert!(gates(&check).contains("applied-cleanly-on-source=met"), "{check:?}");
    let reason = check.json()["gates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["gate"] == "applied-cleanly-on-source")
        .unwrap()["reason"]
        .clone();
    // how often is not said
    let reason: String = reason.as_str().unwrap().chars().filter(|c| !c.is_ascii_digit()).collect();
    snapshot("gates/lock-timeouts-on-the-source", &reason);
    all.run(PROMOTE).ok();
    all.run(&["history", "--env", "staging", "--verify", "--format", "json"]).intact();
}

/// Expand and contract over releases, two such changes open at the same time.
#[test]
fn soak_on_edges_is_measured_in_each_environment() {
    let contract = |id: &str, on: &str| {
        table(id).with("phase", "contract").with("dependsOn", json!([{ "id": on, "soak": "30d" }]))
    };
    let all = Three::new("", &[table("one"), table("two"), contract("one-end", "one"), contract("two-end", "two")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let back = |database: &Database, environment: &str, id: &str| {
        database.sql(&format!(
            "UPDATE dagmar.changeset SET applied_at = applied_at - interval '31 days' WHERE id = '{id}'"
        ));
        snapshot(&format!("promote/soak-{id}-changed-by-hand"), &all.run(&["apply", "--env", environment]).refusal(4));
        all.run(&["clear", id, "--env", environment, "--as-recorded", "--reason", "a month is over"]).ok();
    };
    back(&all.staging, "staging", "one");
    back(&all.staging, "staging", "two");
    all.run(&["apply", "--env", "staging"]).ok();
    assert_eq!(tables(&all.staging), "one one-end two two-end");
    assert_eq!(all.run(&[PROMOTE, &["--format", "json"]].concat()).applied(), "one two");
    back(&all.production, "production", "two");
    let run = all.run(&["plan", "--env", "production", "--format", "json"]);
    let (plan, waiting) = (run.json(), run.json()["waiting"].clone());
    assert_eq!(plan["steps"].as_array().unwrap().len(), 1);
    assert_eq!((waiting[0]["changeset"].as_str(), waiting[0]["on"].as_str()), (Some("one-end"), Some("one")));
    assert!(waiting[0]["until"].is_string(), "{waiting}");
    snapshot("promote/waiting-for-a-soak", &all.run(PROMOTE).ok());
    assert_eq!(tables(&all.production), "one two two-end");
}

#[test]
fn wrong_policies_are_found_at_their_place() {
    let all = Three::new(
        "allow: [losesdata]\nwindow: { days: [mon, tues], from: \"9:00\", to: \"16:00\", timezone: CET-3 }\nfreeze: [{ from: 2026-02-30, to: 2026-03-01, reason: x }]\napprovals: { count: many }\nrate: { perHour: 3 }\nsoak: 3 days",
        &[table("a")],
    );
    snapshot("check/policies-misspelt", &all.run(&["check"]).fails(3));
    all.policies("window: { days: [], from: \"09:00\", to: \"09:00\" }\nfreeze: [{ from: 2026-03-02, to: 2026-03-01, reason: ' ' }]\napprovals: { count: 0, roles: [''], expires: 0s }\nrate: { runsPerHour: 0 }");
    snapshot("check/policies-out-of-range", &all.run(&["check"]).fails(3));
    all.project.write("dagmar.yaml", "environments:\n  dev: { soak: 3d, promoteOnly: true, rate: {} }\n");
    snapshot("check/policies-without-their-environment", &all.run(&["check"]).fails(3));
}
