//! A rollback that drops new rows.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};

pub(super) const RULE: Definition = Definition {
    rule: Rule::RollbackDropsRows,
    reason: "What the running release has written since the apply is gone after this rollback. The rollbacks that dagmar derives keep such rows in the attic.",
    example: r#"changes:
  - sql:
      forward: CREATE TABLE app.notes (id bigint PRIMARY KEY, note text)
      rollback: DROP TABLE app.notes
"#,
    fixed: r#"changes:
  - createTable:
      table: app.notes
      columns: [{ name: id, type: bigint, primaryKey: true }, { name: note, type: text }]
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for (unit, action, table, column) in super::rollback_loses_data::losses(subject) {
        if subject.made.contains(table) || super::rollback_loses_data::is_added(subject, table, column) {
            let what = super::rollback_loses_data::words(table, column);
            let message = format!("rows that were written into {what} since the apply are lost");
            let draft =
                Draft::new(Rule::RollbackDropsRows, unit, &action.at, message).about(table, column.unwrap_or_default());
            out.push(draft.remedy("use `createTable` or `addColumn`: their rollback keeps the rows in the attic"));
        }
    }
}
