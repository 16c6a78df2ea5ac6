//! `dagmar prove`: repeatable changesets go over their earlier version and back.

use crate::support::{Changeset, Database, file, found, git, project, sql, table, verdicts};

/// A changeset of a function; the rollback removes it.
fn function(body: &str) -> Changeset {
    sql("f", &format!("CREATE OR REPLACE FUNCTION f() RETURNS {body}"), "DROP FUNCTION f").with("repeatable", true)
}

/// A changeset of a view in SQL: it cannot lose columns.
fn view(columns: &str) -> Changeset {
    sql("v", &format!("CREATE OR REPLACE VIEW v AS SELECT {columns} FROM t"), "DROP VIEW v")
        .with("repeatable", true)
        .depends_on(["t"])
}

const ONE: &str = "int LANGUAGE sql AS 'SELECT 1'";
const TWO: &str = "int LANGUAGE sql AS 'SELECT 2'";

#[test]
fn pending_ones_go_over_the_applied_version_and_back() {
    let database = Database::new();
    let project = project(&[table("t"), function(ONE), view("n")]);
    project.on(&database, &["apply"]).ok();
    let before = database.catalog();
    project.write("plans/a.yaml", &file(&[table("t"), function(TWO), view("n, n + 1 AS m")]));
    let run = project.on(&database, &["prove", "--format", "json"]);
    let proof = run.json();
    assert_eq!((run.code, verdicts(&proof, "f")), (10, "up ok, down ok, again ok, order ok, retry ok".to_owned()));
    assert_eq!(verdicts(&proof, "v"), "up ok, down ok, again ok, order ok, retry failed");
    let said = found(&proof, "v");
    let fails = "retry error: the rollback to its earlier version fails: cannot drop columns from view";
    assert_eq!(said, [fails]);
    // the real rollback fails as well
    assert_eq!(before, database.catalog());
    project.on(&database, &["apply"]).ok();
    let real = project.on(&database, &["rollback", "v"]).fails(8);
    assert!(real.contains("cannot drop columns from view"), "{real}");
}

#[test]
fn those_since_a_revision_go_over_its_version_and_back() {
    let project = project(&[table("t"), function(ONE), view("n")]);
    git(&project, &["init", "-q"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "x"]);
    let prove = || {
        let run = project.run(&["prove", "--base", "main", "--format", "json"]);
        assert!([0, 10].contains(&run.code), "{run:?}");
        run.json()
    };
    // what the new version makes besides stays when the earlier one comes back
    let more = function(&format!("{TWO}; CREATE TABLE IF NOT EXISTS seen (n int)"));
    project.write("plans/a.yaml", &file(&[table("t"), more, view("n AS m")]));
    let proof = prove();
    assert_eq!(verdicts(&proof, "f"), "up ok, down differs, again ok, order ok", "{:?}", found(&proof, "f"));
    let said = found(&proof, "v");
    assert!(
        said.iter().any(|f| f.starts_with("retry error: it cannot be applied over its earlier version: cannot change")),
        "{said:?}"
    );
    let drops = "DROP TABLE seen; DROP FUNCTION f";
    let more = sql(
        "f",
        &format!("CREATE OR REPLACE FUNCTION f() RETURNS {TWO}; CREATE TABLE IF NOT EXISTS seen (n int)"),
        drops,
    );
    project.write("plans/a.yaml", &file(&[table("t"), more.with("repeatable", true), view("n")]));
    let proof = prove();
    assert_eq!(
        found(&proof, "f"),
        ["retry error: after the rollback to its earlier version: table public.seen is not expected"]
    );
    assert_eq!(proof["changesets"].as_array().unwrap().len(), 1);
}

#[test]
fn an_earlier_version_that_cannot_run_any_more_is_said() {
    let database = Database::new();
    let project = project(&[table("t"), view("n")]);
    project.on(&database, &["apply"]).ok();
    let other = sql("u", "ALTER TABLE t RENAME COLUMN n TO m", "ALTER TABLE t RENAME COLUMN m TO n");
    project.write("plans/a.yaml", &file(&[table("t"), other.depends_on(["t"]), view("m").depends_on(["u"])]));
    let run = project.on(&database, &["prove", "--select", "v", "--format", "json", "--no-data", "--no-order"]);
    let proof = run.json();
    assert_eq!(verdicts(&proof, "v"), "up ok, down ok, again ok, retry ok", "{proof:#}");
    let said = found(&proof, "v");
    assert!(
        said.iter().any(|f| f.starts_with("retry note: it was applied twice, and not over its earlier version")),
        "{said:?}"
    );
}
