//! The whole way once, by the binary: the first thing to look at when much fails.

use crate::support::{Database, Project, same};

const PLAN: &str = "
changesets:
  - id: 001-base
    changes:
      - createSchema: { name: app }
      - createTable:
          table: app.users
          columns:
            - { name: id, type: bigint, identity: always, primaryKey: true }
            - { name: email, type: text, nullable: false, unique: true }
  - id: 002-active
    dependsOn: [001-base]
    changes:
      - sql:
          forward: INSERT INTO app.users (email) SELECT 'u' || g FROM generate_series(1, 2500) g
          rollback: DELETE FROM app.users
      - addColumn: { table: app.users, columns: [{ name: active, type: boolean }] }
      - createIndex: { name: users_active_idx, table: app.users, columns: [active] }
      - backfill: { table: app.users, key: id, batchSize: 1000, set: { active: 'true' }, where: t.active IS NULL }
    verify:
      - { name: all are active, sql: SELECT NOT EXISTS (SELECT FROM app.users WHERE active IS NULL) }
";

#[test]
fn up_and_down_again() {
    let (project, database) = (Project::new(&[("plans/a.yaml", PLAN)]), Database::new());
    let empty = database.dump();
    assert_eq!(project.json(&database, &["apply"]).applied(), "001-base 002-active");
    assert_eq!(database.sql("SELECT count(*) FILTER (WHERE active), count(*) FROM app.users"), "2500|2500");
    assert_eq!(project.json(&database, &["apply"]).applied(), "");
    assert_eq!(project.json(&database, &["rollback", "--all"]).rolled_back(), "001-base 002-active");
    same("after the way back", &empty, &database.dump());
}

/// The server reads a whole message before it runs any of it: what stands before a mistake
/// of syntax has to be applied all the same.
#[test]
fn a_mistake_of_syntax_stops_only_what_comes_after_it() {
    let plan = "
changesets:
  - { id: a, changes: [ { sql: { forward: CREATE TABLE a (), rollback: DROP TABLE a } } ] }
  - { id: b, changes: [ { sql: { forward: CREATE TABLE b (), rollback: DROP TABLE b } } ] }
  - { id: c, changes: [ { sql: { forward: 'CREATE TABLE c (x nonsense nonsense nonsense)', rollback: DROP TABLE c } } ] }
  - { id: d, changes: [ { sql: { forward: CREATE TABLE d (), rollback: DROP TABLE d } } ] }
";
    let (project, database) = (Project::new(&[("plans/a.yaml", plan)]), Database::new());
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(said.contains("`c` failed") && said.contains("nothing of it remains"), "{said}");
    let tables =
        "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.sql(tables), "a b");
    let status = project.on(&database, &["status", "--format", "json"]).json();
    let states: Vec<&str> =
        status["changesets"].as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "applied", "failed", "pending"]);
}

/// What is dropped by a rollback that is written by hand stays in the attic; doing it all
/// again must find a free name there.
#[test]
fn the_attic_takes_the_same_table_twice() {
    let plan = "
changesets:
  - id: a
    changes:
      - createTable: { table: t, columns: [ { name: id, type: int, primaryKey: true } ] }
      - insert: { table: t, rows: [ { id: 1 } ], key: [id] }
      - addColumn: { table: kept, columns: [ { name: c, type: int } ] }
    rollback:
      - dropColumn: { table: kept, column: c }
      - dropTable: { table: t }
";
    let (project, database) = (Project::new(&[("plans/a.yaml", plan)]), Database::new());
    database.sql("CREATE TABLE kept (id int PRIMARY KEY)");
    for _ in 0..3 {
        project.on(&database, &["apply"]).ok();
        project.on(&database, &["rollback", "a"]).ok();
    }
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'dagmar_attic'"), "3");
    assert_eq!(database.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0"), "4");
}
