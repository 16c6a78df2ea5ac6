//! A primary key that builds its index.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::sql::review::{Action, Does, Keeps};

pub(super) const RULE: Definition = Definition {
    rule: Rule::PrimaryKeyBuildsIndex,
    reason: "ADD PRIMARY KEY builds its index under an ACCESS EXCLUSIVE lock: all access waits for as long as the table is large. An index that was built concurrently becomes the key in an instant.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.events ADD CONSTRAINT events_pkey PRIMARY KEY (id)
      rollback: ALTER TABLE app.events DROP CONSTRAINT events_pkey
"#,
    fixed: r#"changes:
  - addPrimaryKey: { name: events_pkey, table: app.events, columns: [id] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let (table, constraint) = match &action.does {
        Does::AddConstraint { table, constraint } if constraint.kind == Keeps::PrimaryKey => (table, constraint),
        Does::AddColumn { table, column } => (table, column.constraints.iter().find(|c| c.kind == Keeps::PrimaryKey)?),
        _ => return None,
    };
    if constraint.using_index.is_some() || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("this primary key blocks `{table}` until its index is built");
    let draft = Draft::new(Rule::PrimaryKeyBuildsIndex, unit, &constraint.at, message);
    let draft = match unit.statement.kind.as_str() {
        kind if is_raw(kind) => draft.remedy("use the change type, which builds the index concurrently first"),
        _ => draft.remedy("remove `concurrently: false`: dagmar then builds the index concurrently first"),
    };
    Some(draft.safe(safe::constraint(table, constraint)))
}
