//! `dagmar generate`, `diff` and `baseline`: databases that exist become changesets.

use crate::support::{Database, LEGACY, Project, same, sql, verified};
use serde_json::Value;

fn empty(environments: &[(&str, &Database)]) -> Project {
    let lines: Vec<String> =
        environments.iter().map(|(name, database)| format!("  {name}: {{ url: \"{}\" }}\n", database.url())).collect();
    let project = Project::new(&[("dagmar.yaml", &format!("environments:\n{}", lines.concat()))]);
    std::fs::create_dir_all(project.path().join("plans")).unwrap();
    project
}

fn legacy() -> Database {
    let database = Database::new();
    database.sql(LEGACY);
    database
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["changesets"].as_array().unwrap().iter().map(|changeset| changeset["id"].as_str().unwrap()).collect()
}

#[test]
fn a_database_becomes_changesets_that_make_an_equal_one() {
    let database = legacy();
    let before = database.schema();
    let project = empty(&[("old", &database)]);
    let run = project.run(&["generate", "--write", "--layout", "object", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    verified(&answer);
    let ids = ids(&answer);
    let place = |id: &str| ids.iter().position(|other| *other == id).unwrap_or_else(|| panic!("{id}: {ids:?}"));
    assert!(place("create-table-app.teams") < place("create-function-app.is_head"), "{ids:?}");
    assert!(place("create-view-app.happy") < place("create-view-app.happy_mails"), "{ids:?}");
    let written = answer["written"].as_array().unwrap();
    assert!(written.contains(&"plans/app/table-users.yaml".into()), "{written:?}");
    assert_eq!(database.schema(), before, "it only reads");

    project.run(&["check"]).ok();
    let (other, nothing) = (Database::new(), Database::new());
    project.on(&other, &["apply"]).ok();
    same("the schema", &before, &other.schema());
    assert_eq!(other.sql("SELECT obj_description('app'::regnamespace)"), "Costs ${money}");
    project.on(&other, &["rollback", "--all"]).ok();
    same("nothing", &nothing.schema(), &other.schema());
}

#[test]
fn the_changesets_are_shown_and_only_written_when_asked() {
    let database = Database::new();
    database.sql(
        "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY); CREATE SCHEMA other; CREATE TABLE other.t ()",
    );
    let project = empty(&[("old", &database)]);
    let text = project.run(&["generate", "--schema", "app"]).ok();
    assert!(text.contains("create-table-app.t  after create-schema-app"), "{text}");
    assert!(!text.contains("other"), "{text}");
    assert_eq!(std::fs::read_dir(project.path().join("plans")).unwrap().count(), 0);
    let yaml = project.run(&["generate", "--schema", "app", "--format", "yaml"]).ok();
    project.write("plans/mine.yaml", &yaml);
    project.run(&["check"]).ok();

    let refused = project.run(&["generate"]).refusal(5);
    assert!(refused.contains("already has changesets") && refused.contains("dagmar diff"), "{refused}");
    let missing = empty(&[("old", &database)]).run(&["generate", "--schema", "nowhere"]).refusal(2);
    assert!(missing.contains("the database has no schema `nowhere`"), "{missing}");
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let database = Database::new();
    database.sql("CREATE SCHEMA app");
    let project = empty(&[("old", &database)]);
    project.write("notes/app.yaml", "mine");
    let refused = project.run(&["generate", "--write=notes"]).refusal(2);
    assert!(refused.contains("`notes/app.yaml` already exists; nothing was written"), "{refused}");
    assert_eq!(std::fs::read_to_string(project.path().join("notes/app.yaml")).unwrap(), "mine");
}

#[test]
fn what_a_database_has_is_marked_and_nothing_else() {
    let database = legacy();
    let project = empty(&[("old", &database)]);
    project.run(&["generate", "--write"]).ok();
    database.sql("ALTER TABLE app.users ALTER mail DROP NOT NULL");
    let refused = project.run(&["baseline", "--reason", "was there", "--yes"]).refusal(5);
    assert!(refused.contains("column app.users.mail: not null is unset instead of on"), "{refused}");
    assert!(refused.contains("1 difference; nothing was marked"), "{refused}");
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dagmar'"), "0");

    database.sql("ALTER TABLE app.users ALTER mail SET NOT NULL");
    let before = database.schema();
    let run = project.run(&["baseline", "--reason", "was there", "--yes", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let marked = run.json()["changesets"].as_array().unwrap().len();
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.changeset WHERE status = 'applied'"), marked.to_string());
    same("the schema", &before, &database.schema());
    let again = project.run(&["baseline", "--reason", "was there", "--yes"]).refusal(5);
    assert!(again.contains("nothing is pending"), "{again}");
}

#[test]
fn a_required_column_that_nothing_fills_is_named() {
    let (from, to) = (Database::new(), Database::new());
    for database in [&from, &to] {
        database.sql("CREATE SCHEMA app; CREATE TABLE app.\"T t\" (id int PRIMARY KEY)");
    }
    to.sql(
        "CREATE DOMAIN app.must AS int NOT NULL; CREATE DOMAIN app.may AS int DEFAULT 1 NOT NULL; \
         ALTER TABLE app.\"T t\" ADD \"a b\" int NOT NULL, ADD m app.must, ADD b int NOT NULL DEFAULT 1, ADD c serial NOT NULL, \
             ADD d int GENERATED ALWAYS AS IDENTITY, ADD e int NOT NULL GENERATED ALWAYS AS (id) STORED, ADD f int, ADD g app.may NOT NULL; \
         CREATE TABLE app.new (a int NOT NULL)",
    );
    let project = empty(&[("from", &from), ("to", &to)]);
    let run = project.run(&["diff", "from", "to", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    let notes = answer["notes"].as_array().unwrap();
    let names: Vec<&str> = notes.iter().map(|note| note["object"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["app.\"T t\".\"a b\"", "app.\"T t\".m"], "{answer:#}");
    for note in notes {
        let id = &note["changeset"];
        let of = answer["changesets"].as_array().unwrap().iter().find(|changeset| changeset["id"] == *id).unwrap();
        let column = note["object"]["name"].as_str().unwrap().strip_prefix("app.\"T t\".").unwrap();
        assert!(of["changes"].to_string().replace('\\', "").contains(&format!("ADD COLUMN {column} ")), "{answer:#}");
    }
    let text = project.run(&["diff", "from", "to", "--write"]).ok();
    assert!(text.contains(": the new column `\"a b\"` of `app.\"T t\"` is NOT NULL and has no default"), "{text}");
    from.sql("INSERT INTO app.\"T t\" VALUES (1)");
    let failed = project.on(&from, &["apply"]).fails(8);
    assert!(failed.contains("contains null values"), "{failed}");
}

#[test]
fn a_rollback_keeps_the_rows_of_a_column_that_was_added() {
    let (from, to) = (Database::new(), Database::new());
    for database in [&from, &to] {
        database.sql("CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY); INSERT INTO app.t VALUES (1), (2)");
    }
    to.sql("ALTER TABLE app.t ADD n int NOT NULL DEFAULT 7; CREATE TABLE app.new (id int PRIMARY KEY)");
    let project = empty(&[("from", &from), ("to", &to)]);
    let before = from.dump();
    project.run(&["diff", "from", "to", "--write"]).ok();
    project.on(&from, &["apply"]).ok();
    from.sql("UPDATE app.t SET n = 20 WHERE id = 2; INSERT INTO app.t VALUES (3, 30); INSERT INTO app.new VALUES (4)");
    project.on(&from, &["rollback", "--all"]).ok();
    assert_eq!(from.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM app.t"), "1 2 3");
    from.sql("DELETE FROM app.t WHERE id = 3");
    same("but for the new row, it is as before", &before, &from.dump());
    from.sql("INSERT INTO app.t VALUES (3)");

    project.on(&from, &["apply"]).ok();
    let kept = project.on(&from, &["attic", "list", "--format", "json"]).json();
    let entries: Vec<String> = kept["entries"].as_array().unwrap().iter().map(|e| e["entry"].to_string()).collect();
    assert_eq!(entries.len(), 2, "{kept:#}");
    for entry in &entries {
        project.on(&from, &["attic", "restore", entry]).ok();
    }
    assert_eq!(from.sql("SELECT string_agg(id || ':' || n, ' ' ORDER BY id) FROM app.t"), "1:7 2:20 3:30");
    assert_eq!(from.sql("SELECT id FROM app.new"), "4");
}

/// A function and a procedure that use a column which is gone, and a function whose names only its callers' path finds.
const STALE: &str = "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, gone int); \
    CREATE FUNCTION app.stale(a int) RETURNS bigint LANGUAGE sql AS 'SELECT count(gone) FROM app.t'; \
    CREATE PROCEDURE app.stale_too() LANGUAGE sql AS 'UPDATE app.t SET gone = 1'; \
    CREATE FUNCTION app.good() RETURNS bigint LANGUAGE sql AS 'SELECT count(id) FROM app.t'; \
    SET search_path = app; CREATE FUNCTION app.found() RETURNS bigint LANGUAGE sql AS 'SELECT count(id) FROM t'; RESET search_path; \
    CREATE VIEW app.v AS SELECT app.stale(1) AS n; ALTER TABLE app.t DROP gone";

fn notes(answer: &Value) -> Vec<(&str, &str)> {
    let notes = answer["notes"].as_array().unwrap().iter();
    notes.map(|note| (note["changeset"].as_str().unwrap(), note["note"].as_str().unwrap())).collect()
}

#[test]
fn a_function_whose_body_is_not_valid_is_made_and_named() {
    let (database, other) = (Database::new(), Database::new());
    database.sql(STALE);
    let project = empty(&[("old", &database), ("other", &other)]);
    let run = project.run(&["generate", "--write", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    verified(&answer);
    let notes = notes(&answer);
    let expected = [
        ("create-function-app.found", "function app.found(): its body is not valid: relation \"t\" does not exist; "),
        (
            "create-function-app.stale",
            "function app.stale(integer): its body is not valid: column \"gone\" does not exist; ",
        ),
        (
            "create-procedure-app.stale_too",
            "procedure app.stale_too(): its body is not valid: column \"gone\" of relation ",
        ),
    ];
    assert_eq!(notes.len(), expected.len(), "{notes:?}");
    for (id, begin) in expected {
        assert!(notes.iter().any(|(of, note)| *of == id && note.starts_with(begin)), "{id}: {notes:?}");
    }
    let written = std::fs::read_to_string(project.path().join("plans/app.yaml")).unwrap();
    assert_eq!(written.matches("SET LOCAL check_function_bodies = off").count(), 3, "{written}");

    project.run(&["check"]).ok();
    project.run(&["apply", "--env", "other", "--yes"]).ok();
    same("the schema", &database.schema(), &other.schema());
    project.run(&["baseline", "--env", "old", "--reason", "was there", "--yes"]).ok();
    let text = empty(&[("old", &database)]).run(&["generate"]).ok();
    assert!(
        text.contains("note: create-function-app.stale: function app.stale(integer): its body is not valid"),
        "{text}"
    );
}

#[test]
fn a_rollback_makes_a_function_again_whose_body_is_not_valid() {
    let (from, to) = (Database::new(), Database::new());
    from.sql(STALE);
    to.sql(STALE);
    to.sql(
        "CREATE OR REPLACE FUNCTION app.stale(a int) RETURNS bigint LANGUAGE sql AS 'SELECT count(id) FROM app.t'; \
         DROP PROCEDURE app.stale_too()",
    );
    let project = empty(&[("from", &from), ("to", &to)]);
    let before = from.schema();
    let run = project.run(&["diff", "from", "to", "--write", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    verified(&answer);
    let notes = notes(&answer);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().all(|(_, note)| note.contains("its present body is not valid; the rollback")), "{notes:?}");
    project.run(&["apply", "--env", "from", "--yes"]).ok();
    same("the schema", &to.schema(), &from.schema());
    project.run(&["rollback", "--all", "--env", "from", "--yes"]).ok();
    same("the schema before", &before, &from.schema());
}

#[test]
fn a_function_that_cannot_be_made_at_all_is_no_matter_of_its_body() {
    let database = Database::new();
    database.sql(
        "CREATE SCHEMA app; CREATE FUNCTION app.lost(float8) RETURNS float8 LANGUAGE internal AS 'dsin'; \
         UPDATE pg_proc SET prosrc = 'nowhere' WHERE proname = 'lost'",
    );
    let run = empty(&[("old", &database)]).run(&["generate", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 10, "{run:?}");
    let failed = answer["verified"]["failed"].as_str().unwrap();
    assert!(failed.starts_with("`create-function-app.lost`: ") && failed.contains("nowhere"), "{failed}");
    assert_eq!(answer["notes"], Value::Array(Vec::new()), "{answer:#}");
    assert!(!answer["changesets"].to_string().contains("check_function_bodies"), "{answer:#}");
}

#[test]
fn a_database_is_compared_with_the_project() {
    let database = Database::new();
    let project = empty(&[("dev", &database)]);
    project.write(
        "plans/shop.yaml",
        &crate::support::file(&[sql(
            "shop",
            "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY)",
            "DROP SCHEMA app CASCADE",
        )]),
    );
    project.run(&["apply", "--yes"]).ok();
    let text = project.run(&["diff", "dev", "project"]).ok();
    assert!(text.starts_with("0 differences"), "{text}");
    database.sql("ALTER TABLE app.t ADD note text");
    project.run(&["diff", "project", "dev", "--write"]).ok();
    let written = std::fs::read_to_string(project.path().join("plans/diff.yaml")).unwrap();
    assert!(written.contains("dependsOn:\n  - shop"), "{written}");
    project.run(&["check"]).ok();
    project.run(&["baseline", "--reason", "made by hand", "--yes"]).ok();
    let text = project.run(&["diff", "dev", "project"]).ok();
    assert!(text.starts_with("0 differences"), "{text}");
}

#[test]
fn sides_that_are_none_are_refused() {
    let database = Database::new();
    let project = empty(&[("production", &database)]);
    let said = project.run(&["diff", "producton", "project"]).refusal(2);
    assert!(said.contains("`producton` is neither an environment nor a URL"), "{said}");
    assert!(said.contains("did you mean `production`?"), "{said}");
    let said = project.run(&["diff", "project", "project"]).refusal(2);
    assert!(said.contains("both sides are the project"), "{said}");
}
