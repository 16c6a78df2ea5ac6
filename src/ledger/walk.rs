//! The walk of a backfill through its table, as SQL: a batch and its position are one
//! statement, and so one transaction.

use crate::base::name::quote_literal;
use crate::sql;

/// The condition that finds a segment's row.
#[must_use]
pub fn place(changeset: &str, direction: &str, no: usize) -> String {
    format!("changeset = {} AND direction = '{direction}' AND no = {no}", quote_literal(changeset))
}

/// Where a batch begins.
#[derive(Debug, Clone, Copy)]
pub enum Position<'a> {
    /// At the beginning of the table.
    Start,
    /// Where the batch before it ended, as the ledger has it.
    Ledger,
    /// What a variable of a script holds; NULL: at the beginning.
    Variable(&'a str),
}

/// A batch and its position as one statement. Its common table expressions are those of `statement`, and
/// `dagmar_moved`: the segment's row afterwards, and how many rows were `looked` at. `ledger`, `size` and
/// `answer`, the SELECT that they are for, are SQL.
#[must_use]
pub fn batch(statement: &str, ledger: &str, place: &str, position: Position<'_>, size: &str, answer: &str) -> String {
    // known to the planner where it can be: it is what makes a range of the index of it
    let (begins, position) = match position {
        Position::Start => ("true".to_owned(), "NULL::jsonb".to_owned()),
        Position::Ledger => ("false".to_owned(), format!("(SELECT cursor FROM {ledger}.segment WHERE {place})")),
        Position::Variable(name) => (format!("{name} IS NULL"), name.to_owned()),
    };
    let list = sql::split_with(statement).map_or(statement, |(list, _)| list);
    let add = |column: &str, more: &str| format!("{column} = CASE WHEN {begins} THEN 0 ELSE s.{column} END + {more}");
    format!(
        "{}, dagmar_did AS MATERIALIZED (\n    SELECT count(*) AS changed, count(*) FILTER (WHERE dagmar_left) AS unmoved FROM \
         dagmar_done\n), dagmar_moved AS (\n    UPDATE {ledger}.segment AS s SET cursor = coalesce(dagmar_walk.last, s.cursor), rows = s.rows + \
         dagmar_did.changed, pass = s.pass + ({begins})::int, {}, {}, {}\n    FROM dagmar_walk, dagmar_did WHERE {place} RETURNING s.*, \
         dagmar_walk.looked\n)\n{answer}",
        sql::bind(list, &[&position, &begins, size]),
        add("seen", "dagmar_walk.looked"),
        add("changed", "dagmar_did.changed"),
        add("unmoved", "dagmar_did.unmoved"),
    )
}

/// Who wants backfills to pause and why, as an SQL expression; NULL: nobody.
#[must_use]
pub fn pause(ledger: &str) -> String {
    format!(
        "(SELECT 'paused by ' || made_by || coalesce(': ' || reason, '') FROM {ledger}.request WHERE kind = 'pause')"
    )
}

/// The settings for batches. A plan that reads the whole table for each batch must not be
/// taken, however uncertain the estimate is.
const SETTINGS: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("jit", "off"), ("plan_cache_mode", "force_custom_plan")];

/// Sets the session for batches.
///
/// A batch and its position are lost together, so their commit need not wait for the disk
/// (manual, chapter 30.4, asynchronous commit); what records the end of the walk does. With
/// synchronous replicas it waits for them: otherwise it would run away from them, and all who
/// commit beside it would have to wait for what it wrote.
#[must_use]
pub fn enter() -> Vec<String> {
    let mut all: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("SET {name} = {value}")).collect();
    all.push(
        "DO $dagmar$BEGIN IF current_setting('synchronous_standby_names') = '' THEN PERFORM \
         set_config('synchronous_commit', 'off', false); END IF; END$dagmar$"
            .to_owned(),
    );
    all
}

/// Takes back what [`enter`] has set.
#[must_use]
pub fn leave() -> Vec<String> {
    let names = SETTINGS.iter().map(|(name, _)| *name).chain(["synchronous_commit"]);
    names.map(|name| format!("RESET {name}")).collect()
}
