//! Rows or values are lost for good.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Change, Does, Rows};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::DropLosesData,
    reason: "What DROP and TRUNCATE remove, no rollback brings back. `dropTable` and `dropColumn` keep it in the attic until it is purged.",
    example: r#"phase: contract
changes:
  - sql:
      forward: ALTER TABLE app.orders DROP COLUMN old_note
      rollback: ALTER TABLE app.orders ADD COLUMN old_note text
lint:
  - { ignore: drop-without-expand, reason: only for this example }
"#,
    fixed: r#"phase: contract
changes:
  - dropColumn: { table: app.orders, column: old_note }
lint:
  - { ignore: drop-without-expand, reason: only for this example }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    if unit.back || !unit.statement.facts.loses_data {
        return None;
    }
    let (what, safe) = match &action.does {
        Does::DropTable { tables } => {
            let table = tables.iter().find(|table| !subject.made.contains(table))?;
            (format!("the rows of `{table}`"), Some(safe::change("dropTable", json!({ "table": table.to_string() }))))
        }
        Does::DropColumn { table, column } if !subject.made.contains(table) => (
            format!("the values of `{column}` of `{table}`"),
            Some(safe::change("dropColumn", json!({ "table": table.to_string(), "column": column.as_str() }))),
        ),
        Does::DropSchema { schemas } => (format!("everything in the schema `{}`", schemas.first()?), None),
        Does::Truncate { tables } => {
            let table = tables.iter().find(|table| subject.is_in_use(unit, table))?;
            (
                format!("the rows of `{table}`"),
                Some(safe::change("delete", json!({ "table": table.to_string(), "where": "true" }))),
            )
        }
        Does::Change(Change { table, deletes: true, rows: Rows::All, .. }) if subject.is_in_use(unit, table) => (
            format!("the rows of `{table}`"),
            Some(safe::change("delete", json!({ "table": table.to_string(), "where": "true" }))),
        ),
        _ => return None,
    };
    let draft = Draft::new(Rule::DropLosesData, unit, &action.at, format!("{what} are lost for good"));
    let remedy = match unit.statement.kind.as_str() {
        "dropTable" | "dropColumn" => "remove `keep: false`: dagmar then keeps it in the attic",
        _ => "use the change type, which keeps it until the rollback is no longer needed",
    };
    Some(Draft { safe, ..draft.remedy(remedy) })
}
