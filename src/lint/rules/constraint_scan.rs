//! A constraint that is validated at once.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::sql::review::{Action, Does, Keeps, NewConstraint};

pub(super) const RULE: Definition = Definition {
    rule: Rule::ConstraintScan,
    reason: "ADD CONSTRAINT reads the whole table while it is locked; a foreign key locks the referenced table too. NOT VALID takes the lock for an instant, and VALIDATE CONSTRAINT then reads the rows while clients read and write.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ADD CONSTRAINT orders_status CHECK (status <> '')
      rollback: ALTER TABLE app.orders DROP CONSTRAINT orders_status
"#,
    fixed: r#"changes:
  - addCheck: { name: orders_status, table: app.orders, expression: "status <> ''" }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let (table, constraint) = match &action.does {
        Does::AddConstraint { table, constraint } => (table, constraint),
        Does::AddColumn { table, column } => {
            (table, column.constraints.iter().find(|c| matches!(c.kind, Keeps::Check | Keeps::ForeignKey))?)
        }
        _ => return None,
    };
    let what = match constraint.kind {
        Keeps::Check => "check",
        Keeps::ForeignKey => "foreign key",
        _ => return None,
    };
    if constraint.not_valid || !unit.statement.facts.scans || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("this {what} reads all of `{table}` while the table is blocked");
    let draft = Draft::new(Rule::ConstraintScan, unit, &constraint.at, message);
    let draft = match unit.statement.kind.as_str() {
        kind if is_raw(kind) => draft.remedy(format!("use `{}`, which adds it NOT VALID and validates it in a transaction of its own", change_type(constraint))),
        _ => draft.remedy("remove `notValid: false` and `concurrently: false`: dagmar then adds it NOT VALID and validates it in a transaction of its own"),
    };
    Some(draft.safe(safe::constraint(table, constraint)))
}

fn change_type(constraint: &NewConstraint) -> &'static str {
    if constraint.kind == Keeps::ForeignKey { "addForeignKey" } else { "addCheck" }
}
