//! What the project as a whole says about findings of one changeset: it settles doubts and adds findings.

use super::schema::Schema;
use super::subject::Draft;
use super::{rules, safe};
use crate::base::Rule;
use crate::sql::review::Action;

/// A changeset after the first pass.
#[derive(Debug)]
pub(super) struct Record {
    /// Its position in the changelog, or in the plan.
    pub position: usize,
    /// What its forward statements do, as far as a rule looks at the project: with the number of the statement.
    pub actions: Vec<(usize, Action)>,
    /// The findings so far.
    pub drafts: Vec<Draft>,
    /// Whether it is reviewed, and not only known.
    pub is_reviewed: bool,
}

/// Completes the findings of all changesets, which are in the order in which they run.
pub(super) fn settle(records: &mut [Record]) {
    let mut schema = Schema::default();
    records.iter().flat_map(|record| &record.actions).for_each(|(_, action)| schema.take(action));
    for record in records.iter_mut().filter(|record| record.is_reviewed) {
        record.drafts.retain_mut(|draft| stays(draft, &schema));
        for (number, action) in &record.actions {
            rules::of_project(&schema, *number, action, &mut record.drafts);
        }
    }
}

/// Whether a finding stays with all that is known of its table.
fn stays(draft: &mut Draft, schema: &Schema) -> bool {
    let Some((table, column)) = &draft.about else { return true };
    match draft.rule {
        Rule::SetNotNullScan => !schema.is_checked_not_null(table, column),
        Rule::UnbatchedBackfill => {
            if let (Some(key), Some(safe)) = (schema.primary_key(table), &mut draft.safe) {
                *safe = safe::with_key(safe, key);
            }
            true
        }
        Rule::AttachPartitionScans => !schema.has_check(table),
        Rule::ColumnTypeRewrite => {
            let new = draft.safe.as_deref().and_then(new_type).unwrap_or_default();
            !schema.type_of(table, column).is_some_and(|old| is_same_on_disk(old, &new))
        }
        Rule::TimeZoneConversion => schema.type_of(table, column).is_none_or(|old| old.starts_with("timestamp")),
        Rule::RollbackDropsRows if schema.is_moved_to(table, column) => {
            draft.rule = Rule::RollbackLosesData;
            let message = draft.message.replace("rows that were written into", "rows that were moved into");
            draft.message = message.replace("since the apply are lost", "are lost, with all that was written since");
            draft.remedy = "copy them back before the drop; or use `createTable` or `addColumn`, whose rollback keeps \
                            the rows in the attic"
                .to_owned();
            true
        }
        _ => true,
    }
}

/// The new type, from the safe form of the change.
fn new_type(safe: &str) -> Option<String> {
    let after = safe.split_once("type: ")?.1;
    Some(after.lines().next()?.trim_matches(['\'', '"']).to_owned())
}

/// Whether the server keeps the rows as they are (manual, ALTER TABLE: binary coercible types).
fn is_same_on_disk(old: &str, new: &str) -> bool {
    let (old_name, old_limit) = parts(old);
    let (new_name, new_limit) = parts(new);
    match (old_name.as_str(), new_name.as_str()) {
        ("varchar", "text") => true,
        ("text", "varchar") => new_limit.is_none(),
        ("varchar", "varchar") => match (old_limit, new_limit) {
            (_, None) => true,
            (Some(old), Some(new)) => old <= new,
            (None, Some(_)) => false,
        },
        (a, b) => a == b && old_limit == new_limit && !old.contains(','),
    }
}

/// A type's name and its limit.
fn parts(type_: &str) -> (String, Option<u32>) {
    let (name, rest) = type_.split_once('(').unwrap_or((type_, ""));
    let name = match name.trim() {
        "character varying" => "varchar",
        "int4" | "int" => "integer",
        "int8" => "bigint",
        other => other,
    };
    (name.to_owned(), rest.trim_end_matches(')').trim().parse().ok())
}
