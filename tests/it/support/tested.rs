//! A project with changesets and tests of them, for `dagmar test`.

use super::process::Run;
use super::project::Project;
use serde_json::Value;

/// Changesets: a table of users, their names in two columns, a constraint, and one that cannot be rolled back.
pub const TESTED: &str = "\
changesets:
  - id: 001-users
    changes:
      - createSchema: { name: app }
      - createTable:
          table: app.users
          columns:
            - { name: id, type: bigint, identity: always, primaryKey: true }
            - { name: name, type: text, nullable: false }
            - { name: born, type: timestamptz }
            - { name: data, type: jsonb }
            - { name: raw, type: json }
            - { name: tags, type: 'text[]' }
            - { name: score, type: 'numeric(12,2)' }
            - { name: is_admin, type: boolean, nullable: false, default: false }
  - id: 002-split-name
    dependsOn: [001-users]
    changes:
      - addColumn: { table: app.users, columns: [{ name: first, type: text }, { name: last, type: text }] }
      - sql:
          forward: UPDATE app.users SET first = split_part(name, ' ', 1), last = nullif(split_part(name, ' ', 2), '')
          rollback: UPDATE app.users SET name = concat_ws(' ', first, last)
    verify:
      - { name: everybody has a first name, sql: SELECT NOT EXISTS (SELECT FROM app.users WHERE first = '') }
  - id: 003-unique-name
    dependsOn: [002-split-name]
    changes:
      - addUnique: { table: app.users, name: users_name_key, columns: [name] }
  - id: 004-mails
    dependsOn: [001-users]
    changes:
      - createTable: { table: app.mails, columns: [{ name: id, type: bigint, primaryKey: true }] }
    rollback: { irreversible: mails are sent }
";

/// A project with one file of tests.
pub fn tested(tests: &str) -> Project {
    Project::new(&[("plans/a.yaml", TESTED), ("tests/db/a.yaml", tests)])
}

/// Name, status and message of each test.
pub fn results(run: &Run) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |test: &Value| (text(&test["name"]), text(&test["status"]), text(&test["failure"]["message"]));
    run.json()["tests"].as_array().unwrap().iter().map(of).collect()
}

#[track_caller]
pub fn all_pass(project: &Project, args: &[&str]) {
    let run = project.run(&[&["test", "--format", "json"], args].concat());
    let results = results(&run);
    assert!(run.code == 0 && results.iter().all(|(_, status, _)| status == "passed"), "{results:#?}\n{}", run.err);
}
