//! SQL that brings an object from the state that was found to the one that is expected.

mod change;
mod column;
mod common;
mod constraint;
mod create;
mod foreign;
mod inherit;
mod not_null;
mod operator;
mod others;
mod remove;
mod search;
mod set;
mod setting;
mod table;
mod text;

use super::compare::{Change, Difference};
use super::kind::ObjectKind as Kind;
use super::object::{Object, ObjectKey};
use super::snapshot::Snapshot;
pub use column::cuts;
use remove::drop;
use std::collections::BTreeSet;

/// The statements that undo one difference, in order; `None` where they do not follow from the two catalogs. Each
/// difference is looked at alone: what others need of it, and what is in its rows, is not known here.
#[must_use]
pub fn ddl(expected: &Snapshot, found: &Snapshot, difference: &Difference) -> Option<Vec<String>> {
    let key = &difference.object;
    match &difference.change {
        Change::Missing => missing(expected, found, key),
        Change::Extra if matches!(key.kind, Kind::DefaultPrivileges | Kind::Privileges) => reset(found, key),
        // that of an identity column goes with it
        Change::Extra if key.kind == Kind::Sequence && found.get(key)?.parent.is_some() => Some(Vec::new()),
        Change::Extra => change::extra(expected, found, key),
        Change::Changed { property, .. }
            if key.kind == Kind::View && property == "definition" && same_columns(expected, found, key) =>
        {
            table::create_view(expected, key, expected.get(key)?, true)
        }
        Change::Changed { property, .. } if matches!(property.as_str(), "inheritance" | "partitionOf") => {
            change::inheritance(expected, found, key)
        }
        Change::Changed { property, .. }
            if property == "definition" && change::changes_with_parent(expected, found, key) =>
        {
            Some(Vec::new())
        }
        Change::Changed { property, .. } => {
            change::change(expected, key, expected.get(key)?, found.get(key)?, property)
        }
        // only writing the table anew moves a column
        Change::Moved { .. } => None,
    }
}

/// Makes what is missing with all its parts, unless it comes with a part of a parent that is missing as well.
fn missing(expected: &Snapshot, found: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let object = expected.get(key)?;
    let with_parents = inherit::comes_with_parents(expected, found, key, object);
    match key.kind {
        Kind::Table | Kind::ForeignTable | Kind::Column | Kind::Index if with_parents => Some(Vec::new()),
        Kind::Constraint if with_parents && expected.children(key).next().is_some() => Some(Vec::new()),
        _ => create::create(expected, key),
    }
}

/// The statements that make an object without the parts that have statements of their own (constraints, indexes,
/// triggers, policies), with owner, privileges and comment; `None`: they do not follow. Columns in `later` get no
/// default, and a sequence no owner column: what they need may not be there yet, see [`set_default`] and [`own_sequence`].
#[must_use]
pub fn create_object(catalog: &Snapshot, key: &ObjectKey, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    create::alone(catalog, key, later)
}

/// The statement that drops an object, several with semicolons between them; `None`: there is none, because it goes
/// with what it is a part of or came with, or cannot be dropped.
#[must_use]
pub fn drop_object(catalog: &Snapshot, key: &ObjectKey) -> Option<String> {
    match key.kind {
        Kind::DefaultPrivileges | Kind::Privileges => reset(catalog, key).map(|sql| sql.join(";\n")),
        _ => drop(key, catalog.get(key)?),
    }
}

/// Brings privileges to what they are without these.
fn reset(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let object = catalog.get(key)?;
    match key.kind {
        Kind::Privileges => common::outside_acl(key, object, true),
        _ => common::default_acl(key, object, catalog.major, true),
    }
}

/// Gives a column its default.
#[must_use]
pub fn set_default(catalog: &Snapshot, column: &ObjectKey) -> Option<Vec<String>> {
    column::change(Some(catalog), column, catalog.get(column)?, &Object::default(), "default")
}

/// Takes the default of a column away.
#[must_use]
pub fn drop_default(catalog: &Snapshot, column: &ObjectKey) -> Option<Vec<String>> {
    let found = catalog.get(column)?;
    let mut without = found.clone();
    without.properties.remove("default");
    column::change(Some(catalog), column, &without, found, "default")
}

/// Gives a sequence to the column that owns it; empty: none does.
#[must_use]
pub fn own_sequence(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    set::own(key, catalog.get(key)?)
}

/// Gives the sequence of a new identity column its privileges, its comment and what else it has.
#[must_use]
pub fn finish_sequence(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    common::finish_owned(key, catalog.get(key)?, catalog.major)
}

/// Whether a view has the columns that it should have, so that it can be replaced.
fn same_columns(expected: &Snapshot, found: &Snapshot, view: &ObjectKey) -> bool {
    let names = |catalog: &Snapshot| -> Vec<(String, String)> {
        let columns = table::columns(catalog, view).into_iter();
        columns.map(|(key, column)| (key.name.clone(), column.property("type").to_string())).collect()
    };
    names(expected) == names(found)
}
