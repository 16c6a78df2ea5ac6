//! A foreign key whose columns have no index.

use crate::base::{Ident, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::schema::Schema;
use crate::lint::subject::Draft;
use crate::sql::review::{Action, Does, Keeps, NewConstraint};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::ForeignKeyWithoutIndex,
    reason: "Every DELETE and every change of the key in the referenced table looks for rows that reference it. Without an index it reads the whole referencing table, under locks.",
    example: r#"changes:
  - createTable:
      table: app.notes
      columns:
        - { name: id, type: bigint, primaryKey: true }
        - { name: order_id, type: bigint, references: { table: app.orders, column: id } }
"#,
    fixed: r#"changes:
  - createTable:
      table: app.notes
      columns:
        - { name: id, type: bigint, primaryKey: true }
        - { name: order_id, type: bigint, references: { table: app.orders, column: id } }
  - createIndex: { name: notes_order, table: app.notes, columns: [order_id] }
"#,
    check: Check::Project(check),
};

fn check(schema: &Schema, number: usize, action: &Action, out: &mut Vec<Draft>) {
    let (table, constraints): (_, Vec<&NewConstraint>) = match &action.does {
        Does::CreateTable { table, columns, constraints, .. } => {
            (table, columns.iter().flat_map(|c| &c.constraints).chain(constraints).collect())
        }
        Does::AddColumn { table, column } => (table, column.constraints.iter().collect()),
        Does::AddConstraint { table, constraint } => (table, vec![constraint]),
        _ => return,
    };
    for constraint in constraints.iter().filter(|c| c.kind == Keeps::ForeignKey && !c.columns.is_empty()) {
        let columns: Vec<&str> = constraint.columns.iter().map(Ident::as_str).collect();
        if schema.has_index(table, &columns) {
            continue;
        }
        let message = format!("the foreign key over `{}` of `{table}` has no index", columns.join("`, `"));
        let draft = Draft::forward(Rule::ForeignKeyWithoutIndex, number, &constraint.at, message);
        let name = format!("{}_{}_idx", table.name.as_str(), columns.join("_"));
        let index = json!({ "name": name, "table": table.to_string(), "columns": columns });
        out.push(draft.remedy("create an index that begins with its columns").safe(safe::change("createIndex", index)));
    }
}
