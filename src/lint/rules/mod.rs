//! The rules, one file each; those of squawk share one.

mod attach_partition_scans;
mod cascade_drop;
mod column_type_rewrite;
mod concurrent_index_if_not_exists;
mod constraint_scan;
mod drop_index_not_concurrent;
mod drop_loses_data;
mod drop_object;
mod drop_without_expand;
mod empty_rollback;
mod enum_value_used;
mod exclusion_constraint;
mod foreign_key_without_index;
mod index_not_concurrent;
mod integer_key;
mod json_column;
mod key_value_without_unique;
mod missing_rollback;
mod not_allowed;
mod not_idempotent_copy;
mod on_conflict_without_unique;
mod outside_transaction;
mod primary_key_builds_index;
mod primary_key_nullable;
mod rename_breaks_clients;
mod required_column;
mod rewrite_by_new_column;
mod rewrite_command;
mod rollback_drops_rows;
mod rollback_loses_data;
mod security_definer_public;
mod security_definer_search_path;
mod set_not_null_scan;
mod several_scans;
mod several_tables_locked;
mod squawk;
mod table_without_primary_key;
mod time_zone_conversion;
mod unbatched_backfill;
mod unique_builds_index;
mod unused_ignore;
mod validate_same_transaction;
mod wide_index;
mod work_under_exclusive_lock;

use super::definition::Check;
pub use super::definition::Definition;
use super::schema::Schema;
use super::subject::{Draft, Subject};
use crate::sql::review::Action;

/// The rules that are not squawk's, in the order of the codes.
const OWN: &[Definition] = &[
    attach_partition_scans::RULE,
    cascade_drop::RULE,
    column_type_rewrite::RULE,
    concurrent_index_if_not_exists::RULE,
    constraint_scan::RULE,
    drop_index_not_concurrent::RULE,
    drop_loses_data::RULE,
    drop_object::RULE,
    drop_without_expand::RULE,
    empty_rollback::RULE,
    enum_value_used::RULE,
    exclusion_constraint::RULE,
    foreign_key_without_index::RULE,
    index_not_concurrent::RULE,
    integer_key::RULE,
    json_column::RULE,
    key_value_without_unique::RULE,
    missing_rollback::RULE,
    not_allowed::RULE,
    not_idempotent_copy::RULE,
    on_conflict_without_unique::RULE,
    outside_transaction::RULE,
    primary_key_builds_index::RULE,
    primary_key_nullable::RULE,
    rename_breaks_clients::RULE,
    required_column::RULE,
    rewrite_by_new_column::RULE,
    rewrite_command::RULE,
    rollback_drops_rows::RULE,
    rollback_loses_data::RULE,
    security_definer_public::RULE,
    security_definer_search_path::RULE,
    set_not_null_scan::RULE,
    several_scans::RULE,
    several_tables_locked::RULE,
    table_without_primary_key::RULE,
    time_zone_conversion::RULE,
    unbatched_backfill::RULE,
    unique_builds_index::RULE,
    unused_ignore::RULE,
    validate_same_transaction::RULE,
    wide_index::RULE,
    work_under_exclusive_lock::RULE,
];

/// Every rule, in the order of the codes.
#[must_use]
pub fn all() -> Vec<&'static Definition> {
    let mut all: Vec<&Definition> = OWN.iter().chain(squawk::TAKEN.iter().map(|taken| &taken.definition)).collect();
    all.sort_by_key(|definition| definition.rule);
    all
}

/// What the rules find in one changeset.
pub(super) fn of_changeset(subject: &Subject<'_>) -> Vec<Draft> {
    let mut out = Vec::new();
    for definition in OWN {
        match definition.check {
            Check::Statement(check) => {
                for unit in &subject.units {
                    out.extend(unit.actions.iter().filter_map(|action| check(subject, unit, action)));
                }
            }
            Check::Changeset(check) => check(subject, &mut out),
            Check::Project(_) | Check::Squawk | Check::OfIgnores => {}
        }
    }
    subject.units.iter().for_each(|unit| squawk::find(subject, unit, &mut out));
    out
}

/// What the rules find in a statement with all that the project says of its tables.
pub(super) fn of_project(schema: &Schema, number: usize, action: &Action, out: &mut Vec<Draft>) {
    for definition in OWN {
        if let Check::Project(check) = definition.check {
            check(schema, number, action, out);
        }
    }
}

#[cfg(test)]
mod tests;
