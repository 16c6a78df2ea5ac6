//! `generate` of the database that a case makes: changesets that make an equal one, with nothing left out.

use crate::support::{Case, Database, Project, same, verified};
use serde_json::Value;

pub fn check(name: &str) {
    let (case, database, other) = (Case::open(name), Database::new(), Database::new());
    case.project.on(&database, &["apply"]).ok();
    let config = format!("environments: {{ old: {{ url: \"{}\" }} }}\n", database.url());
    let project = Project::new(&[("dagmar.yaml", &config)]);
    std::fs::create_dir_all(project.path().join("plans")).unwrap();
    let run = project.run(&["generate", "--write", "--format", "json"]);
    let answer = run.json();
    assert_eq!(run.code, 0, "{run:?}");
    verified(&answer);
    let none = Value::Array(Vec::new());
    let (irreversible, not_compared, notes) =
        (&answer["verified"]["irreversible"], &answer["notCompared"], &answer["notes"]);
    assert_eq!((irreversible, not_compared, notes), (&none, &none, &none), "{answer:#}");

    project.run(&["check"]).ok();
    project.on(&other, &["apply"]).ok();
    // dropped columns stay in their tables until then, and belong to the ledger
    case.project.on(&database, &["attic", "purge", "--all"]).ok();
    same("the generated changesets make an equal database", &database.schema(), &other.schema());
    project.on(&other, &["rollback", "--all"]).ok();
    same("their rollbacks leave nothing", &Database::new().schema(), &other.schema());
}
