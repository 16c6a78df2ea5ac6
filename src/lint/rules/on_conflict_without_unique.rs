//! ON CONFLICT without a conflict.

use crate::base::{Ident, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::schema::Schema;
use crate::lint::subject::Draft;
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::OnConflictWithoutUnique,
    reason: "ON CONFLICT needs a unique key over columns that are inserted. Without one, DO NOTHING never finds a conflict and inserts every row again, and a target without a matching key is an error.",
    example: r#"changes:
  - sql:
      forward: INSERT INTO app.log (note) VALUES ('started') ON CONFLICT DO NOTHING
      rollback: DELETE FROM app.log WHERE note = 'started' 
"#,
    fixed: r#"changes:
  - sql:
      forward: INSERT INTO app.orders (id, note) VALUES (1, 'started') ON CONFLICT (id) DO NOTHING
      rollback: DELETE FROM app.orders WHERE id = 1
"#,
    check: Check::Project(check),
};

fn check(schema: &Schema, number: usize, action: &Action, out: &mut Vec<Draft>) {
    let Does::Insert(insert) = &action.does else { return };
    let Some(target) = &insert.on_conflict else { return };
    if !schema.is_known(&insert.table) {
        return;
    }
    let given = |column: &String| insert.columns.is_empty() || insert.columns.iter().any(|c| c.as_str() == column);
    let mut keys = schema.unique_keys(&insert.table);
    let is_right = match target.as_slice() {
        // a key that only the server fills in is never met twice
        [] => keys.any(|key| key.iter().all(|column| given(column) || !schema.is_generated(&insert.table, column))),
        target => keys.any(|key| {
            key.len() == target.len() && target.iter().all(|column| key.iter().any(|k| k == column.as_str()))
        }),
    };
    if is_right || target.is_empty() && schema.has_odd_keys(&insert.table) {
        return;
    }
    let message = match target.as_slice() {
        [] => format!("ON CONFLICT never finds a conflict: no unique key of `{}` is inserted", insert.table),
        _ => format!("ON CONFLICT fails: `{}` has no unique key over exactly these columns", insert.table),
    };
    if !target.is_empty() && schema.has_odd_keys(&insert.table) {
        return;
    }
    let columns: Vec<&str> =
        if target.is_empty() { &insert.columns } else { target }.iter().map(Ident::as_str).collect();
    let draft = Draft::forward(Rule::OnConflictWithoutUnique, number, &action.at, message);
    let name = format!("{}_{}_key", insert.table.name.as_str(), columns.join("_"));
    let unique = json!({ "name": name, "table": insert.table.to_string(), "columns": columns });
    out.push(draft.remedy("add the unique key first").safe(safe::change("addUnique", unique)));
}
