//! What to know of generated changesets before they are applied: what a trial without rows does not show.

use super::changeset::GeneratedChangeset;
use crate::inspect::{Object, ObjectKey, ObjectKind as Kind, Snapshot};
use schemars::JsonSchema;
use serde::Serialize;

/// What to know of a changeset before it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "GeneratedNote")]
pub struct Note {
    /// The id of the changeset.
    pub changeset: String,
    /// The object.
    pub object: ObjectKey,
    /// What to know, and what to do.
    pub note: String,
}

/// New columns with NOT NULL that nothing fills: their changesets fail on a table with rows.
#[must_use]
pub fn notes(from: &Snapshot, to: &Snapshot, changesets: &[GeneratedChangeset]) -> Vec<Note> {
    let columns = to.objects().iter().filter(|(key, _)| key.kind == Kind::Column && from.get(key).is_none());
    let required = columns.filter_map(|(key, column)| {
        let table = column.parent.as_ref().filter(|table| table.kind == Kind::Table && from.get(table).is_some())?;
        let name = key.name.strip_prefix(&table.name)?.strip_prefix('.')?;
        if !is_required(to, column) {
            return None;
        }
        Some(Note {
            changeset: adding(changesets, table, name)?.id.clone(),
            object: key.clone(),
            note: format!(
                "the new column `{name}` of `{}` is NOT NULL and has no default: the changeset fails on a table with rows; \
                 give it a default; or add it without NOT NULL, fill it with `backfill`, then use `setNotNull`",
                table.name
            ),
        })
    });
    required.collect()
}

/// Whether a row has no value for the column and needs one.
fn is_required(catalog: &Snapshot, column: &Object) -> bool {
    let fills = ["default", "identity", "generated"].iter().any(|name| column.text(name).is_some());
    // it comes with that of the parent
    let is_inherited = column.text("inheritance") == Some("inherited");
    let domain = column.text("type").and_then(|name| catalog.get(&ObjectKey::new(Kind::Domain, name)));
    let refuses = column.is("notNull") || domain.is_some_and(|domain| domain.is("notNull"));
    refuses && !fills && !is_inherited && domain.is_none_or(|domain| domain.text("default").is_none())
}

/// The changeset that adds a column to a table.
fn adding<'c>(changesets: &'c [GeneratedChangeset], table: &ObjectKey, column: &str) -> Option<&'c GeneratedChangeset> {
    let statement = format!("ADD COLUMN {column} ");
    let adds = |changeset: &&GeneratedChangeset| {
        let texts = changeset.changes.iter().filter_map(|change| change["sql"]["forward"].as_str());
        texts.flat_map(str::lines).any(|line| line.contains(&table.name) && line.contains(&statement))
    };
    changesets.iter().find(adds).or_else(|| changesets.iter().find(|changeset| changeset.object == *table))
}
