//! CASCADE.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::CascadeDrop,
    reason: "CASCADE drops whatever depends on the object, in this database: views, foreign keys, columns. Nothing in the file shows what, and the rollback does not bring it back.",
    example: r#"changes:
  - sql:
      forward: DROP VIEW app.open_orders CASCADE
      rollback: CREATE VIEW app.open_orders AS SELECT id FROM app.orders WHERE status = 'open'
lint:
  - { ignore: drop-object, reason: only for this example }
"#,
    fixed: r#"changes:
  - sql:
      forward: DROP VIEW app.open_orders
      rollback: CREATE VIEW app.open_orders AS SELECT id FROM app.orders WHERE status = 'open'
lint:
  - { ignore: drop-object, reason: only for this example }
"#,
    check: Check::Statement(check),
};

fn check(_: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    if action.does != Does::Cascade || !is_raw(&unit.statement.kind) {
        return None;
    }
    let draft = Draft::new(Rule::CascadeDrop, unit, &action.at, "CASCADE drops what nobody named here");
    Some(draft.remedy("drop the dependent objects by name before, and remove CASCADE"))
}
