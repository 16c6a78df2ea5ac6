//! What fails on a server is told by file, line and column: of the SQL, of the change, of the
//! check; in text and JSON; by a plan that was sealed, and by what the ledger keeps.

use crate::support::{Database, Project};
use serde_json::Value;

/// A project whose changesets fail one by one, each at a place of its own.
fn project() -> Project {
    let plan = r#"
changesets:
  - id: s
    changes:
      - createSchema: { name: "${schema}" }

  - id: type
    dependsOn: [s]
    changes:
      - createTable:
          table: ${schema}.t
          columns:
            - { name: id, type: bigint, primaryKey: true }
            - { name: x, type: integr }

  - id: sql
    dependsOn: [s]
    changes:
      - sql:
          forward: |
            -- é
            CREATE TABLE ${schema}.b (id int);

            -- the second
            INSERT INTO ${schema}.b
              SELECT 1/0;
          rollback: DROP TABLE ${schema}.b

  - id: position
    dependsOn: [s]
    changes:
      - sql:
          forward: |
            SELECT '${schema}',
              nothing;
          rollback: SELECT 1

  - id: file
    dependsOn: [s]
    changes:
      - sqlFile: { path: sql/up.sql, rollbackPath: sql/down.sql }

  - id: folded
    dependsOn: [s]
    changes:
      - createView:
          name: ${schema}.v
          query: >-
            SELECT 1 AS a,
            nothing AS b
            FROM pg_class

  - id: verify
    dependsOn: [s]
    changes:
      - sql: { forward: SELECT 1, rollback: SELECT 1 }
    verify:
      - name: pigs fly
        sql: SELECT false

  - id: before
    dependsOn: [s]
    preconditions:
      - tableExists: ${schema}.nowhere
    changes:
      - sql: { forward: SELECT 1, rollback: SELECT 1 }

  - id: own
    dependsOn: [s]
    changes:
      - keep: { table: "${schema}.nothing" }
"#;
    Project::new(&[
        ("dagmar.yaml", "variables: { schema: app }\n"),
        ("plans/a.yaml", &plan[1..]),
        ("sql/up.sql", "CREATE TABLE ${schema}.c ();\n\n-- é\nSELECT '${schema}', oops;\n"),
        ("sql/down.sql", "DROP TABLE ${schema}.c;\nDROP TABLE nope;\n"),
        ("templates/keep/manifest.yaml", "description: x\nparameters: { type: object }\n"),
        ("templates/keep/template.sql.hbs", "-- forward\nDELETE FROM\n  {{qname table}};\n-- rollback\nSELECT 1;\n"),
    ])
}

const PLACES: [(&str, &str, u64, u64); 8] = [
    ("type", "plans/a.yaml", 13, 32),
    ("sql", "plans/a.yaml", 24, 13),
    ("position", "plans/a.yaml", 34, 15),
    ("file", "sql/up.sql", 4, 21),
    ("folded", "plans/a.yaml", 49, 13),
    ("verify", "plans/a.yaml", 58, 14),
    ("before", "plans/a.yaml", 63, 9),
    ("own", "plans/a.yaml", 70, 25),
];

#[test]
fn a_failure_names_file_line_and_column() {
    let (project, database) = (project(), Database::new());
    project.on(&database, &["apply", "--select", "s"]).ok();
    for (id, file, line, column) in PLACES {
        let said = project.on(&database, &["apply", "--select", id]).fails(8);
        let place = format!("  --> {file}:{line}:{column}\n");
        assert!(said.contains(&format!("`{id}` failed: ")) && said.contains(&place), "{place}\n{said}");

        let run = project.on(&database, &["apply", "--select", id, "--format", "json"]);
        let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let failed = lines.iter().find(|event| event["event"] == "stepFailed").unwrap();
        for error in [&failed["error"], &lines.last().unwrap()["error"]] {
            assert_eq!(
                (&error["file"], &error["line"], &error["column"]),
                (&file.into(), &line.into(), &column.into())
            );
        }
        // the ledger keeps it with the failure
        let kept =
            database.sql(&format!("SELECT error->>'file', error->>'line' FROM dagmar.changeset WHERE id = '{id}'"));
        assert_eq!(kept, format!("{file}|{line}"));

        let said = project.on(&database, &["plan", "--dry-run", "--select", id]).fails(8);
        assert!(said.contains(&place), "{place}\n{said}");
    }
}

/// What is taken back is what was stored, with the place that it had.
#[test]
fn a_rollback_names_the_place_that_was_applied() {
    let (project, database) = (project(), Database::new());
    project.write("sql/up.sql", "CREATE TABLE ${schema}.c ();\n");
    project.on(&database, &["apply", "--select", "s,file"]).ok();
    project.write("sql/down.sql", "\n\n\n-- moved\nSELECT 1;\n");
    let said = project.on(&database, &["rollback", "file"]).fails(8);
    assert!(said.contains("  --> sql/down.sql:2:1 when it was applied\n"), "{said}");
    let run = project.on(&database, &["rollback", "file", "--format", "json"]);
    let last: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["error"]["line"], &last["error"]["asApplied"]), (&2.into(), &true.into()), "{last:#}");
}

/// A sealed plan carries the places along; where only lines moved it is still the same.
#[test]
fn a_sealed_plan_names_the_place_and_lines_may_move() {
    let (project, database) = (project(), Database::new());
    project.write("dagmar.yaml", "variables: { schema: app }\nenvironments: { dev: {} }\n");
    project.on(&database, &["apply", "--select", "s"]).ok();
    project.on(&database, &["plan", "--select", "file", "--out", "release.plan"]).ok();
    let sealed = std::fs::read_to_string(project.path().join("release.plan")).unwrap();
    assert!(sealed.contains(r#""file":"sql/up.sql""#), "{sealed}");
    // comments and lines before it are no other SQL
    let plan = std::fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
    project.write("plans/a.yaml", &format!("# a\n# b\n\n{plan}"));
    let said = project.on(&database, &["apply", "release.plan", "--check-render"]).fails(8);
    assert!(said.contains("  --> sql/up.sql:4:21\n"), "{said}");
}

/// Neither checksums nor digests know where something stands.
#[test]
fn lines_that_move_are_no_edit() {
    let project = project();
    let plan = |project: &Project| {
        let value = project.run(&["plan", "--offline", "--format", "json"]).json();
        let steps = value["steps"].as_array().unwrap().clone();
        let of = |step: &Value| (step["id"].clone(), step["checksum"].clone(), step["digest"].clone());
        let lines: Vec<Value> =
            steps.iter().map(|s| s["segments"][0]["statements"][0]["origin"]["line"].clone()).collect();
        (steps.iter().map(of).collect::<Vec<_>>(), lines)
    };
    let (before, lines) = plan(&project);
    let text = std::fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
    project.write("plans/a.yaml", &format!("# one line\n{text}"));
    let (after, moved) = plan(&project);
    assert_eq!(before, after);
    let by_one: Vec<u64> = lines.iter().map(|line| line.as_u64().unwrap() + 1).collect();
    let moved: Vec<u64> = moved.iter().map(|line| line.as_u64().unwrap()).collect();
    // that of the file does not move
    let file = lines.iter().position(|line| *line == 1).unwrap();
    assert_eq!(moved.iter().zip(&by_one).filter(|(a, b)| a != b).count(), 1);
    assert_eq!(moved[file], 1);
}

/// A plan of very many steps stays small: typed changes know their place, SQL that its author wrote
/// each line.
#[test]
fn a_plan_of_very_many_steps_names_the_changes() {
    let mut plan = String::from("changesets:\n");
    for i in 0..510 {
        plan.push_str(&format!("  - id: c{i}\n    changes:\n      - createSchema: {{ name: s{i} }}\n"));
    }
    plan.push_str("  - id: z\n    changes:\n      - sql:\n          forward: |\n            SELECT 1,\n              2;\n          rollback: SELECT 1\n");
    let value = Project::new(&[("plans/a.yaml", &plan)]).run(&["plan", "--offline", "--format", "json"]).json();
    let origin = |step: usize| value["steps"][step]["segments"][0]["statements"][0]["origin"].to_string();
    assert_eq!(origin(0), r#"{"line":4,"column":9}"#);
    assert_eq!(origin(510), r#"{"line":1536,"column":13,"runs":[[0,1536,13,12]]}"#);
}
