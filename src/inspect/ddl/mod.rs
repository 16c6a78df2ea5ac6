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
use super::object::ObjectKey;
use super::snapshot::Snapshot;
use remove::drop;

/// The statements that undo one difference, in order; `None` where they do not follow from the two catalogs. Each
/// difference is looked at alone: what others need of it, and what is in its rows, is not known here.
#[must_use]
pub fn ddl(expected: &Snapshot, found: &Snapshot, difference: &Difference) -> Option<Vec<String>> {
    let key = &difference.object;
    match &difference.change {
        Change::Missing => create::create(expected, key, expected.get(key)?),
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

/// Whether a view has the columns that it should have, so that it can be replaced.
fn same_columns(expected: &Snapshot, found: &Snapshot, view: &ObjectKey) -> bool {
    let names = |catalog: &Snapshot| -> Vec<(String, String)> {
        let columns = table::columns(catalog, view).into_iter();
        columns.map(|(key, column)| (key.name.clone(), column.property("type").to_string())).collect()
    };
    names(expected) == names(found)
}
