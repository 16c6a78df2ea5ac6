//! `generate` and `diff` of the databases that a case makes: changesets that make an equal one.

use crate::support::{Case, Database, Project, retyped, same, verified};
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

/// What `diff` leaves out between states of a case: the case, the object, a part of the reason.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    // columns of tables in the attic have the type
    ("add_enum_value", "schema shop", "is kept in the attic"),
    ("add_enum_value", "type shop.state", "is kept in the attic"),
    // a value of an enum cannot be dropped
    ("add_enum_value", "type shop.state", "no statement changes it"),
    ("create_enum", "schema shop", "is kept in the attic"),
    ("create_enum", "type shop.mood", "is kept in the attic"),
    ("update", "schema shop", "is kept in the attic"),
    ("update", "type shop.mood", "is kept in the attic"),
];

/// Two states that follow each other, in both directions.
pub fn compare(name: &str) {
    let case = Case::open(name);
    let ids = case.ids();
    let mut unused: Vec<_> = LEFT_OUT.iter().filter(|(case, ..)| *case == name).collect();
    let mut is_known = |what: &str, why: &str| {
        let is_it = |(_, known, part): &(&str, &str, &str)| *known == what && why.contains(part);
        unused.retain(|exception| !is_it(exception));
        LEFT_OUT.iter().any(|exception| exception.0 == name && is_it(exception))
    };
    let mut before = Database::new();
    for n in 1..=ids.len() {
        let after = Database::new();
        ids[..n].iter().for_each(|id| drop(case.apply(&after, id).ok()));
        for (from, to) in [(&before, &after), (&after, &before)] {
            let config =
                format!("environments: {{ a: {{ url: \"{}\" }}, b: {{ url: \"{}\" }} }}\n", from.url(), to.url());
            let project = Project::new(&[("dagmar.yaml", &config)]);
            std::fs::create_dir_all(project.path().join("plans")).unwrap();
            let mut answer = project.run(&["diff", "a", "b", "--format", "json"]).json();
            let left_out: Vec<Value> = std::mem::take(answer["leftOut"].as_array_mut().unwrap());
            for left in &left_out {
                let object = &left["object"];
                let object = format!("{} {}", object["kind"].as_str().unwrap(), object["name"].as_str().unwrap());
                assert!(is_known(&object, left["why"].as_str().unwrap()), "{}: {answer:#}\n{left:#}", ids[n - 1]);
            }
            let tried = &answer["verified"];
            if tried.is_null() {
                assert_eq!(answer["changesets"], Value::Array(Vec::new()), "{}: {answer:#}", ids[n - 1]);
            } else if tried["irreversible"] == Value::Array(Vec::new()) {
                // a column that is created again, or has a new type, is the last of its table
                retyped::verified(&answer);
            } else {
                let none = (&Value::Null, &Value::Array(Vec::new()));
                assert_eq!((&tried["failed"], &tried["differences"]), none, "{}: {answer:#}", ids[n - 1]);
            }
        }
        before = after;
    }
    assert!(unused.is_empty(), "no longer so: {unused:?}");
}
