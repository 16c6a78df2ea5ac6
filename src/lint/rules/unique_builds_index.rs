//! A unique constraint that builds its index.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::sql::review::{Action, Does, Keeps};

pub(super) const RULE: Definition = Definition {
    rule: Rule::UniqueBuildsIndex,
    reason: "ADD UNIQUE builds its index under an ACCESS EXCLUSIVE lock: all access waits for as long as the table is large. An index that was built concurrently becomes the constraint in an instant.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ADD CONSTRAINT orders_note_key UNIQUE (note)
      rollback: ALTER TABLE app.orders DROP CONSTRAINT orders_note_key
"#,
    fixed: r#"changes:
  - addUnique: { name: orders_note_key, table: app.orders, columns: [note] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let (table, constraint) = match &action.does {
        Does::AddConstraint { table, constraint } if constraint.kind == Keeps::Unique => (table, constraint),
        Does::AddColumn { table, column } => (table, column.constraints.iter().find(|c| c.kind == Keeps::Unique)?),
        _ => return None,
    };
    if constraint.using_index.is_some() || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("this unique constraint blocks `{table}` until its index is built");
    let draft = Draft::new(Rule::UniqueBuildsIndex, unit, &constraint.at, message);
    let draft = match unit.statement.kind.as_str() {
        kind if is_raw(kind) => draft.remedy("use the change type, which builds the index concurrently first"),
        _ => draft.remedy("remove `concurrently: false`: dagmar then builds the index concurrently first"),
    };
    Some(draft.safe(safe::constraint(table, constraint)))
}
