//! SQL that brings an object from the state that was found to the one that is expected.

mod change;
mod column;
mod common;
mod create;
mod remove;
mod set;
mod table;

use super::compare::{Change, Difference};
use super::kind::ObjectKind as Kind;
use super::object::{Object, ObjectKey};
use super::snapshot::Snapshot;
use remove::drop;
use std::collections::BTreeSet;

/// The statements that undo one difference, in order; `None` where they do not follow from the two catalogs. Each
/// difference is looked at alone: what others need of it, and what is in its rows, is not known here.
#[must_use]
pub fn ddl(expected: &Snapshot, found: &Snapshot, difference: &Difference) -> Option<Vec<String>> {
    let key = &difference.object;
    match &difference.change {
        Change::Missing => create::create(expected, key),
        Change::Extra if key.kind == Kind::DefaultPrivileges => {
            common::default_acl(key, found.get(key)?, found.major, true)
        }
        // that of an identity column goes with it
        Change::Extra if key.kind == Kind::Sequence && found.get(key)?.parent.is_some() => Some(Vec::new()),
        Change::Extra => drop(key, found.get(key)?).map(|sql| vec![sql]),
        Change::Changed { property, .. }
            if key.kind == Kind::View && property == "definition" && same_columns(expected, found, key) =>
        {
            table::create_view(expected, key, expected.get(key)?, true)
        }
        Change::Changed { property, .. } => {
            change::change(expected, key, expected.get(key)?, found.get(key)?, property)
        }
        // only writing the table anew moves a column
        Change::Moved { .. } => None,
    }
}

/// The statements that make an object without the parts that have statements of their own (constraints, indexes,
/// triggers, policies), with owner, privileges and comment; `None`: they do not follow. Columns in `later` get no
/// default, and a sequence no owner column: what they need may not be there yet, see [`set_default`] and [`own_sequence`].
#[must_use]
pub fn create_object(catalog: &Snapshot, key: &ObjectKey, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    create::alone(catalog, key, later)
}

/// The statement that drops an object; `None`: there is none.
#[must_use]
pub fn drop_object(catalog: &Snapshot, key: &ObjectKey) -> Option<String> {
    drop(key, catalog.get(key)?)
}

/// Gives a column its default.
#[must_use]
pub fn set_default(catalog: &Snapshot, column: &ObjectKey) -> Option<Vec<String>> {
    column::change(Some(catalog), column, catalog.get(column)?, &Object::default(), "default")
}

/// Gives a sequence to the column that owns it; empty: none does.
#[must_use]
pub fn own_sequence(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let sequence = catalog.get(key)?;
    if sequence.parent.is_some() || !sequence.properties.contains_key("ownedBy") {
        return Some(Vec::new());
    }
    set::sequence(key, sequence, "ownedBy")
}

/// Whether a view has the columns that it should have, so that it can be replaced.
fn same_columns(expected: &Snapshot, found: &Snapshot, view: &ObjectKey) -> bool {
    let names = |catalog: &Snapshot| -> Vec<(String, String)> {
        let columns = table::columns(catalog, view).into_iter();
        columns.map(|(key, column)| (key.name.clone(), column.property("type").to_string())).collect()
    };
    names(expected) == names(found)
}
