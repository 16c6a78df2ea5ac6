//! Ledgers of earlier versions are read as they are, and brought up to date.

use crate::support::{
    Database, LATEST_EARLIER, SHAPE, as_version_1, as_version_2, backfill_and_table, begun, ledger_of_version, project,
    same, table,
};
use serde_json::{Value, json};

/// The rows as version 1 knows them; of the latest columns only what was there.
fn rows(database: &Database) -> String {
    database.sql(
        "SELECT 'changeset', to_jsonb(c) FROM dagmar.changeset c UNION ALL SELECT 'run', to_jsonb(r) FROM dagmar.run r UNION ALL \
         SELECT 'requires', to_jsonb(r) FROM dagmar.requires r UNION ALL SELECT 'segment', to_jsonb(s) - '{pass,seen,changed,unmoved}'::text[] \
         FROM dagmar.segment s UNION ALL SELECT 'event', to_jsonb(e) FROM dagmar.event e WHERE seq < 1000 ORDER BY 1, 2",
    )
}

#[test]
fn a_ledger_of_version_1_is_read_and_brought_up_to_date() {
    let (database, fresh) = (Database::new(), Database::new());
    let project = backfill_and_table(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    as_version_1(&database);
    let before = (rows(&database), database.whole_dump());
    // who reads does not write
    assert_eq!(project.states(&database), "a=applied b=pending");
    assert_eq!(
        project.json(&database, &["history", "--kind", "runFinished"]).json()["events"].as_array().unwrap().len(),
        1
    );
    assert_eq!(project.json(&database, &["plan"]).json()["steps"][0]["changeset"], "b");
    assert_eq!(project.json(&database, &["resume"]).json()["was"], Value::Null);
    project.on(&database, &["apply", "--dry-run"]).ok();
    // a dry run takes numbers from sequences
    let rest = |dump: &str| dump.lines().filter(|l| !l.contains("setval")).collect::<Vec<_>>().join("\n");
    same("reading", &rest(&before.1), &rest(&database.whole_dump()));
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "1");

    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "8");
    let after = rows(&database);
    let lost: Vec<&str> = before.0.lines().filter(|l| !after.contains(l)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(project.states(&database), "a=applied b=applied");
    let other = backfill_and_table(&fresh);
    other.on(&fresh, &["apply"]).ok();
    let catalog = |d: &Database| {
        let text = d.whole_dump();
        text.lines().filter(|l| !l.starts_with("INSERT") && !l.contains("setval")).collect::<Vec<_>>().join("\n")
    };
    same("the catalog", &catalog(&fresh), &catalog(&database));
    // the chain of events holds across the change
    let broken = "SELECT count(*) FROM (SELECT e, lag(hash, 1, '') OVER (ORDER BY seq) AS previous FROM dagmar.event e) x \
                  WHERE (e).hash <> dagmar.event_hash(previous, e) AND (e).hash LIKE 'e2:%'";
    assert_eq!(database.sql(broken), "0");
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
}

/// Approvals came with version 3. What is there stays as it was, and its history holds.
#[test]
fn a_ledger_of_version_2_is_read_and_brought_up_to_date() {
    let (database, fresh) = (Database::new(), Database::new());
    let project = backfill_and_table(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    as_version_2(&database);
    let before = rows(&database);
    assert_eq!(project.json(&database, &["approvals", "list"]).json()["approvals"], json!([]));
    assert_eq!(
        project.json(&database, &["history", "--kind", "runFinished"]).json()["events"].as_array().unwrap().len(),
        1
    );
    let file = project.path().join("b.plan");
    project.on(&database, &["plan", "--out", file.to_str().unwrap()]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "2");
    // the plan was sealed before the ledger knew its installation
    project.on(&database, &["approve", file.to_str().unwrap(), "--reason", "read"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "8");
    let after = rows(&database);
    let lost: Vec<&str> = before.lines().filter(|l| !after.contains(l)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    project.on(&database, &["apply", file.to_str().unwrap()]).ok();
    assert_eq!(project.states(&database), "a=applied b=applied");
    backfill_and_table(&fresh).on(&fresh, &["apply"]).ok();
    let catalog = |d: &Database| {
        let text = d.whole_dump();
        let rest = |l: &&str| !l.starts_with("INSERT") && !l.contains("setval");
        text.lines().filter(rest).collect::<Vec<_>>().join("\n")
    };
    same("the catalog", &catalog(&fresh), &catalog(&database));
    project.json(&database, &["history", "--verify"]).intact();
}

/// A backfill that version 1 was in the middle of goes on where it was; so does the rollback
/// and the script, and a pause needs no apply before.
#[test]
fn a_backfill_of_version_1_goes_on() {
    for way in ["apply", "rollback", "pause", "script"] {
        let database = Database::new();
        let project = backfill_and_table(&database);
        let running = project.start(&database, &["apply"]);
        begun(&database);
        running.signal("KILL");
        running.end();
        database.until_alone();
        as_version_1(&database);
        let done = database.sql("SELECT rows FROM dagmar.segment");
        assert_ne!(done, "400");
        if way == "pause" {
            project.on(&database, &["pause"]).ok();
            project.on(&database, &["resume"]).ok();
        }
        match way {
            "rollback" => {
                project.on(&database, &["rollback", "a"]).ok();
                assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
            }
            "script" => {
                let mut command = project.command(&["sql", "--url", &database.url()]);
                let script = crate::support::Run::of(command.output().unwrap()).ok();
                project.write("script.sql", &script);
                database.script(&project.path().join("script.sql")).unwrap();
                assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1");
            }
            _ => {
                project.on(&database, &["apply"]).ok();
                assert_eq!(database.sql("SELECT min(n), max(n) FROM t"), "1|1", "{way}");
            }
        }
        assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "8", "{way}");
    }
}

#[test]
fn a_ledger_of_every_earlier_version_becomes_a_fresh_one() {
    let project = project(&[table("a")]);
    let fresh = Database::new();
    project.on(&fresh, &["ledger", "install"]).ok();
    for version in 1..=LATEST_EARLIER {
        let database = Database::new();
        ledger_of_version(&database, version);
        if version > 1 {
            let requests = if version < 5 { "wish" } else { "request" };
            database.sql(&format!(
                "INSERT INTO dagmar.{requests} (kind, reason, made_by) VALUES ('pause', 'a busy day', 'anna@host')"
            ));
            let status = project.on(&database, &["status"]).ok();
            assert!(status.contains("a busy day"), "version {version} is read as it is: {status}");
        }
        // a function of that version that lets everybody past the fence
        let fence = database.sql("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'fence'");
        database.sql(&fence.replacen("BEGIN", "BEGIN RETURN;", 1));

        let said = project.on(&database, &["ledger", "install"]).ok();
        assert!(said.contains(&format!("upgraded the ledger `dagmar` from version {version} to 8")), "{said}");
        same(&format!("the ledger of version {version}"), &fresh.sql(SHAPE), &database.sql(SHAPE));
        if version > 1 {
            assert_eq!(database.sql("SELECT kind, reason, made_by FROM dagmar.request"), "pause|a busy day|anna@host");
            project.on(&database, &["resume"]).ok();
        }
        project.on(&database, &["apply"]).ok();
        project.json(&database, &["history", "--verify"]).intact();
    }
}

/// A request that an earlier version recorded is removed without a run before.
#[test]
fn a_pause_of_every_earlier_version_can_be_resumed() {
    let project = project(&[table("a")]);
    for version in 2..=LATEST_EARLIER {
        let database = Database::new();
        ledger_of_version(&database, version);
        let requests = if version < 5 { "wish" } else { "request" };
        database.sql(&format!(
            "INSERT INTO dagmar.{requests} (kind, reason, made_by) VALUES ('pause', 'a busy day', 'anna@host')"
        ));
        let resumed = project.json(&database, &["resume"]).json();
        assert_eq!(resumed["was"]["by"], "anna@host", "version {version}: {resumed}");
        assert_eq!(database.sql("SELECT count(*) FROM dagmar.request"), "0");
        assert_eq!(project.json(&database, &["status"]).json()["paused"], Value::Null);
    }
}
