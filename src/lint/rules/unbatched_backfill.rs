//! All rows in one statement.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::plan::Mode;
use crate::sql::review::{Action, Change, Does, Rows};
use serde_json::{Map, Value, json};

pub(super) const RULE: Definition = Definition {
    rule: Rule::UnbatchedBackfill,
    reason: "One statement that changes most rows of a table locks each of them until it ends, keeps VACUUM from removing anything meanwhile, and starts again from nothing when it fails.",
    example: r#"changes:
  - update: { table: app.orders, set: { note: none }, where: note IS NULL }
"#,
    fixed: r#"changes:
  - backfill:
      table: app.orders
      key: [id]
      set: { note: "'none'" }
      where: note IS NULL
      rollback: UPDATE app.orders SET note = NULL WHERE note = 'none'
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    if unit.mode == Mode::Batched {
        return None;
    }
    let (table, what, parameters) = match &action.does {
        Does::Change(change) if change.rows == Rows::Chosen => return None,
        Does::Change(change) => {
            let what = if change.deletes { "deletes rows of" } else { "changes rows of" };
            (&change.table, what, of_change(change))
        }
        Does::Insert(insert) if !insert.from.is_empty() => {
            let sql = format!("INSERT INTO {} … SELECT … FROM batch …", insert.table.sql());
            (&insert.table, "copies a table into", json!({ "sql": sql }))
        }
        _ => return None,
    };
    if !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("one statement {what} `{table}`, in one transaction however many they are");
    let draft = Draft::new(Rule::UnbatchedBackfill, unit, &action.at, message).about(table, "");
    let remedy = "use `backfill` in a changeset of its own: it works in batches, resumes, and slows down under load";
    Some(draft.remedy(remedy).safe(safe::backfill(table, parameters)))
}

/// The parameters of a backfill that does the same.
fn of_change(change: &Change) -> Value {
    let is_plain = !change.deletes && change.from.is_empty() && !change.set.is_empty();
    if is_plain {
        let set: Map<String, Value> =
            change.set.iter().map(|(column, value)| (column.as_str().to_owned(), json!(value))).collect();
        let condition = change.condition.as_deref().unwrap_or("the rows that are left");
        let inner = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let condition = inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(condition);
        return json!({ "set": set, "where": condition });
    }
    let table = change.table.sql();
    let and = change.condition.as_ref().map(|condition| format!(" AND ({condition})")).unwrap_or_default();
    let sql = match change.deletes {
        true => format!("DELETE FROM {table} AS t USING batch b WHERE {}{and}", safe::of_batch()),
        false => format!("UPDATE {table} AS t SET … FROM batch b, … WHERE {}{and}", safe::of_batch()),
    };
    json!({ "sql": sql })
}
