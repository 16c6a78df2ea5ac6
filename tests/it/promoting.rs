//! From dev over staging to production: what a promotion takes, what the gates refuse, and
//! that nothing runs then. Three databases, as three environments of one project.

use crate::harness::{Database, Project, Run};
use crate::running::{table, tables};
use crate::tools::{Running, file, sql};
use serde_json::Value;

/// A project with three databases.
pub struct Three {
    pub project: Project,
    pub dev: Database,
    pub staging: Database,
    pub production: Database,
}

impl Three {
    /// With these policies of production, one to a line.
    pub fn new(policies: &str, changesets: &[String]) -> Self {
        let project = Project::new(&[("plans/a.yaml", &file(changesets))]);
        let this = Self { project, dev: Database::new(), staging: Database::new(), production: Database::new() };
        this.policies(policies);
        this
    }

    fn policies(&self, policies: &str) {
        let lines: String = policies.lines().map(|line| format!("    {}\n", line.trim())).collect();
        self.project.write(
            "dagmar.yaml",
            &format!(
                "environments:\n  dev: {{ url: \"${{DEV_URL}}\" }}\n  staging: {{ url: \"${{STAGING_URL}}\", promoteFrom: dev }}\n  \
                 production:\n    url: \"${{PRODUCTION_URL}}\"\n    promoteFrom: staging\n{lines}"
            ),
        );
    }

    fn plans(&self, changesets: &[String]) {
        self.project.write("plans/a.yaml", &file(changesets));
    }

    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.project.command(args);
        command.arg("--yes");
        for (name, database) in
            [("DEV_URL", &self.dev), ("STAGING_URL", &self.staging), ("PRODUCTION_URL", &self.production)]
        {
            command.env(name, database.url());
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Refused for this gate, and production is as before but for the event of it.
    #[track_caller]
    pub fn refused(&self, args: &[&str], gate: &str, words: &[&str]) -> String {
        let before = self.production.catalog();
        let said = self.run(args).fails(5);
        let all: Vec<String> =
            words.iter().map(|w| (*w).to_owned()).chain([format!("[{gate}] "), "help: ".to_owned()]).collect();
        for words in all {
            assert!(said.contains(&words), "{words}\n{said}");
        }
        assert_eq!(self.production.catalog(), before, "{said}");
        said
    }

    fn events(&self, kind: &str) -> String {
        self.production.sql(&format!("SELECT count(*) FROM dagmar.event WHERE kind = '{kind}'"))
    }
}

/// The gates of an answer: `soak=unmet window=met`.
pub fn gates(run: &Run) -> String {
    let value = run.out.lines().find_map(|l| serde_json::from_str::<Value>(l).ok().filter(|v| v["event"] == "gates"));
    let value = value.unwrap_or_else(|| run.json());
    let list = value["gates"].as_array().unwrap();
    let show = |g: &Value| format!("{}={}", g["gate"].as_str().unwrap(), g["status"].as_str().unwrap());
    list.iter().map(show).collect::<Vec<_>>().join(" ")
}

const PROMOTE: &[&str] = &["promote", "--to", "production"];

#[test]
fn s31_production_gets_what_staging_has() {
    let two = [table("a", ""), table("b", "    dependsOn: [a]\n")];
    let all = Three::new("beforeApply: [{ run: [touch, backup] }]", &two);
    let backup = all.project.path().join("backup");
    all.run(&["apply", "--env", "staging"]).ok();
    // written later: dev has it, staging has not
    all.plans(&[two.concat(), table("c", "    dependsOn: [b]\n")]);
    all.run(&["apply", "--env", "dev"]).ok();
    let check = all.run(&["promote", "--to", "production", "--check"]);
    assert!(
        check.out.contains("same-checksum-on-source") && check.out.contains("2 changesets as on staging"),
        "{check:?}"
    );
    assert!(all.production.sql("SELECT to_regnamespace('dagmar') IS NULL") == "t", "a check leaves no trace");
    assert!(!backup.exists(), "a check runs no hook");
    let said = all.run(PROMOTE).ok();
    assert!(said.contains("promoted 2 changesets from staging to production"), "{said}");
    assert_eq!((tables(&all.production).as_str(), all.production.ledger().as_str()), ("a b", "a=applied b=applied"));
    assert_eq!(all.production.sql("SELECT DISTINCT kind FROM dagmar.run"), "promote");
    assert!(backup.exists(), "its hooks are run");
    let checksums = "SELECT string_agg(checksum, ' ' ORDER BY id) FROM dagmar.changeset";
    assert_eq!(all.production.sql(checksums), all.staging.sql(checksums));
    assert!(all.run(PROMOTE).ok().contains("nothing to promote: production has what staging has"));
    assert!(all.run(&["promote", "--to", "production", "--check"]).ok().contains("nothing to promote"));
    // the way through all of them
    all.run(&["promote", "--to", "staging"]).ok();
    let run = all.run(&["promote", "--from", "staging", "--to", "production", "--format", "json"]);
    assert!(
        gates(&run).starts_with("source-settled=met same-checksum-on-source=met dependencies-present=met"),
        "{run:?}"
    );
    let last: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!((last["event"].as_str(), &last["applied"]), (Some("summary"), &serde_json::json!(["c"])));
    assert!(all.run(&["history", "--env", "production", "--verify"]).ok().contains("intact"));
}

#[test]
fn s31_the_order_is_kept() {
    let all = Three::new("", &[table("a", "")]);
    all.run(&["apply", "--env", "dev"]).ok();
    for (args, code, words) in [
        (
            &["promote", "--from", "dev", "--to", "production"][..],
            2,
            "`production` is promoted from `staging`, not from `dev`",
        ),
        (&["promote", "--from", "nowhere", "--to", "dev"], 2, "the environment `nowhere` does not exist"),
        (&["promote", "--from", "production", "--to", "dev"], 2, "`production` does not come before `dev`"),
        (&["promote", "--to", "dev"], 2, "`dev` has no `promoteFrom`"),
        (&["promote"], 2, "no target environment given"),
        (&["promote", "--to", "prod"], 2, "the environment `prod` does not exist"),
        // staging was never applied to
        (PROMOTE, 5, "`staging`: it has no ledger"),
        (&["promote", "--to", "production", "--override", "windows", "--reason", "x"], 2, "invalid value 'windows'"),
        (&["promote", "--to", "production", "--override", "window"], 2, "--reason"),
        (&["promote", "--to", "production", "--override", "window", "--reason", " "], 2, "the reason is empty"),
    ] {
        let said = all.run(args).fails(code);
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert_eq!(tables(&all.production), "");
    // a ring, or a name that nobody has
    let ring = "environments:\n  staging: { promoteFrom: production }\n  production: { promoteFrom: staging }\n";
    all.project.write("dagmar.yaml", ring);
    let said = all.run(PROMOTE).fails(3);
    assert!(
        said.contains("DG0114") && said.contains("`staging` is promoted from `production`, which comes after it"),
        "{said}"
    );
    all.project.write("dagmar.yaml", "environments:\n  stage: {}\n  production: { promoteFrom: staging }\n");
    let said = all.run(PROMOTE).fails(3);
    assert!(said.contains("the environment `staging` does not exist") && said.contains("dagmar.yaml"), "{said}");
}

#[test]
fn s31_edited_since_staging() {
    let all = Three::new("", &[table("a", ""), table("b", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    all.plans(&[sql("a", "CREATE TABLE a (n bigint)", "DROP TABLE a", ""), table("b", "")]);
    all.refused(PROMOTE, "same-checksum-on-source", &["`a`: staging has d1:", "revert the edits"]);
    // no ledger, so no event; what is not edited may go on its own
    all.run(&["promote", "--to", "production", "--select", "b"]).ok();
    assert_eq!(tables(&all.production), "b");
    all.refused(PROMOTE, "same-checksum-on-source", &[]);
    assert_eq!(all.events("refused"), "1");
    let history = all.run(&["history", "--env", "production"]).ok();
    assert!(history.contains("refused") && history.contains("promote: same-checksum-on-source"), "{history}");
    // its file is gone
    all.plans(&[table("b", "")]);
    all.refused(PROMOTE, "same-checksum-on-source", &["`a`: staging has it, but no file contains it"]);
    // what both have and was edited since is drift, as ever
    all.plans(&[table("a", ""), sql("b", "CREATE TABLE b (n bigint)", "DROP TABLE b", "")]);
    let said = all.run(PROMOTE).fails(4);
    assert!(said.contains("`b` was edited after being applied") && said.contains("n bigint"), "{said}");
    all.plans(&[table("a", ""), table("b", "")]);
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b");
}

#[test]
fn s31_half_migrated_source() {
    let long = "CREATE TABLE b (n int);\n-- segment\nSELECT 1 / n FROM switch";
    let all = Three::new("", &[table("a", ""), sql("b", long, "DROP TABLE b", "")]);
    for database in [&all.staging, &all.production] {
        database.sql("CREATE TABLE switch AS SELECT 0 AS n");
    }
    all.run(&["apply", "--env", "staging"]).fails(8);
    all.refused(
        PROMOTE,
        "source-settled",
        &["partly applied on staging: `b`", "`dagmar apply --env staging` continues there"],
    );
    all.staging.sql("UPDATE switch SET n = 1");
    all.run(&["apply", "--env", "staging"]).ok();
    // it has failed there before it held: that is no evidence
    all.production.sql("UPDATE switch SET n = 1");
    all.refused(PROMOTE, "applied-cleanly-on-source", &["`b` failed on staging (1 time): division by zero"]);
    all.run(&["rollback", "b", "--env", "staging"]).ok();
    all.run(&["apply", "--env", "staging"]).ok();
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b switch");
}

#[test]
fn s31_a_run_on_the_source_is_waited_for_by_people() {
    let all = Three::new("", &[table("a", ""), sql("b", "SELECT pg_sleep(60)", "SELECT 1", "    dependsOn: [a]\n")]);
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let running = Running::of(all.command(&["apply", "--env", "staging"]));
    all.staging.until_runs("pg_sleep(60)");
    all.refused(PROMOTE, "source-settled", &["a run is in progress on staging"]);
    all.staging.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    running.signal("KILL");
    let _ = running.end();
}

#[test]
fn s31_unreachable_and_the_same_database_twice() {
    let all = Three::new("", &[table("a", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let mut command = all.command(PROMOTE);
    let said = Run::of(command.env("STAGING_URL", "postgres:///gone?host=/nowhere&user=x").output().unwrap()).fails(7);
    assert!(said.contains("`staging`: ") && said.contains("nothing was run"), "{said}");
    let mut command = all.command(PROMOTE);
    let said = Run::of(command.env("PRODUCTION_URL", all.staging.url()).output().unwrap()).fails(2);
    assert!(said.contains("`staging` and `production` are the same database"), "{said}");
    let mut command = all.command(PROMOTE);
    let said = Run::of(command.env_remove("STAGING_URL").output().unwrap()).fails(2);
    assert!(
        said.contains("the URL of the environment `staging`") && said.contains("`STAGING_URL` is not set"),
        "{said}"
    );
    assert_eq!(tables(&all.production), "");
}

#[test]
fn s31_what_is_missing_and_what_was_only_marked() {
    let two = [table("a", ""), table("b", "    dependsOn: [a]\n")];
    let all = Three::new("", &two);
    all.run(&["mark", "skipped", "a", "--reason", "not here", "--env", "staging"]).ok();
    all.staging.sql("CREATE TABLE a (n int)");
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "dependencies-present", &["`b` needs `a`, which is not on production (skipped on staging)"]);
    // marked as applied by hand: its checks were never asked
    let all = Three::new("", &two);
    all.staging.sql("CREATE TABLE a (n int)");
    all.run(&["mark", "applied", "a", "--reason", "was there before", "--env", "staging"]).ok();
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "verify-passed-on-source", &["`a` was only marked on staging, not run"]);
    all.refused(
        &["promote", "--to", "production", "--select", "b"],
        "dependencies-present",
        &["(applied on staging)", "select it too"],
    );
    // held in production: a decision of somebody, and no gate
    all.run(&["mark", "held", "a", "--reason", "not yet", "--env", "production"]).ok();
    let said = all.run(PROMOTE).ok();
    assert!(said.contains("nothing to promote") && said.contains("needs `a`, which is held"), "{said}");
}

#[test]
fn s31_what_staging_never_gets_comes_along_where_it_is_needed() {
    let only = "    environments: [production]\n";
    let all = Three::new(
        "promoteOnly: true",
        &[table("roles", only), table("b", "    dependsOn: [roles]\n"), table("alone", only)],
    );
    all.run(&["apply", "--env", "staging"]).ok();
    let said = all.run(PROMOTE).ok();
    assert!(said.contains("promoted 2 changesets"), "{said}");
    assert_eq!(tables(&all.production), "b roles");
    all.run(&["promote", "--to", "production", "--select", "alone"]).ok();
    assert_eq!(tables(&all.production), "alone b roles");
}

/// Rewrites the history: the changeset was applied so long before (or after) now.
fn applied_at(database: &Database, changeset: &str, offset: &str) {
    database.sql(&format!(
        "SET session_replication_role = replica; UPDATE dagmar.event SET at = clock_timestamp() {offset} WHERE kind = 'applied' AND \
         changeset = '{changeset}'"
    ));
}

#[test]
fn s31_soak_by_the_clock_of_the_server() {
    let all = Three::new("soak: 2d", &[table("a", ""), table("b", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    applied_at(&all.staging, "a", "- interval '3 days'");
    let said = all.refused(PROMOTE, "soak", &["`b` for ", " of 2d", "wait until "]);
    assert!(!said.contains("`a` for "), "{said}");
    let why = all.run(&["why", "b", "--env", "production"]).ok();
    assert!(why.contains("the gate `soak`: ") && why.contains("to do: wait until "), "{why}");
    assert!(!all.run(&["why", "a", "--env", "production"]).ok().contains("the gate `soak`"));
    all.run(&["promote", "--to", "production", "--select", "a"]).ok();
    applied_at(&all.staging, "b", "+ interval '1 hour'");
    all.refused(
        PROMOTE,
        "soak",
        &["which is in the future", "the clocks differ: correct the clock of the server of staging"],
    );
    applied_at(&all.staging, "b", "- interval '2 days'");
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b");
}

/// What is promoted was there, as the history of the source has it.
#[test]
fn s31_rows_that_were_put_into_the_source_are_not_promoted() {
    let all = Three::new("soak: 2d", &[table("a", ""), table("b", "")]);
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    all.staging.sql(
        "INSERT INTO dagmar.changeset OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(a, \
         '{\"id\": \"b\", \"applied_at\": \"2020-01-01\"}')).* FROM dagmar.changeset a",
    );
    let said = all.run(&["promote", "--to", "production", "--select", "b"]).fails(4);
    assert!(said.contains("`staging`: the ledger was changed manually"), "{said}");
    assert!(said.contains("the row of `b` was inserted manually"), "{said}");
    all.staging
        .sql("DELETE FROM dagmar.changeset WHERE id = 'b'; UPDATE dagmar.changeset SET applied_at = '2020-01-01'");
    let said = all.run(PROMOTE).fails(4);
    assert!(said.contains("the row of `a` was changed manually"), "{said}");
    assert_eq!(tables(&all.production), "");
}

/// What a text does not show is not done without leave.
#[test]
fn s31_what_is_hidden_in_texts_needs_a_word() {
    let hidden = [
        "DO $$ BEGIN EXECUTE 'DROP TABLE base'; END $$",
        "PREPARE p AS DELETE FROM base;\nEXECUTE p",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM base';\nSELECT f()",
    ];
    for forward in hidden {
        let all = Three::new("allow: [irreversible]", &[sql("hidden", forward, "SELECT 1", "")]);
        all.production.sql("CREATE TABLE base ()");
        let apply = ["apply", "--env", "production"];
        all.refused(&apply, "destructive-allowed", &["opaque: `hidden`", "to allow it: `--allow opaque`"]);
        assert_eq!(tables(&all.production), "base");
        all.run(&[&apply[..], &["--allow", "opaque"]].concat()).ok();
    }
}

/// The days of the week that are not today, in no time zone.
fn other_days(database: &Database) -> String {
    database.sql(
        "SELECT string_agg(to_char(d, 'dy'), ', ') FROM generate_series(now() + interval '2 days', now() + interval '5 days', \
         interval '1 day') d",
    )
}

#[test]
fn s31_windows_and_freezes_hold_for_apply_as_well() {
    let all = Three::new("", &[table("a", ""), table("b", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let days = other_days(&all.dev);
    all.policies(&format!("window: {{ days: [{days}], from: \"09:00\", to: \"16:00\", timezone: Europe/Zurich }}"));
    let apply = &["apply", "--env", "production"][..];
    // a dry run has the locks of a run
    for args in [PROMOTE, apply, &[apply, &["--dry-run"]].concat(), &[PROMOTE, &["--dry-run"]].concat()] {
        all.refused(args, "window", &["closed: it is ", "(Europe/Zurich)", "wait until "]);
    }
    // reading is free, and so is the way back
    for args in [
        &["plan", "--env", "production"][..],
        &["status", "--env", "production"],
        &["apply", "--env", "production", "--dry-run", "--shadow"],
    ] {
        all.run(args).ok();
    }
    let said = all
        .run(&[PROMOTE, &["--select", "a", "--override", "window", "--reason", "INC-4711: orders are lost"]].concat())
        .ok();
    assert!(said.contains("promoted 1 changeset"), "{said}");
    let history = all.run(&["history", "--env", "production"]).ok();
    assert!(
        history.contains("gateOverridden") && history.contains("window: INC-4711: orders are lost (closed: "),
        "{history}"
    );
    let event = all.production.sql("SELECT detail ->> 'gate', detail ->> 'reason', detail ->> 'changesets', run = (SELECT id FROM dagmar.run WHERE kind = 'promote') FROM dagmar.event WHERE kind = 'gateOverridden'");
    assert_eq!(event, "window|INC-4711: orders are lost|[\"a\"]|t");
    all.run(&["rollback", "a", "--env", "production"]).ok();
    // never opens outside of what is said; open all day
    all.policies(
        "window: { from: \"00:00\", to: \"24:00\" }\nfreeze: [{ from: 2020-01-01, to: 2999-12-31, reason: for ever }]",
    );
    for args in [PROMOTE, apply] {
        all.refused(args, "freeze", &["frozen from 2020-01-01 to 2999-12-31 (UTC): for ever"]);
    }
    all.policies(
        "window: { from: \"00:00\", to: \"24:00\" }\nfreeze: [{ from: 2020-01-01, to: 2020-01-02, reason: over }]",
    );
    let run = all.run(&[PROMOTE, &["--check", "--format", "json"]].concat());
    assert!(gates(&run).ends_with("window=met freeze=met"), "{run:?}");
    all.run(apply).ok();
    assert_eq!(tables(&all.production), "a b");
    all.policies("window: { from: \"00:00\", to: \"24:00\", timezone: Europe/Zurch }");
    all.plans(&[table("a", ""), table("b", ""), table("c", "")]);
    let said = all.run(apply).fails(3);
    assert!(said.contains("time zone \"Europe/Zurch\" not recognized") && said.contains("IANA"), "{said}");
}

#[test]
fn s31_what_destroys_needs_a_word() {
    let drop = sql("gone", "DROP TABLE a", "CREATE TABLE a (n int)", "    dependsOn: [a]\n");
    let all = Three::new("allow: [rewrites]", &[table("a", "")]);
    for env in ["staging", "production"] {
        all.run(&["apply", "--env", env]).ok();
    }
    all.plans(&[table("a", ""), drop]);
    all.run(&["apply", "--env", "staging"]).ok();
    for args in [PROMOTE, &["apply", "--env", "production"]] {
        all.refused(args, "destructive-allowed", &["losesData: `gone`", "--allow losesData"]);
        all.refused(&[args, &["--allow", "irreversible"]].concat(), "destructive-allowed", &["losesData: `gone`"]);
    }
    all.run(&[PROMOTE, &["--allow", "losesData"]].concat()).ok();
    assert_eq!(tables(&all.production), "");
    let event = all
        .production
        .sql("SELECT detail ->> 'hazard', detail ->> 'changesets' FROM dagmar.event WHERE kind = 'hazardAllowed'");
    assert_eq!((event.as_str(), all.events("refused").as_str()), ("losesData|[\"gone\"]", "4"));
}

#[test]
fn s31_not_more_than_so_much_in_an_hour() {
    let all = Three::new(
        "rate: { runsPerHour: 2, changesetsPerHour: 3 }",
        &[table("a", ""), table("b", ""), table("c", ""), table("d", "")],
    );
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "rate", &["this run has 4 changesets, the limit is 3 in an hour", "--select"]);
    all.run(&["promote", "--to", "production", "--select", "a,b"]).ok();
    all.refused(
        &["promote", "--to", "production", "--select", "c,d"],
        "rate",
        &["2 of 3 changesets in the last hour, and 2 more", "wait until "],
    );
    all.run(&["apply", "--env", "production", "--select", "c"]).ok();
    all.policies("rate: { runsPerHour: 2 }");
    all.refused(PROMOTE, "rate", &["2 of 2 runs in the last hour, and 1 more"]);
    all.production.sql("SET session_replication_role = replica; UPDATE dagmar.event SET at = at - interval '1 hour'");
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b c d");
}

#[test]
fn s31_past_the_promotion() {
    let all = Three::new("promoteOnly: true", &[table("a", "")]);
    all.refused(
        &["apply", "--env", "production"],
        "promote-only",
        &["`production` accepts only promotions", "dagmar promote --to production"],
    );
    all.run(&["apply", "--env", "production", "--override", "promote-only", "--reason", "the first stone"]).ok();
    assert_eq!((tables(&all.production).as_str(), all.events("gateOverridden").as_str()), ("a", "1"));
    // approvals are of sealed plans
    let all = Three::new("approvals: { count: 2 }", &[table("a", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    for args in [PROMOTE, &["apply", "--env", "production"]] {
        all.refused(args, "approvals", &["2 approvals needed, and the plan is not sealed"]);
    }
}

#[test]
fn s31_two_promotions_at_once() {
    let all =
        Three::new("", &[sql("a", "SELECT pg_sleep(1.5);\nCREATE TABLE a ()", "DROP TABLE a", ""), table("b", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let first = Running::of(all.command(PROMOTE));
    all.production.until_runs("pg_sleep(1.5)");
    let second = all.run(PROMOTE);
    assert!(second.err.contains("waiting for another run to end"), "{second:?}");
    assert!(second.ok().contains("nothing to promote"));
    assert!(first.end().ok().contains("promoted 2 changesets"));
    assert_eq!(
        all.production.sql("SELECT count(*), count(DISTINCT run) FROM dagmar.event WHERE kind = 'applied'"),
        "2|1"
    );
}

/// What was evidence when it was looked at first is none when the lock is there.
#[test]
fn s31_evidence_is_read_again_under_the_lock() {
    let all = Three::new("soak: 1d", &[table("a", ""), sql("slow", "SELECT pg_sleep(4)", "SELECT 1", "")]);
    all.run(&["apply", "--env", "staging"]).ok();
    applied_at(&all.staging, "a", "- interval '3 days'");
    applied_at(&all.staging, "slow", "- interval '3 days'");
    let first = Running::of(all.command(&["apply", "--env", "production", "--select", "slow"]));
    all.production.until_runs("pg_sleep(4)");
    let second = Running::of(all.command(PROMOTE));
    // it has seen that all gates are met, and waits for the lock
    all.production.until(
        "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dagmar lock'",
    );
    applied_at(&all.staging, "a", "");
    first.end().ok();
    let said = second.end().fails(5);
    assert!(said.contains("waiting for another run to end"), "{said}");
    assert!(said.contains("[soak] on staging `a` for"), "{said}");
    assert_eq!((tables(&all.production).as_str(), all.events("refused").as_str()), ("", "1"));
}

/// Lock timeouts that were tried again are no failure, and said.
#[test]
fn s31_lock_timeouts_on_the_source_are_told() {
    let all = Three::new(
        "",
        &[
            table("a", ""),
            sql(
                "b",
                "ALTER TABLE a ADD m int",
                "ALTER TABLE a DROP m",
                "    dependsOn: [a]\n    limits: { lockTimeout: 100ms, lockRetries: 1000 }\n",
            ),
        ],
    );
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let holder = all.staging.hold("LOCK TABLE a");
    let run = Running::of(all.command(&["apply", "--env", "staging"]));
    all.staging.until("SELECT count(*) > 0 FROM dagmar.event WHERE kind = 'retried' AND changeset = 'b' AND detail ->> 'sqlstate' = '55P03'");
    drop(holder);
    run.end().ok();
    let check = all.run(&[PROMOTE, &["--check"]].concat()).ok();
    assert!(
        check.contains("no failure on staging; ") && check.contains(" lock timeouts there, tried again"),
        "{check}"
    );
    all.run(PROMOTE).ok();
    assert!(all.run(&["history", "--env", "staging", "--verify"]).ok().contains("intact"));
}

/// Expand and contract over releases, two such changes open at the same time.
#[test]
fn s10_soak_on_edges_in_each_environment() {
    let contract =
        |id: &str, on: &str| table(id, &format!("    phase: contract\n    dependsOn: [{{ id: {on}, soak: 30d }}]\n"));
    let all =
        Three::new("", &[table("one", ""), table("two", ""), contract("one-end", "one"), contract("two-end", "two")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let back = |database: &Database, environment: &str, id: &str| {
        database.sql(&format!(
            "UPDATE dagmar.changeset SET applied_at = applied_at - interval '31 days' WHERE id = '{id}'"
        ));
        let said = all.run(&["apply", "--env", environment]).fails(4);
        assert!(said.contains(&format!("the row of `{id}` was changed manually")), "{said}");
        all.run(&["clear", id, "--env", environment, "--as-recorded", "--reason", "a month is over"]).ok();
    };
    back(&all.staging, "staging", "one");
    back(&all.staging, "staging", "two");
    all.run(&["apply", "--env", "staging"]).ok();
    assert_eq!(tables(&all.staging), "one one-end two two-end");
    let said = all.run(PROMOTE).ok();
    assert!(said.contains("promoted 2 changesets"), "{said}");
    back(&all.production, "production", "two");
    let run = all.run(&["plan", "--env", "production", "--format", "json"]);
    let (plan, waiting) = (run.json(), run.json()["waiting"].clone());
    assert_eq!(plan["steps"].as_array().unwrap().len(), 1);
    assert_eq!((waiting[0]["changeset"].as_str(), waiting[0]["on"].as_str()), (Some("one-end"), Some("one")));
    assert!(waiting[0]["until"].is_string(), "{waiting}");
    let said = all.run(PROMOTE).ok();
    assert!(
        said.contains("promoted 1 changeset")
            && said.contains("waits one-end: one must have been applied for 30d, until "),
        "{said}"
    );
    assert_eq!(tables(&all.production), "one two two-end");
}

#[test]
fn s03_wrong_policies_are_found_at_their_place() {
    let all = Three::new(
        "allow: [losesdata]\nwindow: { days: [mon, tues], from: \"9:00\", to: \"16:00\", timezone: CET-3 }\nfreeze: [{ from: 2026-02-30, to: 2026-03-01, reason: x }]\napprovals: { count: many }\nrate: { perHour: 3 }\nsoak: 3 days",
        &[table("a", "")],
    );
    let said = all.run(&["check"]).fails(3);
    for words in [
        "unknown value `losesdata`",
        "did you mean `losesData`?",
        "unknown value `tues`",
        "`9:00` is not a valid time of day",
        "`CET-3` is not a valid time zone name",
        "`2026-02-30` is not a valid date",
        "unknown key `perHour`",
        "`3 days` is not a valid duration",
        "dagmar.yaml:7",
        "dagmar.yaml:8",
        "dagmar.yaml:9",
        "dagmar.yaml:10",
        "dagmar.yaml:11",
        "dagmar.yaml:12",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    all.policies("window: { days: [], from: \"09:00\", to: \"09:00\" }\nfreeze: [{ from: 2026-03-02, to: 2026-03-01, reason: ' ' }]\napprovals: { count: 0, roles: [''], expires: 0s }\nrate: { runsPerHour: 0 }");
    let said = all.run(&["check"]).fails(3);
    for words in [
        "the change window never opens",
        "the change window closes when it opens",
        "the freeze ends on 2026-03-01, before it begins",
        "the freeze has no reason",
        "`count` is out of range",
        "the name of a role is empty",
        "an approval that expires immediately never counts",
        "with `runsPerHour: 0` no run is possible",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    all.project.write("dagmar.yaml", "environments:\n  dev: { soak: 3d, promoteOnly: true, rate: {} }\n");
    let said = all.run(&["check"]).fails(3);
    for words in ["`soak` without `promoteFrom`", "`promoteOnly` without `promoteFrom`", "`rate` has no limit"] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}
