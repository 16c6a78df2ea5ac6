//! The sample project under `plans/`: from an empty database to all ten and back, with data
//! that gives its migrations real work.

use crate::support::{Database, Run, dagmar, same};
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The binary on the sample project.
fn run(database: &Database, args: &[&str]) -> Run {
    let mut command = dagmar(args);
    command.args(["--project", ROOT, "--url", &database.url(), "--yes"]);
    Run::of(command.output().unwrap())
}

/// In production, where 004 belongs, without the wait for the old documents.
fn now(database: &Database, args: &[&str]) -> Run {
    let mut all = args.to_vec();
    all.extend(["--env", "production", "--var", "soak=0s"]);
    run(database, &all)
}

fn load(database: &Database, file: &str) {
    database.script(&Path::new(ROOT).join("tests/data").join(file)).unwrap();
}

fn states(database: &Database, args: &[&str]) -> Vec<(String, String)> {
    let mut all = vec!["status", "--format", "json"];
    all.extend(args);
    run(database, &all).json()["changesets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["id"].as_str().unwrap().to_owned(), c["state"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn from_empty_to_all_ten_and_back() {
    let database = Database::new();
    let empty = database.dump();
    now(&database, &["apply"]).ok();
    let states = states(&database, &["--env", "production"]);
    assert_eq!(states.len(), 13);
    assert!(states.iter().all(|(_, state)| state == "applied"), "{states:?}");
    for number in 1..=10 {
        assert!(states.iter().any(|(id, _)| id.starts_with(&format!("{number:03}-"))), "{number}");
    }
    let full = database.dump();
    assert_eq!(now(&database, &["apply", "--format", "json"]).applied(), "");
    now(&database, &["rollback", "--all"]).ok();
    same("after the way back", &empty, &database.dump());
    now(&database, &["apply"]).ok();
    same("after the second way up", &schema_of(&full), &schema_of(&database.dump()));
}

/// A dump without its rows, which hold times and random ids.
fn schema_of(dump: &str) -> String {
    dump.lines().filter(|line| !line.starts_with("INSERT")).collect::<Vec<_>>().join("\n")
}

#[test]
fn data_survives_the_way_up_and_the_way_down() {
    let database = Database::new();
    now(&database, &["apply", "--select", "002-billing", "--select", "001-platform-schema"]).ok();
    load(&database, "before_003.sql");
    let with_legacy = database.dump();

    now(&database, &["apply", "--select", "+003-users-and-permissions"]).ok();
    // seven rows of the old platform are five people
    assert_eq!(database.sql("SELECT count(*) FROM platform.users"), "5");
    assert_eq!(
        database.sql("SELECT email, (SELECT string_agg(o.slug || ':' || r.role, ',' ORDER BY o.slug) FROM platform.user_roles r JOIN platform.organizations o ON o.id = r.organization_id WHERE r.user_id = u.id) FROM platform.users u ORDER BY email"),
        "alone@nowhere.example|\nann@acme.example|acme:owner,zum-loewen:admin\nbob@acme.example|acme:member\no'hara@ohara.example|ohara:owner\nzoë@zum-loewen.example|zum-loewen:viewer"
    );
    let after_003 = database.dump();
    now(&database, &["rollback", "003-users-and-permissions"]).ok();
    same("what nobody edited comes back as it was written", &with_legacy, &database.dump());
    now(&database, &["apply", "--select", "+003-users-and-permissions"]).ok();
    same("003 again", &after_003, &database.dump());

    load(&database, "before_008.sql");
    load(&database, "before_010.sql");
    let before_008 = database.dump();
    now(&database, &["apply", "--select", "+008-active-organization"]).ok();
    // the organization that was joined first; among two of one moment the smaller id
    assert_eq!(
        database.sql("SELECT u.email, o.slug FROM platform.users u LEFT JOIN platform.organizations o ON o.id = u.active_org_id WHERE u.email LIKE '%@members.example' AND u.email NOT LIKE 'member%' ORDER BY 1"),
        "none@members.example|\none@members.example|early\nseveral@members.example|late\ntie@members.example|late"
    );
    // a choice of a user's own
    let choose = "SELECT platform.set_user_active_org(u.id, o.id) FROM platform.users u, platform.organizations o WHERE u.email = 'several@members.example' AND o.slug = 'unicode'";
    assert_eq!(database.sql(choose), "t");
    now(&database, &["rollback", "008-active-organization"]).ok();
    same("without 008", &before_008, &database.dump());
    // the choice is kept in the attic
    let kept = database.sql("SELECT kept_as FROM dagmar.attic WHERE kind = 'values' AND object LIKE '%active_org_id' ORDER BY id DESC LIMIT 1");
    assert!(!kept.is_empty());

    now(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM platform.user_preferences p JOIN platform.users u ON u.id = p.user_id WHERE u.email = 'quotes@preferences.example'"), "3");
    assert_eq!(database.sql("SELECT to_regclass('platform.users') IS NOT NULL AND NOT EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'platform' AND table_name = 'users' AND column_name = 'preferences_json')"), "t");
    // an edit after the move has to be in the document after the way back
    database.sql("UPDATE platform.user_preferences SET preference_value = '\"solarized\"' WHERE preference_key = 'theme' AND user_id = '00000000-0000-4000-8000-000000003001'");
    database.sql("INSERT INTO platform.user_preferences (user_id, preference_key, preference_value) VALUES ('00000000-0000-4000-8000-000000003007', 'first', '1')");
    now(&database, &["rollback", "010-user-preferences-expand", "--cascade"]).ok();
    assert_eq!(
        database.sql("SELECT preferences_json FROM platform.users WHERE email = 'plain@preferences.example'"),
        r#"{"beta": true, "rows": 50, "theme": "solarized"}"#
    );
    assert_eq!(
        database.sql("SELECT preferences_json FROM platform.users WHERE email = 'none@preferences.example'"),
        r#"{"first": 1}"#
    );
    assert_eq!(
        database.sql("SELECT preferences_json FROM platform.users WHERE email = 'document-null@preferences.example'"),
        "null"
    );
    assert_eq!(database.sql("SELECT count(*) FROM platform.users WHERE preferences_json IS NOT NULL AND email LIKE 'user%@preferences.example'"), "10286");
    now(&database, &["rollback", "--all"]).ok();
    assert_eq!(
        database.sql("SELECT to_regnamespace('platform') IS NULL, (SELECT count(*) FROM public.legacy_users) >= 7"),
        "t|t"
    );
}

#[test]
fn the_first_organization_is_for_production_only() {
    let database = Database::new();
    run(&database, &["apply", "--env", "demo"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM platform.organizations"), "0");
    let states = states(&database, &["--env", "demo"]);
    let excluded: Vec<&str> = states.iter().filter(|(_, s)| s == "excluded").map(|(id, _)| id.as_str()).collect();
    assert_eq!(excluded, ["004-first-organization"]);
    assert_eq!(states.iter().filter(|(_, s)| s == "applied").count(), 12);
}

#[test]
fn the_contract_step_waits_thirty_days_in_production() {
    let database = Database::new();
    let out = run(&database, &["apply", "--env", "production"]).ok();
    assert!(out.contains("waits 010-user-preferences-contract"), "{out}");
    assert!(out.contains("must have been applied for 30d, until 20"), "{out}");
    let plan = run(&database, &["plan", "--env", "production", "--format", "json"]).json();
    assert_eq!(plan["steps"].as_array().unwrap().len(), 0);
    assert_eq!(plan["waiting"][0]["changeset"], "010-user-preferences-contract");
    assert_eq!(plan["waiting"][0]["soak"], "30d");
    let states = states(&database, &["--env", "production"]);
    assert_eq!(states.iter().filter(|(_, s)| s == "waiting").count(), 1);
    // thirty days later, by the server's clock
    let on = "010-user-preferences-copy";
    database
        .sql(&format!("UPDATE dagmar.changeset SET applied_at = applied_at - interval '30 days' WHERE id = '{on}'"));
    // who may write the row does not shorten the time in secret
    let said = run(&database, &["apply", "--env", "production"]).fails(4);
    assert!(said.contains(&format!("the row of `{on}` was changed manually")), "{said}");
    run(&database, &["clear", on, "--as-recorded", "--reason", "a month is over", "--env", "production"]).ok();
    assert!(run(&database, &["apply", "--env", "production"]).ok().contains("applied 1 changeset"));
}

#[test]
fn the_plan_of_the_sample_is_what_it_promises() {
    let output =
        dagmar(&["plan", "--offline", "--env", "production", "--format", "json", "--project", ROOT]).output().unwrap();
    let plan = Run::of(output).json();
    let steps = plan["steps"].as_array().unwrap();
    let modes = |id: &str| -> Vec<&str> {
        let step = steps.iter().find(|s| s["changeset"] == id).unwrap();
        step["segments"].as_array().unwrap().iter().map(|s| s["mode"].as_str().unwrap()).collect()
    };
    // column and functions in transactions, the index concurrently, the backfill in batches
    assert!(modes("008-active-organization").contains(&"outside"));
    assert!(modes("008-active-organization").contains(&"batched"));
    assert_eq!(modes("001-platform-schema"), ["transaction"]);
    // nothing has run yet, so the soak has no end
    assert!(plan["waiting"][0].get("until").is_none());
    let waves: std::collections::BTreeMap<&str, u64> =
        steps.iter().map(|s| (s["changeset"].as_str().unwrap(), s["wave"].as_u64().unwrap())).collect();
    assert_eq!(waves["005-audit-logs"], waves["006-platform-databases"], "independent of each other");
}

#[test]
fn the_sample_is_proven() {
    let proof = Run::of(dagmar(&["prove", "--all", "--project", ROOT, "--format", "json"]).output().unwrap());
    assert_eq!((proof.code, proof.json()["verdict"].as_str()), (0, Some("proven")), "{proof:?}");
}

#[test]
fn the_projects_own_tests_pass() {
    for (args, skipped) in [(&[][..], 1), (&["--env", "production", "--var", "soak=0s"], 0)] {
        let mut command = dagmar(&["test", "--project", ROOT, "--format", "json"]);
        let run = Run::of(command.args(args).output().unwrap());
        let counts = &run.json()["counts"];
        let passed = run.json()["tests"].as_array().unwrap().len() - skipped;
        assert_eq!((run.code, &counts["passed"], &counts["skipped"]), (0, &passed.into(), &skipped.into()), "{run:?}");
    }
}

#[test]
fn psql_alone_comes_to_the_same() {
    let (by_dagmar, by_psql) = (Database::new(), Database::new());
    now(&by_dagmar, &["apply"]).ok();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("everything.sql");
    now(&by_psql, &["sql", "--offline", "--output", script.to_str().unwrap()]).ok();
    by_psql.script(&script).unwrap();
    same("the script", &schema_of(&by_dagmar.dump()), &schema_of(&by_psql.dump()));
    let ledger = "SELECT id, status, checksum, digest, requires FROM dagmar.changeset LEFT JOIN LATERAL (SELECT string_agg(needs, ',' ORDER BY needs) AS requires FROM dagmar.requires r WHERE r.changeset = id) r ON true ORDER BY id";
    let of_psql = by_psql.sql(ledger);
    assert_eq!(of_psql, by_dagmar.sql(ledger));
    assert_eq!(now(&by_psql, &["apply", "--format", "json"]).applied(), "");
    let refused = by_psql.script(&script).unwrap_err();
    assert!(refused.contains("001-platform-schema already exists"), "{refused}");
    now(&by_psql, &["rollback", "--all"]).ok();
    assert_eq!(by_psql.sql("SELECT to_regnamespace('platform') IS NULL"), "t");
}
