//! The inspected catalog: what counts is seen, and nothing else.

use crate::support::{Database, snapshot, walk};

#[test]
fn each_change_of_a_relation_is_named() {
    snapshot("inspect/relations", &walk("relations", &Database::new()));
}

#[test]
fn each_change_of_a_type_or_function_is_named() {
    snapshot("inspect/programs", &walk("programs", &Database::new()));
}

#[test]
fn each_change_of_another_object_is_named() {
    snapshot("inspect/others", &walk("others", &Database::new()));
}
