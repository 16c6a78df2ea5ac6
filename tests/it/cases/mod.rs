//! The folders of `tests/cases`, one for each change type: what they compile to, and what
//! becomes of it on a server, with and without failures.

mod dry_run;
mod failures;
mod golden;
pub mod round_trip;
mod script;

use crate::harness::{Database, Project, Run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

macro_rules! cases {
    ($($name:ident)*) => {
        /// The folders that have tests.
        pub const ALL: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            #[test]
            fn plan_is_as_expected() {
                super::golden::check(stringify!($name));
            }
            #[test]
            fn goes_up_down_and_up() {
                super::round_trip::check(stringify!($name), crate::harness::server());
            }
            #[test]
            fn survives_a_failure_of_every_definition() {
                super::failures::of_definitions(stringify!($name));
            }
            #[test]
            fn survives_a_failure_between_changes() {
                super::failures::between_changes(stringify!($name));
            }
            #[test]
            fn is_the_same_as_a_script() {
                super::script::check(stringify!($name));
            }
            #[test]
            fn dry_run_leaves_no_trace() {
                super::dry_run::check(stringify!($name));
            }
        })*
    };
}

cases! {
    add_check add_column add_enum_value add_foreign_key add_primary_key add_unique backfill
    change_column_type comment create_enum create_extension create_function create_index
    create_policy create_schema create_table create_trigger create_view delete drop_column
    drop_constraint drop_default drop_index drop_not_null drop_table enable_row_level_security
    grant insert rename_column rename_table set_default set_not_null sql sql_file update
}

#[test]
fn every_folder_has_its_tests() {
    let mut folders: Vec<String> =
        fs::read_dir(folder("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, ALL, "the folders of tests/cases against the list in tests/it/cases/mod.rs");
}

/// Where a case lives.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// A case as a project of its own, under the paths that it has in the repository.
pub struct Case {
    pub project: Project,
    changelog: String,
    /// The steps of the plan for an empty database, in order.
    pub steps: Vec<Value>,
}

impl Case {
    pub fn open(name: &str) -> Self {
        let path = format!("tests/cases/{name}");
        let project = Project::new(&[("dagmar.yaml", &format!("plans: {path}\n"))]);
        for entry in fs::read_dir(folder(name)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                let file = format!("{path}/{}", entry.file_name().to_str().unwrap());
                project.write(&file, &fs::read_to_string(entry.path()).unwrap());
            }
        }
        let mut this = Self { project, changelog: format!("{path}/changelog.yaml"), steps: Vec::new() };
        this.plan();
        this
    }

    /// Reads the plan anew.
    pub fn plan(&mut self) {
        let plan = self.project.run(&["plan", "--offline", "--format", "json"]);
        assert_eq!(plan.code, 0, "{}", plan.err);
        self.steps = plan.json()["steps"].as_array().unwrap().clone();
    }

    /// The changesets, in order.
    pub fn ids(&self) -> Vec<String> {
        self.steps.iter().map(|s| s["changeset"].as_str().unwrap().to_owned()).collect()
    }

    pub fn changelog(&self) -> serde_yaml::Value {
        let text = fs::read_to_string(self.project.path().join(&self.changelog)).unwrap();
        serde_yaml::from_str(&text).unwrap()
    }

    /// Takes out what servers before 15 do not know.
    pub fn simplify(&mut self) {
        let text = fs::read_to_string(self.project.path().join(&self.changelog)).unwrap();
        let text =
            ["nullsNotDistinct: true, ", ", nullsNotDistinct: true", " NULLS NOT DISTINCT", "securityInvoker: true"]
                .iter()
                .fold(text, |text, new| text.replace(new, ""));
        self.project.write(&self.changelog, &text);
        self.plan();
    }

    pub fn write_changelog(&self, changelog: &serde_yaml::Value) {
        self.project.write(&self.changelog, &serde_yaml::to_string(changelog).unwrap());
    }

    pub fn apply(&self, database: &Database, id: &str) -> Run {
        self.project.on(database, &["apply", "--select", id])
    }

    pub fn rollback(&self, database: &Database, id: &str) -> Run {
        self.project.on(database, &["rollback", id])
    }

    /// A changeset's row of `status`.
    pub fn status(&self, database: &Database, id: &str) -> Value {
        let status = self.project.on(database, &["status", "--format", "json"]);
        assert_eq!(status.code, 0, "{}", status.err);
        let rows = status.json()["changesets"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no row of {id}"))
    }

    pub fn state(&self, database: &Database, id: &str) -> String {
        self.status(database, id)["state"].as_str().unwrap().to_owned()
    }
}

/// Two dumps are the same; otherwise what differs.
#[track_caller]
pub fn same(what: &str, left: &str, right: &str) {
    if left == right {
        return;
    }
    let diff = similar::TextDiff::from_lines(left, right);
    panic!("{what}\n{}", diff.unified_diff().context_radius(2).header("expected", "found"));
}

#[test]
fn what_cannot_be_undone_is_refused_and_stays() {
    let project = Project::new(&[(
        "plans/a.yaml",
        "
changesets:
  - id: one
    changes: [{ sql: { forward: CREATE TABLE t (id int), rollback: DROP TABLE t } }]
  - id: two
    dependsOn: [one]
    changes: [{ sql: { forward: INSERT INTO t VALUES (1) } }]
    rollback: { irreversible: who knows which row it was }
",
    )]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    let full = database.dump();
    for args in [&["rollback", "two"][..], &["rollback", "--all"], &["rollback", "one", "--cascade"]] {
        assert!(project.on(&database, args).fails(5).contains("who knows which row it was"));
        same("a refused rollback changes nothing", &full, &database.dump());
    }
}
