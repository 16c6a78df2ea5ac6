//! A primary key over columns that may be NULL.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does, Keeps};

pub(super) const RULE: Definition = Definition {
    rule: Rule::PrimaryKeyNullable,
    reason: "PRIMARY KEY USING INDEX makes the columns NOT NULL. Where they are not yet, the server reads the table under an ACCESS EXCLUSIVE lock.",
    example: r#"changes:
  - sql:
      forward: |
        CREATE UNIQUE INDEX CONCURRENTLY events_pkey ON app.events (id);
        -- segment
        ALTER TABLE app.events ADD CONSTRAINT events_pkey PRIMARY KEY USING INDEX events_pkey;
      rollback: ALTER TABLE app.events DROP CONSTRAINT events_pkey
"#,
    fixed: r#"changes:
  - addPrimaryKey: { name: events_pkey, table: app.events, columns: [id] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AddConstraint { table, constraint } = &action.does else { return None };
    if constraint.kind != Keeps::PrimaryKey || constraint.using_index.is_none() || !subject.is_in_use(unit, table) {
        return None;
    }
    let before = subject.units.iter().filter(|other| other.back == unit.back && other.number < unit.number);
    let mut before = before.flat_map(|other| &other.actions);
    if before.any(|action| matches!(&action.does, Does::SetNotNull { table: t, .. } if t == table)) {
        return None;
    }
    let message =
        format!("columns of `{table}` that accept NULL are made NOT NULL, which reads the table while it is blocked");
    let remedy = "use `addPrimaryKey`, or make them NOT NULL before with `setNotNull`";
    Some(Draft::new(Rule::PrimaryKeyNullable, unit, &action.at, message).remedy(remedy))
}
