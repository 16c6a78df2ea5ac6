//! One transaction, several blocked tables.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::plan::Mode;
use crate::sql::LockMode;
use std::collections::BTreeMap;

pub(super) const RULE: Definition = Definition {
    rule: Rule::SeveralTablesLocked,
    reason: "The locks add up: the first table stays blocked while the statement for the second one waits. A client that uses the tables in the other order gets a deadlock.",
    example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: a, type: text }] }
  - addColumn: { table: app.events, columns: [{ name: b, type: text }] }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: a, type: text }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    // the first table that each transaction blocks, until it is told
    let mut first: BTreeMap<usize, Option<&QualifiedName>> = BTreeMap::new();
    for unit in subject.forward().filter(|unit| unit.mode == Mode::Transaction) {
        let Some(table) = exclusive(subject, unit) else { continue };
        let before = first.entry(unit.segment).or_insert(Some(table));
        let Some(other) = before.filter(|other| *other != table) else { continue };
        *before = None;
        let message = format!("`{other}` stays blocked while this statement waits for `{table}`");
        let draft = Draft::new(Rule::SeveralTablesLocked, unit, &(0..0), message);
        out.push(draft.remedy("use a changeset for each table, or a line `-- segment` between the statements"));
    }
}

/// The table that a statement blocks.
fn exclusive<'u>(subject: &Subject<'_>, unit: &'u Unit<'_>) -> Option<&'u QualifiedName> {
    let mut locks = unit.statement.facts.locks.iter();
    let (table, _) = locks.find(|(_, mode)| *mode == LockMode::AccessExclusive)?;
    // names of indexes stand for tables that nobody knows here
    (subject.is_in_use(unit, table) && unit.statement.sql.trim_start().to_uppercase().starts_with("ALTER TABLE"))
        .then_some(table)
}
