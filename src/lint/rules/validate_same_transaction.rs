//! NOT VALID and VALIDATE in one transaction.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::ValidateSameTransaction,
    reason: "The lock of ADD CONSTRAINT … NOT VALID is held until the transaction ends. When the same transaction validates, the table is blocked while it is read, as without NOT VALID.",
    example: r#"changes:
  - sql:
      forward: |
        ALTER TABLE app.orders ADD CONSTRAINT orders_status CHECK (status <> '') NOT VALID;
        ALTER TABLE app.orders VALIDATE CONSTRAINT orders_status;
      rollback: ALTER TABLE app.orders DROP CONSTRAINT orders_status
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        ALTER TABLE app.orders ADD CONSTRAINT orders_status CHECK (status <> '') NOT VALID;
        -- segment
        ALTER TABLE app.orders VALIDATE CONSTRAINT orders_status;
      rollback: ALTER TABLE app.orders DROP CONSTRAINT IF EXISTS orders_status
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::Validate { table, constraint: name } = &action.does else { return None };
    let same = subject.units.iter().filter(|other| (other.back, other.segment) == (unit.back, unit.segment));
    let mut adds = same.filter(|other| other.number <= unit.number).flat_map(|other| &other.actions);
    let is_added = adds.any(|action| match &action.does {
        Does::AddConstraint { table: t, constraint } => t == table && constraint.name.as_ref() == Some(name),
        _ => false,
    });
    if !is_added || !subject.is_in_use(unit, table) {
        return None;
    }
    let message =
        format!("`{table}` stays blocked while `{name}` is validated: the transaction that added it is still open");
    let draft = Draft::new(Rule::ValidateSameTransaction, unit, &action.at, message);
    let line = format!("-- segment\nALTER TABLE {} VALIDATE CONSTRAINT {}", table.sql(), name.sql());
    Some(draft.remedy("write a line `-- segment` before it, which starts a new transaction").safe(line))
}
