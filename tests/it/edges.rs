//! Scenario 3: the declared dependencies are compared with the SQL.

use crate::support::{Changeset, Database, Project, changeset, file, project, sql, table};
use serde_json::{Value, json};

/// The problems of a check: code, severity, the words in backticks of the message.
fn problems(changesets: &[Changeset]) -> Vec<String> {
    let found = project(changesets).run(&["check", "--format", "json"]).json();
    let one = |problem: &Value| {
        let message = problem["message"].as_str().unwrap_or_default();
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        format!("{} {} {}", problem["code"].as_str().unwrap(), problem["severity"].as_str().unwrap(), names.join(" "))
    };
    found["diagnostics"].as_array().unwrap().iter().map(one).collect()
}

fn users() -> Changeset {
    sql("users", "CREATE TABLE app_users (id int PRIMARY KEY, name text)", "DROP TABLE app_users")
}

#[test]
fn s03_a_missing_dependency_is_an_error() {
    let reads = |id: &str, forward: &str| sql(id, forward, "SELECT 1");
    let email = || sql("email", "ALTER TABLE app_users ADD email text", "SELECT 1").depends_on(["users"]);
    let index = "CREATE INDEX ON app_users (lower(email))";
    // of the table, and of a column that a sibling makes
    assert_eq!(problems(&[users(), reads("b", "SELECT * FROM app_users")]), ["DG0209 error b app_users users"]);
    assert_eq!(
        problems(&[users(), email(), reads("b", index).depends_on(["users"])]),
        ["DG0209 error b app_users.email email"]
    );
    assert_eq!(problems(&[users(), email(), reads("b", index).depends_on(["email"])]), [""; 0]);
    // a column without its table, of one of two
    let join = "SELECT email FROM app_users JOIN other ON true";
    let other = || sql("other", "CREATE TABLE other (n int)", "DROP TABLE other");
    let found = problems(&[users(), email(), other(), reads("b", join).depends_on(["users", "other"])]);
    assert_eq!(found, ["DG0209 error b app_users.email email"]);
    // in a view, a foreign key, a function's body, a DO block, a trigger, a policy
    for forward in [
        "CREATE VIEW v AS SELECT id FROM app_users",
        "CREATE TABLE c (u int REFERENCES app_users (id))",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT id FROM app_users'",
        "DO $$ BEGIN DELETE FROM app_users; END $$",
        "DO $$ BEGIN EXECUTE 'DELETE FROM app_users'; END $$",
        "CREATE POLICY p ON app_users USING (true)",
        "COMMENT ON TABLE app_users IS 'x'",
        "GRANT SELECT ON app_users TO PUBLIC",
        "SELECT 'app_users'::regclass",
    ] {
        assert_eq!(problems(&[users(), reads("b", forward)]), ["DG0209 error b app_users users"], "{forward}");
    }
    // looked up when the function is called, or only perhaps
    for forward in [
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM app_users; END'",
        "DO $$ BEGIN IF true THEN DELETE FROM app_users; END IF; END $$",
        "DROP TABLE IF EXISTS app_users",
    ] {
        let found = problems(&[users(), reads("b", forward)]);
        assert!(
            found.len() == 1 && found[0].contains(" users") && found[0].contains("app_users"),
            "{forward}: {found:?}"
        );
    }
}

#[test]
fn s03_typed_changes_are_compared_too() {
    let add = |id: &str| {
        changeset(id).change("addColumn", json!({ "table": "a", "columns": [{ "name": "email", "type": "text" }] }))
    };
    let index = changeset("i").change("createIndex", json!({ "name": "a_email", "table": "a", "columns": ["email"] }));
    let found = problems(&[table("a"), add("e").depends_on(["a"]), index.depends_on(["a"])]);
    assert_eq!(found, ["DG0209 error i a.email e"]);
    let drop = changeset("d").change("dropTable", json!({ "table": "a" }));
    assert_eq!(problems(&[table("a"), drop]), ["DG0209 error d a a"]);
}

#[test]
fn s03_definitions_without_an_order_are_errors() {
    let function = |id: &str, arguments: &str| {
        let forward = format!("CREATE OR REPLACE FUNCTION f({arguments}) RETURNS int LANGUAGE sql AS 'SELECT 1'");
        sql(id, &forward, "SELECT 1")
    };
    assert_eq!(problems(&[function("a", "x int"), function("b", "y int4")]).len(), 1);
    assert_eq!(problems(&[function("a", "x int"), function("b", "y text")]), [""; 0], "another function");
    assert_eq!(problems(&[function("a", ""), function("b", "").depends_on(["a"])]), [""; 0]);
    let after = |id: &str, forward: &str| sql(id, forward, "SELECT 1").depends_on(["users"]);
    for (one, two, found) in [
        ("ALTER TABLE app_users ALTER name SET NOT NULL", "ALTER TABLE app_users ALTER name SET DEFAULT 'x'", 1),
        ("ALTER TABLE app_users DROP name", "CREATE INDEX ON app_users (name)", 1),
        ("ALTER TABLE app_users RENAME name TO n", "UPDATE app_users SET name = 'x'", 1),
        ("DROP TABLE app_users", "CREATE VIEW v AS SELECT 1 FROM app_users", 1),
        ("ALTER TABLE app_users RENAME TO u", "INSERT INTO app_users VALUES (1)", 1),
        ("ALTER TABLE app_users ADD a int", "ALTER TABLE app_users ADD b int", 0),
        ("CREATE INDEX x ON app_users (name)", "CREATE INDEX y ON app_users (name)", 0),
        ("GRANT SELECT ON app_users TO PUBLIC", "COMMENT ON TABLE app_users IS 'x'", 0),
    ] {
        let all = problems(&[users(), after("b", one), after("c", two)]);
        assert_eq!(all.iter().filter(|p| p.starts_with("DG0211")).count(), found, "{one}; {two}: {all:?}");
        assert_eq!(all.len(), found, "{one}; {two}: {all:?}");
    }
}

#[test]
fn s03_a_run_refuses_what_is_pending_and_not_ordered() {
    let database = Database::new();
    let changesets = [users(), sql("b", "INSERT INTO app_users VALUES (1)", "DELETE FROM app_users")];
    let project = project(&changesets);
    for args in [&["plan"][..], &["apply"], &["apply", "--select", "b"]] {
        let text = project.on(&database, args).fails(3);
        assert!(text.contains("DG0209") && text.contains("`dagmar check --fix`"), "{args:?}: {text}");
    }
    // what is there already needs no order
    project.on(&database, &["apply", "--select", "users"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM app_users"), "1");
}

#[test]
fn s03_missing_dependencies_are_added_to_the_files() {
    let text =
        "changesets:\n  - id: b # reads\n    changes:\n      - sql: { forward: SELECT * FROM t, rollback: SELECT 1 }\n";
    let maker = file(&[sql("t/1", "CREATE TABLE t (n int)", "DROP TABLE t")]);
    let project = Project::new(&[("plans/a.yaml", text), ("plans/b.yaml", &maker)]);
    project.run(&["check"]).fails(3);
    let found = project.run(&["check", "--fix", "--format", "json"]).json();
    assert_eq!(
        found["addedDependencies"],
        json!([{ "changeset": "b", "dependency": "t/1", "file": "plans/a.yaml" }]),
        "{found}"
    );
    let written = std::fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
    assert_eq!(written, text.replacen("# reads\n", "# reads\n    dependsOn: [t/1]\n", 1));
    assert_eq!(project.run(&["check", "--fix", "--format", "json"]).json().get("addedDependencies"), None);
}

#[test]
fn s03_two_that_need_each_other_are_left_to_their_author() {
    let one = sql("a", "CREATE TABLE a (n int); CREATE VIEW va AS SELECT * FROM b", "SELECT 1");
    let two = sql("b", "CREATE TABLE b (n int); CREATE VIEW vb AS SELECT * FROM a", "SELECT 1");
    let project = project(&[one, two]);
    let text = project.run(&["check", "--fix"]).fails(3);
    assert!(text.contains("DG0210"), "{text}");
}

/// A function that is called later may read what comes after it: that never keeps out a dependency that a run needs.
#[test]
fn s03_dependencies_that_a_run_needs_are_added_first() {
    let function = "CREATE FUNCTION done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE details SET n = 1; RETURN new; END $$";
    let project = project(&[
        sql("a-function", function, "DROP FUNCTION done()"),
        sql(
            "b-jobs",
            "CREATE TABLE jobs (id int PRIMARY KEY); CREATE TRIGGER t AFTER UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION done()",
            "DROP TABLE jobs",
        ),
        sql("c-details", "CREATE TABLE details (n int REFERENCES jobs)", "DROP TABLE details"),
    ]);
    let found = project.run(&["check", "--fix", "--format", "json"]).json();
    let added: Vec<String> = found["addedDependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| format!("{} {}", a["changeset"].as_str().unwrap(), a["dependency"].as_str().unwrap()))
        .collect();
    assert_eq!(added, ["b-jobs a-function", "c-details b-jobs"]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
}

#[test]
fn s03_what_nobody_makes_is_looked_for_in_the_database() {
    let database = Database::new();
    database.sql("CREATE TABLE there (n int)");
    let reads = |name: &str| sql("a", &format!("CREATE VIEW v AS SELECT * FROM {name}"), "DROP VIEW v");
    assert_eq!(problems(&[reads("there")]), ["DG0212 warning a"]);
    project(&[reads("there")]).on(&database, &["check", "--against"]).ok();
    let text = project(&[reads("elsewhere")]).on(&database, &["check", "--against"]).fails(3);
    assert!(text.contains("DG0212") && text.contains("elsewhere"), "{text}");
}

#[test]
fn s03_an_edge_that_follows_from_others_is_a_hint() {
    let project = project(&[table("a"), table("b").depends_on(["a"]), table("c").depends_on(["a", "b"])]);
    let found = project.run(&["check", "--format", "json"]).json();
    assert_eq!(found["redundantDependencies"], json!([{ "changeset": "c", "dependency": "a", "through": "b" }]));
    assert_eq!(found["diagnostics"], json!([]));
    assert!(project.run(&["check"]).ok().contains("hint: 1 dependency follows from others"));
}

#[test]
fn s03_edges_say_why_they_are_there() {
    let reads = sql("b", "CREATE VIEW v AS SELECT id FROM app_users", "DROP VIEW v");
    let project = project(&[
        users(),
        reads.depends_on(["users"]),
        table("c").depends_on(["users"]),
        sql("d", "TABLE v", "SELECT 1"),
    ]);
    let found = project.run(&["graph", "--edges", "--format", "json"]).json();
    let edge = |edge: &Value| {
        let text = |key: &str| edge[key].as_str().unwrap_or_default().to_owned();
        let objects: Vec<&str> = edge["objects"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        format!("{} {} {} {}", text("from"), text("to"), text("origin"), objects.join(", "))
    };
    let edges: Vec<String> = found["edges"].as_array().unwrap().iter().map(edge).collect();
    assert_eq!(edges, ["b users both column app_users.id, app_users", "c users declared ", "d b found v"], "{found}");
    let text = project.run(&["graph", "--edges"]).ok();
    assert!(text.contains("found in the SQL, not declared"), "{text}");
    project.run(&["graph", "--edges", "--format", "svg"]).fails(2);
}

#[test]
fn s03_what_the_text_does_not_tell_is_said() {
    let project = project(&[sql("a", "DO $$ BEGIN EXECUTE 'SELECT ' || 1; END $$", "SELECT 1")]);
    let found = project.run(&["check", "--format", "json"]).json();
    assert_eq!(
        found["unchecked"],
        json!([{ "changeset": "a", "reason": "EXECUTE of a text that is built at run time" }])
    );
}
