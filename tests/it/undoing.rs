//! Rolling back: exactly what was asked for, by what the database remembers.

use crate::support::{Database, Project, file, project, snapshot, sql, table};
use std::fs;

/// `a`; `b` and `c` need it; `d` needs `b`; `e` is alone.
fn diamond() -> Project {
    project(&[
        table("a"),
        table("b").depends_on(["a"]),
        table("c").depends_on(["a"]),
        table("d").depends_on(["b"]),
        table("e"),
    ])
}

#[test]
fn a_changeset_is_rolled_back_with_what_depends_on_it() {
    let (project, database) = (diamond(), Database::new());
    let empty = database.dump();
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    snapshot(
        "undoing/a_changeset_is_rolled_back_with_what_depends_on_it",
        &project.on(&database, &["rollback", "b"]).refusal(5),
    );
    assert_eq!(database.ledger(), "a=applied b=applied c=applied d=applied e=applied");
    let run = project.on(&database, &["rollback", "b", "--cascade", "--plan"]);
    let plan = run.ok();
    assert!(plan.find("DROP TABLE \"d\"").unwrap() < plan.find("DROP TABLE \"b\"").unwrap(), "{plan}");
    assert!(!plan.contains("DROP TABLE \"c\"") && !plan.contains("DROP TABLE \"e\""), "{plan}");
    project.on(&database, &["rollback", "b", "--cascade", "--dry-run"]).ok();
    assert_eq!(database.ledger(), "a=applied b=applied c=applied d=applied e=applied");
    assert_eq!(project.json(&database, &["rollback", "b", "--cascade"]).rolled_back(), "b d");
    // unrelated later ones stay
    assert_eq!(database.ledger(), "a=applied c=applied e=applied");
    assert_eq!(project.states(&database), "a=applied b=pending c=applied d=pending e=applied");
    snapshot(
        "undoing/a_changeset_is_rolled_back_with_what_depends_on_it-2",
        &project.on(&database, &["rollback", "b"]).refusal(2),
    );
    project.on(&database, &["rollback", "a", "--cascade"]).ok();
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.dump(), empty);
    assert!(project.on(&database, &["rollback", "--all"]).ok().contains("nothing to roll back"));
}

#[test]
fn rollbacks_go_to_a_point_or_take_back_the_last_run() {
    let (project, database) = (diamond(), Database::new());
    project.on(&database, &["apply", "--select", "a,c"]).ok();
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    assert_eq!(database.ledger(), "a=applied c=applied b=applied d=applied e=applied");
    project.on(&database, &["rollback", "--last-run"]).ok();
    assert_eq!(database.ledger(), "a=applied c=applied");
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    project.on(&database, &["rollback", "--to", "b"]).ok();
    assert_eq!(database.ledger(), "a=applied c=applied b=applied");
    project.on(&database, &["rollback", "--to", "a"]).ok();
    assert_eq!(database.ledger(), "a=applied");
    snapshot(
        "undoing/rollbacks_go_to_a_point_or_take_back_the_last_run",
        &project.on(&database, &["rollback", "--to", "aa"]).refusal(2),
    );
}

#[test]
fn a_rollback_needs_no_file() {
    let database = Database::new();
    let empty = database.dump();
    let project =
        project(&[table("a"), sql("b", "CREATE TABLE b (n int);\n-- segment\nSELECT 1", "DROP TABLE ${table}")]);
    project.write("dagmar.yaml", "variables: { table: b }\n");
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    fs::remove_file(project.path().join("plans/a.yaml")).unwrap();
    project.write("dagmar.yaml", "");
    assert_eq!(project.states(&database), "a=missing b=missing");
    assert_eq!(project.json(&database, &["apply", "--jobs", "1"]).applied(), "");
    project.on(&database, &["rollback", "b"]).ok();
    // even from a project that says something else under that id
    project.write("plans/x.yaml", &file(&[sql("a", "SELECT 1", "SELECT 1 / 0")]));
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.dump(), empty);
}

#[test]
fn what_is_dropped_comes_back_with_its_rows() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL DEFAULT 'x', age int CHECK (age > 0)); \
         CREATE INDEX people_age ON people (age); INSERT INTO people SELECT g, 'p' || g, g FROM generate_series(1, 500) g; \
         COMMENT ON COLUMN people.age IS 'in years'; CREATE TABLE pets (n int REFERENCES people); INSERT INTO pets VALUES (3)",
    );
    let before = database.dump();
    let plan = "
changesets:
  - { id: pets, changes: [ { dropTable: { table: pets } } ] }
  - { id: age, changes: [ { dropColumn: { table: people, column: age } } ] }
  - { id: people, dependsOn: [pets, age], changes: [ { dropTable: { table: people } } ] }
";
    let project = Project::new(&[("plans/a.yaml", plan)]);
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    assert_eq!(database.sql("SELECT to_regclass('people') IS NULL AND to_regclass('pets') IS NULL"), "t");
    fs::remove_file(project.path().join("plans/a.yaml")).unwrap();
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT count(*), sum(age) FROM people"), "500|125250");
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(|l| l.trim_end_matches(',').to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(database.dump()), sorted(before));
}

#[test]
fn what_cannot_be_taken_back_says_so() {
    let database = Database::new();
    let plan = "
changesets:
  - id: a
    changes: [ { sql: { forward: CREATE TABLE a (n int) } } ]
    rollback: { irreversible: the rows were sold }
  - id: b
    dependsOn: [a]
    changes: [ { sql: { forward: CREATE TABLE b (n int), rollback: DROP TABLE b } } ]
";
    let project = Project::new(&[("plans/a.yaml", plan)]);
    for args in [&["plan"][..], &["plan", "--format", "markdown"], &["plan", "--format", "html"]] {
        assert!(project.on(&database, args).ok().contains("the rows were sold"), "{args:?}");
    }
    assert!(project.run(&["check"]).ok().contains("cannot be rolled back: 1 changeset"));
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    snapshot("undoing/what_cannot_be_taken_back_says_so", &project.on(&database, &["rollback", "--all"]).refusal(5));
    assert_eq!(database.ledger(), "a=applied b=applied");
    project.on(&database, &["rollback", "b"]).ok();
}

/// A rollback that fails leaves everything as it was; one of several segments goes on.
#[test]
fn a_rollback_that_fails() {
    let database = Database::new();
    database.sql("CREATE TABLE switch AS SELECT 0 AS n; CREATE TABLE log (n int)");
    let project = project(&[
        sql("one", "CREATE TABLE one ()", "DROP TABLE one;\nSELECT 1 / n FROM switch"),
        sql(
            "two",
            "INSERT INTO log VALUES (1), (2), (3)",
            "DELETE FROM log WHERE n = 1;\n-- segment\nDELETE FROM log WHERE n = 2;\nSELECT 1 / n FROM switch;\n-- segment\nDELETE FROM log WHERE n = 3",
        ),
    ]);
    project.on(&database, &["apply", "--jobs", "1"]).ok();
    snapshot("undoing/a_rollback_that_fails", &project.on(&database, &["rollback", "one"]).refusal(8));
    assert_eq!(project.states(&database), "one=applied two=applied");
    snapshot("undoing/a_rollback_that_fails-2", &project.on(&database, &["rollback", "two"]).refusal(8));
    assert_eq!(database.sql("SELECT string_agg(n::text, ' ') FROM log"), "2 3");
    let run = project.on(&database, &["apply", "--jobs", "1"]);
    assert!(run.out.contains("its rollback is not finished: finish it first"), "{run:?}");
    database.sql("UPDATE switch SET n = 1");
    project.on(&database, &["rollback", "two"]).ok();
    assert_eq!(
        (database.sql("SELECT count(*) FROM log").as_str(), project.states(&database).as_str()),
        ("0", "one=applied two=pending")
    );
}
