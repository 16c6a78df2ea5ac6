//! Approvals: bound to a plan, in nobody else's name, and out of reach once they are given.

use crate::support::{Database, Run, Shop, snapshot, tables};
use serde_json::json;
use std::process::Command;

impl Shop {
    /// Runs the binary for production as this role.
    fn by(&self, role: &str, args: &[&str]) -> Run {
        let mut command = self.project.command(args);
        command.arg("--yes").env("STAGING", self.staging.url());
        command.env("PRODUCTION", self.production.url().replace("user=postgres", &format!("user={role}")));
        Run::of(command.output().unwrap())
    }

    fn approvals(&self) -> Vec<serde_json::Value> {
        let list = self.run(&["approvals", "list", "--env", "production", "--format", "json"]).json();
        list["approvals"].as_array().unwrap().clone()
    }
}

/// What a role gets to hear that sends SQL by hand.
fn psql(database: &Database, role: &str, sql: &str) -> String {
    let mut command: Command = database.psql();
    let output = command.args(["-U", role, "-c", sql]).output().unwrap();
    String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr }).trim().to_owned()
}

/// An applier, an approver and a reader, who own nothing. Their names are of this test alone, and
/// they go with the server.
struct Roles {
    applier: String,
    boss: String,
    reader: String,
    group: String,
}

impl Roles {
    fn new(shop: &Shop) -> Self {
        let name = |kind: &str| format!("{}_{kind}", shop.production.name);
        let this = Self { applier: name("applier"), boss: name("boss"), reader: name("reader"), group: name("group") };
        shop.run(&["apply", "--env", "production", "--select", "a"]).ok();
        let Self { applier, boss, reader, group } = &this;
        for role in [applier, boss, reader] {
            shop.production.sql(&format!("CREATE ROLE {role} LOGIN"));
        }
        shop.production.sql(&format!(
            "CREATE ROLE {group}; GRANT {group} TO {boss}; GRANT CREATE, USAGE ON SCHEMA public TO {applier}"
        ));
        let roles = ["--applier", applier, "--approver", boss, "--reader", reader];
        let grants = shop.run(&[&["ledger", "grants"], &roles[..]].concat()).ok();
        shop.production.sql(&grants);
        shop.seal(&[]);
        this
    }
}

#[test]
fn who_approves_does_not_apply_and_the_other_way_round() {
    let shop = Shop::new();
    let roles = Roles::new(&shop);
    let before = shop.production.dump();
    snapshot(
        "approving/who_approves_does_not_apply_and_the_other_way_round",
        &shop.by(&roles.applier, &["approve", "p.plan", "--reason", "me too"]).refusal(5),
    );
    shop.by(&roles.reader, &["approve", "p.plan", "--reason", "x"]).fails(5);
    shop.by(&roles.boss, &["approve", "p.plan", "--reason", "  "]).fails(2);
    let run = shop.by(&roles.boss, &["approve", "p.plan", "--reason", "CHG-1042", "--expires", "1d"]);
    assert!(run.err.contains("note: it does not count for a run by the approving role"), "{run:?}");
    run.ok();
    for more in [&[][..], &["--no-preflight"]] {
        let run = shop.by(&roles.boss, &[&["apply", "p.plan"], more].concat());
        assert_ne!(run.code, 0, "{run:?}");
    }
    assert_eq!(shop.production.dump(), before);
    let all = shop.approvals();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0]["by"].as_str(), all[0]["verdict"].as_str()), (Some(roles.boss.as_str()), Some("approve")));
    assert_eq!(all[0]["roleMemberships"], json!([roles.group]));
    // a day, but for what the server needed for the row
    let day = all[0]["expiresAt"].as_i64().unwrap() - all[0]["at"].as_i64().unwrap();
    assert!((86_000_000..=86_400_000).contains(&day), "{day}");
    let run = shop.by(&roles.applier, &["apply", "p.plan"]);
    assert!(run.err.contains(&format!("approved by {}", roles.boss)) && run.err.contains("CHG-1042"), "{run:?}");
    run.ok();
    assert_eq!(tables(&shop.production), "a words");
    // who only looks sees all of it
    let json = shop.by(&roles.reader, &["history", "--env", "production", "--format", "json"]).json();
    let kinds: Vec<&str> = json["events"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "refused").count(), 3, "{kinds:?}");
    assert!(kinds.contains(&"approved") && kinds.contains(&"sealedPlan"), "{kinds:?}");
    shop.by(&roles.reader, &["history", "--verify", "--env", "production", "--format", "json"]).intact();
    let by =
        shop.run(&["history", "--env", "production", "--by", &roles.boss, "--kind", "approved", "--since", "1h"]).ok();
    assert!(by.contains("CHG-1042") && !by.contains("runStarted"), "{by}");
    snapshot(
        "approving/who_approves_does_not_apply_and_the_other_way_round-2",
        &shop.run(&["history", "--env", "production", "--since", "soon"]).refusal(2),
    );
}

#[test]
fn nobody_speaks_in_anothers_name() {
    let shop = Shop::new();
    let roles = Roles::new(&shop);
    shop.by(&roles.boss, &["approve", "p.plan", "--reason", "read"]).ok();
    let forge = "INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host, db_user, roles, at) SELECT digest, 'approve', \
                 'forged', 'x', 'x', 'postgres', '{postgres}', '2020-01-01' FROM dagmar.approval \
                 RETURNING db_user, roles, at > now() - interval '1 minute'";
    let rows = shop.production.sql("SELECT to_jsonb(a) FROM dagmar.approval a");
    for role in [&roles.applier, &roles.reader] {
        assert!(psql(&shop.production, role, forge).contains("permission denied for table approval"));
    }
    for sql in ["UPDATE dagmar.approval SET reason = 'x'", "DELETE FROM dagmar.approval", "TRUNCATE dagmar.approval"] {
        for role in [&roles.applier, &roles.boss, &roles.reader] {
            assert!(psql(&shop.production, role, sql).contains("permission denied"), "{role}: {sql}");
        }
        assert!(psql(&shop.production, "postgres", sql).contains("approvals are append only"), "{sql}");
    }
    let disable = "ALTER TABLE dagmar.approval DISABLE TRIGGER sign";
    assert!(psql(&shop.production, &roles.boss, disable).contains("must be owner"));
    assert_eq!(shop.production.sql("SELECT to_jsonb(a) FROM dagmar.approval a"), rows);
    // who and when is the server's to say; and where somebody was given the whole table, nobody listens
    assert!(psql(&shop.production, &roles.boss, forge).contains("permission denied for table approval"));
    shop.production.sql(&format!("GRANT INSERT ON dagmar.approval TO {}", roles.boss));
    let own = psql(&shop.production, &roles.boss, forge);
    assert_eq!(own, format!("{}|{{{}}}|t", roles.boss, roles.group));
    let numbered = "INSERT INTO dagmar.approval (id, digest, verdict, reason, os_user, host) OVERRIDING SYSTEM VALUE \
                    SELECT 9000, digest, 'approve', 'forged', 'x', 'x' FROM dagmar.approval LIMIT 1";
    let refused = psql(&shop.production, &roles.boss, numbered);
    assert!(refused.contains("the server numbers approvals") || refused.contains("is not yet defined"), "{refused}");
    let event = "INSERT INTO dagmar.event (kind) VALUES ('paused') RETURNING db_user, at > now() - interval '1 minute'";
    assert_eq!(psql(&shop.production, &roles.applier, event), format!("{}|t", roles.applier));
    for (columns, values) in [
        ("kind, db_user", "'paused', 'postgres'"),
        ("kind, at", "'paused', '2020-01-01'"),
        ("kind, hash", "'paused', 'x'"),
    ] {
        let event = format!("INSERT INTO dagmar.event ({columns}) VALUES ({values})");
        assert!(
            psql(&shop.production, &roles.applier, &event).contains("permission denied for table event"),
            "{columns}"
        );
    }
    assert!(psql(&shop.production, &roles.boss, event).contains("permission denied for table event"));
    shop.run(&["history", "--verify", "--env", "production", "--format", "json"]).intact();
}

#[test]
fn rows_that_were_put_in_behind_the_triggers_are_found() {
    for tamper in [
        "INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host, db_user, roles, at) SELECT digest, 'approve', 'forged', \
         'x', 'x', 'boss', '{}', now() FROM dagmar.approval",
        "UPDATE dagmar.approval SET db_user = 'boss'",
        "UPDATE dagmar.approval SET at = '2020-01-01'",
        "UPDATE dagmar.approval SET expires_at = now() + interval '1 year'",
        "UPDATE dagmar.approval SET verdict = 'reject'",
    ] {
        let shop = Shop::new();
        shop.seal(&[]);
        shop.run(&["approve", "p.plan", "--reason", "read"]).ok();
        shop.production.sql(&format!("SET session_replication_role = replica; {tamper}"));
        let said = shop.refused(&["apply", "p.plan"], 4);
        assert!(said.contains("was inserted or changed manually"), "{said}");
        let said = shop.run(&["history", "--verify", "--env", "production"]).fails(4);
        assert!(said.contains("has no event of its own"), "{tamper}: {said}");
    }
    let shop = Shop::new();
    shop.seal(&[]);
    shop.run(&["reject", "p.plan", "--reason", "no"]).ok();
    shop.production.sql("SET session_replication_role = replica; DELETE FROM dagmar.approval");
    snapshot(
        "approving/rows_that_were_put_in_behind_the_triggers_are_found",
        &shop.run(&["history", "--verify", "--env", "production"]).refusal(4),
    );
}

#[test]
fn a_word_is_for_one_plan_and_the_last_one_counts() {
    let shop = Shop::new();
    shop.seal(&[]);
    shop.run(&["approve", "p.plan", "--reason", "read"]).ok();
    // any change makes it another plan, of which nobody has said anything
    let files = shop.text("plans/a.yaml");
    shop.project.write("plans/a.yaml", &files.replace("(w text)", "(w varchar)"));
    shop.run(&["plan", "--env", "production", "--out", "other.plan"]).ok();
    let said = shop.run(&["approvals", "list", "other.plan"]).ok();
    assert!(said.contains("no plan has been approved or rejected here yet"), "{said}");
    shop.run(&["reject", "p.plan", "--reason", "locks orders at noon"]).ok();
    let said = shop.refused(&["apply", "p.plan"], 5);
    assert!(said.contains("the plan was rejected") && said.contains("locks orders at noon"), "{said}");
    assert_eq!(tables(&shop.production), "");
    // nobody else can take that back
    shop.production.sql(&format!("CREATE ROLE {}_su SUPERUSER LOGIN", shop.production.name));
    let other = format!("{}_su", shop.production.name);
    shop.by(&other, &["approve", "p.plan", "--reason", "fine by me"]).ok();
    shop.refused(&["apply", "p.plan"], 5);
    shop.run(&["approve", "p.plan", "--reason", "at night, then"]).ok();
    let list = shop.run(&["approvals", "list", "p.plan"]).ok();
    assert_eq!(list.lines().count(), 5, "{list}");
    shop.run(&["apply", "p.plan"]).ok();
    shop.production.sql(&format!("DROP ROLE {other}"));
}

#[test]
fn a_right_that_is_taken_away_ends_it() {
    let shop = Shop::new();
    let roles = Roles::new(&shop);
    shop.by(&roles.boss, &["approve", "p.plan", "--reason", "read"]).ok();
    // the role that made the approval count
    shop.production.sql(&format!("REVOKE {} FROM {}", roles.group, roles.boss));
    assert_eq!(shop.approvals()[0]["roleMemberships"], json!([]));
    // of the approver, and of the applier
    shop.production.sql(&format!("REVOKE INSERT (digest) ON dagmar.approval FROM {}", roles.boss));
    shop.by(&roles.boss, &["reject", "p.plan", "--reason", "after all"]).fails(5);
    assert_eq!(shop.approvals().len(), 1);
    let before = shop.production.dump();
    shop.production.sql(&format!("REVOKE INSERT (kind) ON dagmar.event FROM {}", roles.applier));
    for more in [&[][..], &["--no-preflight"]] {
        let run = shop.by(&roles.applier, &[&["apply", "p.plan"], more].concat());
        assert!(run.code == 5 || run.code == 7, "{run:?}");
    }
    assert_eq!(shop.production.dump(), before);
    shop.production.sql(&format!("GRANT INSERT (kind) ON dagmar.event TO {}", roles.applier));
    shop.by(&roles.applier, &["apply", "p.plan"]).ok();
}
