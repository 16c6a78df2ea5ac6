//! The walk of a backfill through its table, as SQL: a batch and its position are one
//! statement, and so one transaction.

use crate::base::name::quote_literal;
use crate::change::Batch;

/// The condition that finds a segment's row.
#[must_use]
pub fn place(changeset: &str, direction: &str, no: usize) -> String {
    format!("changeset = {} AND direction = '{direction}' AND no = {no}", quote_literal(changeset))
}

/// A batch as common table expressions, the last of which is `moved`: the segment's row
/// afterwards. `ledger`, `position` and `size` are SQL; a position that is NULL begins a walk.
#[must_use]
pub fn batch(template: &str, batch: &Batch, ledger: &str, place: &str, position: &str, size: &str) -> String {
    let add = |column: &str, more: &str| {
        format!("{column} = CASE WHEN {position} IS NULL THEN 0 ELSE s.{column} END + (SELECT count(*) FROM {more})")
    };
    format!(
        "{}, moved AS (\n    UPDATE {ledger}.segment AS s SET cursor = coalesce((SELECT to_jsonb(last) - 'dagmar_hit' \
         FROM (SELECT * FROM walk w ORDER BY {} LIMIT 1) last), s.cursor), rows = s.rows + (SELECT count(*) FROM done), pass = s.pass + \
         ({position} IS NULL)::int, {}, {}, {}\n    WHERE {place} RETURNING s.*\n)",
        Batch::statement(template, position, size),
        batch.backwards("w"),
        add("seen", "walk"),
        add("changed", "done"),
        add("unmoved", "done WHERE dagmar_left"),
    )
}

/// Who wants backfills to pause and why, as an SQL expression; NULL: nobody.
#[must_use]
pub fn pause(ledger: &str) -> String {
    format!("(SELECT 'paused by ' || made_by || coalesce(': ' || reason, '') FROM {ledger}.wish WHERE kind = 'pause')")
}

/// The settings for batches. A plan that reads the whole table for each batch must not be
/// taken, however uncertain the estimate is.
pub const SETTINGS: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("jit", "off"), ("plan_cache_mode", "force_custom_plan")];
