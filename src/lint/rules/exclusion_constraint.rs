//! An exclusion constraint on a table that is in use.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does, Keeps};

pub(super) const RULE: Definition = Definition {
    rule: Rule::ExclusionConstraint,
    reason: "An exclusion constraint builds its index under an ACCESS EXCLUSIVE lock, and PostgreSQL has no form that does not.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ADD CONSTRAINT one EXCLUDE USING gist (note WITH =)
      rollback: ALTER TABLE app.orders DROP CONSTRAINT one
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        CREATE TABLE app.slots (id bigint PRIMARY KEY, during tstzrange, EXCLUDE USING gist (during WITH &&))
      rollback: DROP TABLE IF EXISTS app.slots
lint:
  - { ignore: rollback-drops-rows, reason: only for this example }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AddConstraint { table, constraint } = &action.does else { return None };
    if constraint.kind != Keeps::Exclusion || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("this exclusion constraint blocks `{table}` until its index is built");
    let remedy = "create a new table with the constraint, copy the rows in batches, and exchange the tables";
    Some(Draft::new(Rule::ExclusionConstraint, unit, &constraint.at, message).remedy(remedy))
}
