//! `dagmar drift`: what somebody changed by hand is found, adopted or taken back.

use crate::support::{Database, Project, role, same, sql, url};
use serde_json::Value;

const SHOP: &str = "CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY, email text NOT NULL); \
                    CREATE VIEW app.emails AS SELECT email FROM app.users; CREATE TABLE app.events (at date) PARTITION BY RANGE (at)";

/// A project with two environments; the first has the shop.
fn shop(more: &str) -> (Project, Database, Database) {
    let (database, other) = (Database::new(), Database::new());
    let environments = format!(
        "{more}environments:\n  prod: {{ url: \"{}\" }}\n  other: {{ url: \"{}\" }}\n",
        database.url(),
        other.url()
    );
    let changesets = crate::support::file(&[sql("shop", SHOP, "DROP SCHEMA app CASCADE")]);
    let project = Project::new(&[("dagmar.yaml", &environments), ("plans/shop.yaml", &changesets)]);
    project.run(&["apply", "--yes"]).ok();
    (project, database, other)
}

fn drift(project: &Project, more: &[&str]) -> Value {
    let run = project.run(&[&["drift", "--format", "json"], more].concat());
    let answer = run.json();
    assert_eq!(run.code, if answer["drifted"] == true { 10 } else { 0 }, "{run:?}");
    answer
}

fn objects(answer: &Value) -> Vec<String> {
    let name = |difference: &Value| {
        let object = &difference["object"];
        format!("{} {}", object["kind"].as_str().unwrap(), object["name"].as_str().unwrap())
    };
    answer["differences"].as_array().unwrap().iter().map(name).collect()
}

const BY_HAND: &str = "ALTER TABLE app.users ADD nick text; CREATE INDEX users_nick ON app.users (nick); DROP VIEW app.emails; \
                       ALTER TABLE app.users ALTER email DROP NOT NULL";

#[test]
fn what_was_done_by_hand_is_found() {
    let (project, database, _) = shop("");
    assert_eq!(drift(&project, &[])["drifted"], false);
    // by a catalog that was kept, too
    assert_eq!(drift(&project, &[])["drifted"], false);
    database.sql(BY_HAND);
    let found = ["view app.emails", "column app.users.email", "column app.users.nick", "index app.users_nick"];
    assert_eq!(objects(&drift(&project, &[])), found);
    let said = project.run(&["drift"]).fails(10);
    assert!(said.contains("prod has drifted: 4 differences"), "{said}");
}

#[test]
fn drift_is_taken_back_in_the_environment_alone() {
    let (project, database, other) = shop("");
    let before = database.schema();
    database.sql(BY_HAND);
    database.sql("INSERT INTO app.users VALUES (1, 'a@example.org', 'ann')");
    let answer = drift(&project, &["--revert", "--write"]);
    assert_eq!(answer["verified"]["differences"], Value::Array(Vec::new()), "{answer:#}");
    let mut marking = vec!["baseline", "--reason", "by hand on Monday", "--yes"];
    marking.extend(answer["toBaseline"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()));
    project.run(&marking).ok();
    assert_eq!(drift(&project, &[])["drifted"], false);
    project.run(&["apply", "--yes"]).ok();
    assert_eq!(drift(&project, &[])["drifted"], false);
    assert_eq!(database.sql("SELECT email FROM app.emails"), "a@example.org");
    // the column is kept in the attic
    let without =
        |schema: String| schema.lines().filter(|line| !line.contains("attic_")).collect::<Vec<_>>().join("\n");
    assert_eq!(without(database.schema()).replace(",\n)", "\n)"), without(before));
    project.run(&["apply", "--yes", "--env", "other"]).ok();
    assert_eq!(other.sql("SELECT count(*) FROM dagmar.changeset"), "1", "the others have no drift");
}

#[test]
fn drift_is_adopted_for_all_environments() {
    let (project, database, other) = shop("");
    database.sql(BY_HAND);
    drift(&project, &["--adopt", "--write=plans/adopted.yaml"]);
    project.run(&["check"]).ok();
    project.run(&["baseline", "--reason", "by hand on Monday", "--yes"]).ok();
    assert_eq!(drift(&project, &[])["drifted"], false);
    project.run(&["apply", "--yes", "--env", "other"]).ok();
    same("the schema", &database.schema(), &other.schema());
}

#[test]
fn what_others_own_is_no_drift() {
    let (project, database, _) = shop(
        "drift:\n  ignore:\n    - { object: \"table app.events_*\", reason: made by the partition job }\n    - { object: view app.emails, property: comment, reason: the analysts describe it }\n",
    );
    database.sql(
        "CREATE TABLE app.events_2026 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); \
         COMMENT ON VIEW app.emails IS 'all of them'",
    );
    let answer = drift(&project, &[]);
    assert_eq!((&answer["drifted"], answer["ignored"].as_array().unwrap().len()), (&false.into(), 2), "{answer:#}");
    let text = project.run(&["drift"]).ok();
    assert!(text.contains("ignored: table app.events_2026 is not expected (made by the partition job)"), "{text}");
    database.sql("GRANT SELECT ON app.emails TO PUBLIC");
    assert_eq!(objects(&drift(&project, &[])), ["view app.emails"]);
    // what is ignored stays as it is
    drift(&project, &["--revert", "--write"]);
    let written = std::fs::read_to_string(project.path().join("plans/drift.yaml")).unwrap();
    assert!(written.contains("REVOKE SELECT ON TABLE app.emails FROM PUBLIC"), "{written}");
    assert!(!written.contains("COMMENT") && !written.contains("events_2026"), "{written}");
}

#[test]
fn a_recorded_comparison_is_in_the_status_and_met_by_the_gate() {
    let (project, database, _) = shop("");
    let config = std::fs::read_to_string(project.path().join("dagmar.yaml")).unwrap();
    project.write("dagmar.yaml", &config.replacen("\" }", "\", drift: { maxAge: 1h } }", 1));
    project.write(
        "plans/next.yaml",
        &crate::support::file(&[sql("next", "CREATE TABLE app.next ()", "DROP TABLE app.next").depends_on(["shop"])]),
    );
    let refused = project.run(&["apply", "--yes"]).refusal(5);
    assert!(refused.contains("no comparison of the database with its ledger is recorded"), "{refused}");
    assert!(refused.contains("dagmar drift --env prod --record"), "{refused}");

    database.sql("ALTER TABLE app.users ADD nick text");
    project.run(&["drift", "--record"]).fails(10);
    let refused = project.run(&["apply", "--yes"]).refusal(5);
    assert!(refused.contains("the database has drifted: 1 difference"), "{refused}");
    let status = project.run(&["status"]).ok();
    assert!(status.contains("drift: 1 difference found on "), "{status}");

    database.sql("ALTER TABLE app.users DROP nick");
    project.run(&["drift", "--record"]).ok();
    let json = project.run(&["status", "--format", "json"]).json();
    assert_eq!(json["drift"]["differences"], 0, "{json:#}");
    project.run(&["apply", "--yes"]).ok();
    assert!(project.run(&["history"]).ok().contains("driftChecked"));
    project.run(&["history", "--verify", "--format", "json"]).intact();
}

#[test]
fn changesets_are_made_only_when_it_is_said_which() {
    let (project, _, _) = shop("");
    let said = project.run(&["drift", "--write"]).refusal(2);
    assert!(said.contains("--adopt") && said.contains("--revert"), "{said}");
}

#[test]
fn brackets_and_question_marks_of_a_name_are_themselves() {
    let (project, database, _) = shop(
        "drift:\n  ignore:\n    - { object: \"function app.f(text[])\", reason: a }\n    - { object: 'table app.\"what?\"', reason: b }\n",
    );
    database.sql(
        "CREATE FUNCTION app.f(text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.\"what?\" (); \
         CREATE FUNCTION app.f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.\"whats\" ()",
    );
    let answer = drift(&project, &[]);
    assert_eq!(objects(&answer), ["function app.f(text)", "table app.whats"], "{answer:#}");
    assert_eq!(answer["ignored"].as_array().unwrap().len(), 2, "{answer:#}");
}

#[test]
fn a_wrong_pattern_is_named_with_its_place() {
    let config = "drift:\n  ignore:\n    - { object: \" \", reason: x }\n";
    let project = Project::new(&[("dagmar.yaml", config), ("plans/shop.yaml", "changesets: []\n")]);
    let said = project.run(&["check"]).refusal(3);
    assert!(said.contains("dagmar.yaml:3") && said.contains("the pattern is empty"), "{said}");
}

#[test]
fn what_is_replaced_by_hand_is_taken_back_in_order() {
    let (project, database, _) = shop("");
    database.sql("CREATE OR REPLACE VIEW app.emails AS SELECT upper(email) AS email FROM app.users");
    let answer = drift(&project, &["--revert", "--write"]);
    assert_eq!(answer["changesets"].as_array().unwrap().len(), 2, "{answer:#}");
    project.run(&["check"]).ok();
    let first = answer["toBaseline"][0].as_str().unwrap();
    project.run(&["baseline", first, "--reason", "by hand", "--yes"]).ok();
    project.run(&["apply", "--yes"]).ok();
    assert_eq!(drift(&project, &[])["drifted"], false);
    assert!(!database.sql("SELECT pg_get_viewdef('app.emails'::regclass)").contains("upper"));
}

/// There is a cast from `lseg` to `point` and none back: what takes the drift back can be applied, what describes it cannot.
#[test]
fn what_cannot_be_adopted_is_not_verified() {
    let database = Database::new();
    let changesets = [sql("a", "CREATE SCHEMA app; CREATE TABLE app.t (n point)", "DROP SCHEMA app CASCADE")];
    let config = format!("environments: {{ prod: {{ url: \"{}\" }} }}", database.url());
    let project = Project::new(&[("dagmar.yaml", &config), ("plans/a.yaml", &crate::support::file(&changesets))]);
    project.run(&["apply", "--yes"]).ok();
    database.sql("ALTER TABLE app.t DROP n; ALTER TABLE app.t ADD n lseg");
    let run = project.run(&["drift", "--revert", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 10, "{run:?}");
    assert_eq!(answer["changesets"].as_array().unwrap().len(), 2, "{answer:#}");
    let first = answer["toBaseline"][0].as_str().unwrap();
    let failed = answer["verified"]["failed"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(failed, format!("`{first}`: cannot cast type point to lseg"));
    let run = project.run(&["drift", "--revert"]);
    assert_eq!(run.code, 10, "{run:?}");
    assert!(run.out.contains(&format!("not verified: `{first}`: ")), "{run:?}");
    assert!(run.err.contains("the changesets were tried on a private server and are not right"), "{run:?}");
}

#[test]
fn a_required_column_that_was_added_by_hand_is_named_for_the_others() {
    let (project, database, other) = shop("");
    other.sql(&format!("{SHOP}; INSERT INTO app.users VALUES (1, 'a@example.org')"));
    database.sql("ALTER TABLE app.users ADD nick text NOT NULL");
    let note = |answer: &Value| answer["notes"][0]["note"].as_str().map(str::to_owned);
    let adopting = drift(&project, &["--adopt"]);
    assert!(note(&adopting).is_some_and(|note| note.contains("the new column `nick` of `app.users`")), "{adopting:#}");
    // here it is marked, and never added
    assert_eq!(note(&drift(&project, &["--revert"])), None);
}

#[test]
fn another_role_and_settings_of_the_database_are_no_drift_of_the_catalog() {
    let database = Database::new();
    let role = role(&database, "deploy", "");
    database.sql(&format!("GRANT CREATE ON DATABASE {} TO {role}", database.name));
    let url = url(&database, &role);
    let changesets = crate::support::file(&[sql(
        "shop",
        "CREATE SCHEMA app; CREATE TABLE app.t (id int)",
        "DROP SCHEMA app CASCADE",
    )]);
    let config = format!("environments: {{ prod: {{ url: \"{url}\" }} }}");
    let project = Project::new(&[("dagmar.yaml", &config), ("plans/shop.yaml", &changesets)]);
    project.run(&["apply", "--yes"]).ok();
    assert_eq!(drift(&project, &[])["drifted"], false);
    database.sql("ALTER TABLE app.t OWNER TO postgres");
    assert_eq!(objects(&drift(&project, &[])), ["table app.t"]);
    database.sql(&format!(
        "ALTER TABLE app.t OWNER TO {role}; ALTER DATABASE {} SET search_path = app, public",
        database.name
    ));
    assert_eq!(objects(&drift(&project, &[])), ["setting of all roles"]);
    let yaml = project.run(&["drift", "--adopt", "--format", "yaml"]).out;
    assert!(yaml.contains("search_path"), "{yaml}");
}

#[test]
fn a_comparison_of_another_database_does_not_meet_the_gate() {
    let (project, database, other) = shop("");
    project.run(&["drift", "--record"]).ok();
    let config = std::fs::read_to_string(project.path().join("dagmar.yaml")).unwrap();
    project.write("dagmar.yaml", &config.replace("other: {", "other: { drift: { maxAge: 1h },"));
    let dump =
        std::process::Command::new(crate::support::server().bin.join("pg_dump")).arg(database.url()).output().unwrap();
    let file = project.path().join("dump.sql");
    std::fs::write(&file, dump.stdout).unwrap();
    other.script(&file).unwrap();
    project.run(&["adopt", "--env", "other", "--reason", "restored", "--yes"]).ok();
    project.write(
        "plans/next.yaml",
        &crate::support::file(&[sql("next", "CREATE TABLE app.next ()", "DROP TABLE app.next").depends_on(["shop"])]),
    );
    let refused = project.run(&["apply", "--env", "other", "--yes"]).refusal(5);
    assert!(refused.contains("no comparison of the database with its ledger is recorded"), "{refused}");
}
