//! What the gates of an environment refuse, of promotions and of `apply`.

use crate::support::{Database, PROMOTE, Three, applied_at, gates, snapshot, sql, table, tables};
use serde_json::Value;

#[test]
fn soak_is_measured_by_the_clock_of_the_server() {
    let all = Three::new("soak: 2d", &[table("a"), table("b")]);
    all.run(&["apply", "--env", "staging"]).ok();
    applied_at(&all.staging, "a", "- interval '3 days'");
    let said = all.refused(PROMOTE, "soak", "soak");
    assert!(!said.contains("`a` for "), "{said}");
    let reasons = |id| all.run(&["why", id, "--env", "production", "--format", "json"]).json()["reasons"].clone();
    let of_gate = |reason: &&Value| reason["kind"] == "gate" && reason["message"].as_str().unwrap().contains("`soak`");
    let (a, b) = (reasons("a"), reasons("b"));
    assert_eq!(a.as_array().unwrap().iter().filter(of_gate).count(), 0, "{a}");
    assert!(b.as_array().unwrap().iter().find(of_gate).unwrap()["todo"].is_string(), "{b}");
    snapshot("why/soak-of-a-promotion", &all.run(&["why", "b", "--env", "production"]).ok());
    all.run(&["promote", "--to", "production", "--select", "a"]).ok();
    applied_at(&all.staging, "b", "+ interval '1 hour'");
    all.refused(PROMOTE, "soak", "soak-in-the-future");
    applied_at(&all.staging, "b", "- interval '2 days'");
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b");
}

/// What is promoted was there, as the history of the source has it.
#[test]
fn rows_that_were_put_into_the_source_are_not_promoted() {
    let all = Three::new("soak: 2d", &[table("a"), table("b")]);
    all.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    all.staging.sql(
        "INSERT INTO dagmar.changeset OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(a, \
         '{\"id\": \"b\", \"applied_at\": \"2020-01-01\"}')).* FROM dagmar.changeset a",
    );
    snapshot("promote/row-put-in-by-hand", &all.run(&["promote", "--to", "production", "--select", "b"]).refusal(4));
    all.staging
        .sql("DELETE FROM dagmar.changeset WHERE id = 'b'; UPDATE dagmar.changeset SET applied_at = '2020-01-01'");
    snapshot("promote/row-changed-by-hand", &all.run(PROMOTE).refusal(4));
    assert_eq!(tables(&all.production), "");
}

/// What a text does not show is not done without leave.
#[test]
fn what_is_hidden_in_texts_is_to_be_allowed() {
    let hidden = [
        "DO $$ BEGIN EXECUTE 'DROP TABLE base'; END $$",
        "PREPARE p AS DELETE FROM base;\nEXECUTE p",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM base';\nSELECT f()",
    ];
    for forward in hidden {
        let all = Three::new("allow: [irreversible]", &[sql("hidden", forward, "SELECT 1")]);
        all.production.sql("CREATE TABLE base ()");
        let apply = ["apply", "--env", "production"];
        all.refused(&apply, "destructive-allowed", "opaque");
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
fn windows_and_freezes_hold_for_apply_as_well() {
    let all = Three::new("", &[table("a"), table("b")]);
    all.run(&["apply", "--env", "staging"]).ok();
    let days = other_days(&all.dev);
    all.policies(&format!("window: {{ days: [{days}], from: \"09:00\", to: \"16:00\", timezone: Europe/Zurich }}"));
    let apply = &["apply", "--env", "production"][..];
    // a dry run has the locks of a run
    for args in [PROMOTE, apply, &[apply, &["--dry-run"]].concat(), &[PROMOTE, &["--dry-run"]].concat()] {
        all.refused(args, "window", "window");
    }
    // reading is free, and so is the way back
    for args in [
        &["plan", "--env", "production"][..],
        &["status", "--env", "production"],
        &["apply", "--env", "production", "--dry-run", "--shadow"],
    ] {
        all.run(args).ok();
    }
    let over = ["--select", "a", "--override", "window", "--reason", "INC-4711: orders are lost", "--format", "json"];
    assert_eq!(all.run(&[PROMOTE, &over].concat()).applied(), "a");
    let events = all.history("production", "gateOverridden");
    assert_eq!(events[0]["detail"]["reason"], "INC-4711: orders are lost", "{events:?}");
    let event = all.production.sql("SELECT detail ->> 'gate', detail ->> 'reason', detail ->> 'changesets', run = (SELECT id FROM dagmar.run WHERE kind = 'promote') FROM dagmar.event WHERE kind = 'gateOverridden'");
    assert_eq!(event, "window|INC-4711: orders are lost|[\"a\"]|t");
    all.run(&["rollback", "a", "--env", "production"]).ok();
    // never opens outside of what is said; open all day
    all.policies(
        "window: { from: \"00:00\", to: \"24:00\" }\nfreeze: [{ from: 2020-01-01, to: 2999-12-31, reason: for ever }]",
    );
    for args in [PROMOTE, apply] {
        all.refused(args, "freeze", "freeze");
    }
    all.policies(
        "window: { from: \"00:00\", to: \"24:00\" }\nfreeze: [{ from: 2020-01-01, to: 2020-01-02, reason: over }]",
    );
    let run = all.run(&[PROMOTE, &["--check", "--format", "json"]].concat());
    assert!(gates(&run).ends_with("window=met freeze=met"), "{run:?}");
    all.run(apply).ok();
    assert_eq!(tables(&all.production), "a b");
    all.policies("window: { from: \"00:00\", to: \"24:00\", timezone: Europe/Zurch }");
    all.plans(&[table("a"), table("b"), table("c")]);
    snapshot("gates/unknown-time-zone", &all.run(apply).refusal(3));
}

#[test]
fn what_destroys_is_to_be_allowed() {
    let drop = sql("gone", "DROP TABLE a", "CREATE TABLE a (n int)").depends_on(["a"]);
    let all = Three::new("allow: [rewrites]", &[table("a")]);
    for env in ["staging", "production"] {
        all.run(&["apply", "--env", env]).ok();
    }
    all.plans(&[table("a"), drop]);
    all.run(&["apply", "--env", "staging"]).ok();
    for args in [PROMOTE, &["apply", "--env", "production"]] {
        all.refused(args, "destructive-allowed", "loses-data");
        all.refused(&[args, &["--allow", "irreversible"]].concat(), "destructive-allowed", "loses-data");
    }
    all.run(&[PROMOTE, &["--allow", "losesData"]].concat()).ok();
    assert_eq!(tables(&all.production), "");
    let event = all
        .production
        .sql("SELECT detail ->> 'hazard', detail ->> 'changesets' FROM dagmar.event WHERE kind = 'hazardAllowed'");
    assert_eq!((event.as_str(), all.events("refused").as_str()), ("losesData|[\"gone\"]", "4"));
}

#[test]
fn rates_limit_runs_and_changesets_of_an_hour() {
    let all =
        Three::new("rate: { runsPerHour: 2, changesetsPerHour: 3 }", &[table("a"), table("b"), table("c"), table("d")]);
    all.run(&["apply", "--env", "staging"]).ok();
    all.refused(PROMOTE, "rate", "rate-of-changesets");
    all.run(&["promote", "--to", "production", "--select", "a,b"]).ok();
    all.refused(&["promote", "--to", "production", "--select", "c,d"], "rate", "rate-of-changesets-selected");
    all.run(&["apply", "--env", "production", "--select", "c"]).ok();
    all.policies("rate: { runsPerHour: 2 }");
    all.refused(PROMOTE, "rate", "rate-of-runs");
    all.production.sql("SET session_replication_role = replica; UPDATE dagmar.event SET at = at - interval '1 hour'");
    all.run(PROMOTE).ok();
    assert_eq!(tables(&all.production), "a b c d");
}

#[test]
fn what_goes_past_the_promotion_is_refused() {
    let all = Three::new("promoteOnly: true", &[table("a")]);
    all.refused(&["apply", "--env", "production"], "promote-only", "promote-only");
    all.run(&["apply", "--env", "production", "--override", "promote-only", "--reason", "the first stone"]).ok();
    assert_eq!((tables(&all.production).as_str(), all.events("gateOverridden").as_str()), ("a", "1"));
    // approvals are of sealed plans
    let all = Three::new("approvals: { count: 2 }", &[table("a")]);
    all.run(&["apply", "--env", "staging"]).ok();
    for args in [PROMOTE, &["apply", "--env", "production"]] {
        all.refused(args, "approvals", "approvals-of-what-is-not-sealed");
    }
}
