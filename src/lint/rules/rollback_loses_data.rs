//! A rollback that loses what the change moved.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::RollbackLosesData,
    reason: "The changeset moved data into the table or column; the rollback drops it without copying it back. What was moved, and what was written since, is lost.",
    example: r#"changes:
  - sql:
      forward: |
        CREATE TABLE app.notes (id bigint PRIMARY KEY, note text);
        INSERT INTO app.notes SELECT id, note FROM app.orders;
      rollback: DROP TABLE app.notes
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        CREATE TABLE app.notes (id bigint PRIMARY KEY, note text);
        INSERT INTO app.notes SELECT id, note FROM app.orders;
      rollback: |
        UPDATE app.orders o SET note = n.note FROM app.notes n WHERE n.id = o.id AND o.status = 'open';
        DROP TABLE app.notes;
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for (unit, action, table, column) in losses(subject) {
        if !subject.made.contains(table) && !is_added(subject, table, column) {
            let message = format!("{} is dropped, which the changeset did not create", words(table, column));
            let draft = Draft::new(Rule::RollbackLosesData, unit, &action.at, message);
            out.push(draft.remedy("take back only what the changeset does"));
        }
    }
}

/// What the rollback drops without having copied it: the statement, and the table or column.
pub(super) fn losses<'s>(
    subject: &'s Subject<'_>,
) -> impl Iterator<Item = (&'s Unit<'s>, &'s Action, &'s QualifiedName, Option<&'s str>)> {
    subject.back().filter(|unit| unit.statement.facts.loses_data).flat_map(move |unit| {
        let drops = unit.actions.iter().flat_map(|action| -> Vec<_> {
            match &action.does {
                Does::DropTable { tables } | Does::Truncate { tables } => {
                    tables.iter().map(|table| (action, table, None)).collect()
                }
                Does::DropColumn { table, column } => vec![(action, table, Some(column.as_str()))],
                _ => Vec::new(),
            }
        });
        let left = drops.filter(move |(_, table, column)| !is_copied(subject, unit, table, *column));
        left.map(move |(action, table, column)| (unit, action, table, column))
    })
}

/// Whether an earlier statement of the rollback reads what is dropped, to write it elsewhere.
fn is_copied(subject: &Subject<'_>, unit: &Unit<'_>, table: &QualifiedName, column: Option<&str>) -> bool {
    subject.back().take_while(|other| other.number < unit.number).any(|other| {
        let reads = other.actions.iter().any(|action| match &action.does {
            Does::Insert(insert) => insert.from.contains(table),
            Does::Change(change) => change.from.contains(table) || column.is_some() && change.table == *table,
            _ => false,
        });
        let names = column.is_none_or(|column| other.statement.sql.contains(column));
        // what a DO block does, nobody knows
        reads && names || other.statement.sql.trim_start().to_uppercase().starts_with("DO ")
    })
}

/// Whether the changeset adds this column.
pub(super) fn is_added(subject: &Subject<'_>, table: &QualifiedName, column: Option<&str>) -> bool {
    let Some(column) = column else { return false };
    subject.forward().flat_map(|unit| &unit.actions).any(|action| match &action.does {
        Does::AddColumn { table: t, column: c } => t == table && c.name.as_str() == column,
        _ => false,
    })
}

/// A table, or a column of it.
pub(super) fn words(table: &QualifiedName, column: Option<&str>) -> String {
    match column {
        Some(column) => format!("`{column}` of `{table}`"),
        None => format!("`{table}`"),
    }
}
