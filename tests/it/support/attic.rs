//! A project whose attic keeps something of each kind.

use super::changelog::{Changeset, changeset, sql};
use super::database::Database;
use super::project::Project;
use serde_json::{Value, json};

/// Tables with rows, and a changeset for each kind of what is kept.
pub fn plan() -> String {
    let base = "CREATE TABLE users (id int PRIMARY KEY, email text, nick text);
INSERT INTO users SELECT g, 'e' || g, 'n' || g FROM generate_series(1, 20) g;
CREATE TABLE logs (id int PRIMARY KEY, line text);
INSERT INTO logs SELECT g, 'x' FROM generate_series(1, 30) g";
    let base = sql("base", base, "DROP TABLE users;\nDROP TABLE IF EXISTS logs");
    let rest = "  - id: drop
    dependsOn: [base]
    changes:
      - dropColumn: { table: users, column: email }
      - dropTable: { table: logs }
  - id: delete
    dependsOn: [base]
    changes:
      - delete: { table: users, where: id <= 5 }
  - id: notes
    dependsOn: [base]
    changes:
      - createTable: { table: notes, columns: [ { name: id, type: int, primaryKey: true }, { name: body, type: text } ] }
      - addColumn: { table: users, columns: [ { name: age, type: int } ] }
";
    format!("changesets:\n{base}{rest}")
}

/// A changeset that drops a column of `users`.
pub fn dropping(id: &str, column: &str) -> Changeset {
    changeset(id).depends_on(["delete"]).change("dropColumn", json!({ "table": "users", "column": column }))
}

/// A project with this policy of `production`, and a database that has all of it.
pub fn applied(policy: &str) -> (Project, Database) {
    let config = format!("environments:\n  production: {{ {policy} }}\n");
    let (project, database) = (Project::new(&[("dagmar.yaml", &config), ("plans/a.yaml", &plan())]), Database::new());
    project.on(&database, &["apply", "--override", "approvals", "--reason", "x"]).ok();
    (project, database)
}

/// The same with rows and values that a rollback has taken away; its changeset is applied again.
pub fn with_rows(policy: &str) -> (Project, Database) {
    let (project, database) = applied(policy);
    database.sql("INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, NULL); UPDATE users SET age = id WHERE id > 10");
    project.on(&database, &["rollback", "notes"]).ok();
    project.on(&database, &["apply", "--override", "approvals", "--reason", "x"]).ok();
    (project, database)
}

pub fn entries(project: &Project, database: &Database) -> Vec<Value> {
    let list = project.on(database, &["attic", "list", "--format", "json"]);
    list.json()["entries"].as_array().unwrap_or_else(|| panic!("{list:?}")).clone()
}

/// The number of the entry that keeps this object in this way.
pub fn number(project: &Project, database: &Database, kind: &str) -> String {
    let all = entries(project, database);
    all.iter().find(|e| e["kind"] == kind).unwrap_or_else(|| panic!("{all:?}"))["entry"].to_string()
}

pub fn intact(project: &Project, database: &Database) {
    project.json(database, &["history", "--verify"]).intact();
}

#[track_caller]
pub fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
}
