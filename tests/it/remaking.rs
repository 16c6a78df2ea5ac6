//! The SQL of objects: a database is made again from its inspected catalog, and taken away.

use crate::support::{Database, remake, remake_database, server};
use std::path::Path;

#[test]
fn relations_are_made_again() {
    remake("relations", server());
}

#[test]
fn partitions_and_children_are_made_again() {
    remake("trees", server());
}

#[test]
fn types_and_functions_are_made_again() {
    remake("programs", server());
}

#[test]
fn other_objects_are_made_again() {
    remake("others", server());
}

#[test]
fn tables_of_all_types_and_constraints_are_made_again() {
    for file in ["types", "constraints", "keys"] {
        let database = Database::new();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rows").join(file).with_extension("sql");
        database.script(&path).unwrap();
        remake_database(file, &database);
    }
}
