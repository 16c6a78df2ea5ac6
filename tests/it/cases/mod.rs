//! The folders of `tests/cases`, one for each change type: what they compile to, and what
//! becomes of it on a server, with and without failures.

mod dry_run;
mod failures;
mod fingerprints;
mod generated;
mod golden;
mod script;

use crate::support::{Database, Project, cases, same};

macro_rules! cases {
    ($($name:ident)*) => {
        /// The folders that have tests.
        const ALL: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            use crate::support::{round_trip, server};

            #[test]
            fn plan_is_as_expected() {
                super::golden::check(stringify!($name));
            }
            #[test]
            fn goes_up_down_and_up() {
                round_trip(stringify!($name), server());
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
            fn fingerprints_differ_where_dumps_do() {
                super::fingerprints::of_states(stringify!($name));
            }
            #[test]
            fn transactions_tell_what_they_changed() {
                super::fingerprints::of_transactions(stringify!($name));
            }
            #[test]
            fn dry_run_leaves_no_trace() {
                super::dry_run::check(stringify!($name));
            }
            #[test]
            #[ignore = "takes long: make test-all"]
            fn is_compared_with_what_comes_next() {
                super::generated::compare(stringify!($name));
            }
            #[test]
            #[ignore = "takes long: make test-all"]
            fn is_generated_again() {
                super::generated::check(stringify!($name));
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
    assert_eq!(cases(), ALL, "the folders of tests/cases against the list in tests/it/cases/mod.rs");
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
