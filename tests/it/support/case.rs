//! The folders of `tests/cases` as projects.

use super::database::{Database, same};
use super::process::Run;
use super::project::Project;
use super::server::{Server, server};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a case lives.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// The names of all of them, in order.
pub fn cases() -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
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

/// Up one changeset after the other, down in reverse, and up again: the catalog and every row are what
/// they were.
pub fn round_trip(name: &str, on: &'static Server) {
    let (mut case, database) = (Case::open(name), Database::on(on));
    if database.sql("SELECT current_setting('server_version_num')::int < 150000") == "t" {
        case.simplify();
    }
    // what knows more is the one that cannot read a newer server
    let dump = |database: &Database| if std::ptr::eq(on, server()) { database.dump() } else { database.catalog() };
    let mut before = Vec::new();
    for id in &case.ids() {
        before.push(dump(&database));
        assert_eq!(case.project.json(&database, &["apply", "--select", id]).applied(), *id);
        assert_eq!(case.state(&database, id), "applied");
    }
    let full = dump(&database);
    assert_eq!(case.project.json(&database, &["apply"]).applied(), "");
    same("nothing to do changes nothing", &full, &dump(&database));
    for (id, before) in case.ids().iter().zip(&before).rev() {
        case.rollback(&database, id).ok();
        same(&format!("the rollback of {id} leaves what was there before it"), before, &dump(&database));
        assert_eq!(case.state(&database, id), "pending");
    }
    case.project.on(&database, &["apply"]).ok();
    same("the second time is like the first", &full, &dump(&database));
    case.project.on(&database, &["rollback", "--all"]).ok();
    same("all at once leaves what was there at first", &before[0], &dump(&database));
}
