//! SET NOT NULL without a validated check.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::SetNotNullScan,
    reason: "SET NOT NULL reads the whole table under an ACCESS EXCLUSIVE lock. A validated check `column IS NOT NULL` spares it (PostgreSQL 12 and later).",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ALTER COLUMN note SET NOT NULL
      rollback: ALTER TABLE app.orders ALTER COLUMN note DROP NOT NULL
"#,
    fixed: r#"changes:
  - setNotNull: { table: app.orders, column: note }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::SetNotNull { table, column } = &action.does else { return None };
    if !unit.statement.facts.scans || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("SET NOT NULL on `{column}` reads all of `{table}` while all access is blocked");
    let draft = Draft::new(Rule::SetNotNullScan, unit, &action.at, message).about(table, column.as_str());
    let draft = match unit.statement.kind.as_str() {
        "setNotNull" => draft.remedy("remove `concurrently: false`: dagmar then validates a check first"),
        _ => draft.remedy("use `setNotNull`, which validates a check first, in a transaction of its own"),
    };
    Some(draft.safe(safe::change("setNotNull", json!({ "table": table.to_string(), "column": column.as_str() }))))
}
