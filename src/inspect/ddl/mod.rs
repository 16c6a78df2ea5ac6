//! SQL that brings an object from the state that was found to the one that is expected.

mod change;
mod column;
mod common;
mod create;
mod table;

use super::compare::{Change, Difference};
use super::kind::ObjectKind as Kind;
use super::object::{Object, ObjectKey};
use super::snapshot::Snapshot;
use common::{local, target};

/// The statements that undo one difference, in order; `None` where they do not follow from the two catalogs. Each
/// difference is looked at alone: what others need of it, and what is in its rows, is not known here.
#[must_use]
pub fn ddl(expected: &Snapshot, found: &Snapshot, difference: &Difference) -> Option<Vec<String>> {
    let key = &difference.object;
    match &difference.change {
        Change::Missing => create::create(expected, key, expected.get(key)?),
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

/// The statement that drops an object.
fn drop(key: &ObjectKey, object: &Object) -> Option<String> {
    let parent = object.parent.as_ref();
    Some(match (key.kind, parent) {
        (Kind::Column, Some(table)) => {
            let alter = if table.kind == Kind::ForeignTable { "FOREIGN TABLE" } else { "TABLE" };
            matches!(table.kind, Kind::Table | Kind::ForeignTable)
                .then(|| format!("ALTER {alter} {} DROP COLUMN {}", table.name, local(key, object)))?
        }
        (Kind::Constraint, Some(of)) => {
            let alter = common::keyword(of.kind);
            format!("ALTER {alter} {} DROP CONSTRAINT {}", of.name, local(key, object))
        }
        (Kind::Attribute, Some(of)) => format!("ALTER TYPE {} DROP ATTRIBUTE {}", of.name, local(key, object)),
        // they come and go with what they are a part of
        (Kind::Index, Some(of)) if of.kind == Kind::Constraint => return None,
        (Kind::Sequence, Some(_)) => return None,
        (Kind::Database | Kind::Setting | Kind::DefaultPrivileges | Kind::Privileges, _) => return None,
        _ => format!("DROP {}", target(key, object)),
    })
}

/// Whether a view has the columns that it should have, so that it can be replaced.
fn same_columns(expected: &Snapshot, found: &Snapshot, view: &ObjectKey) -> bool {
    let names = |catalog: &Snapshot| -> Vec<(String, String)> {
        let columns = table::columns(catalog, view).into_iter();
        columns.map(|(key, column)| (key.name.clone(), column.property("type").to_string())).collect()
    };
    names(expected) == names(found)
}
