//! A table without a primary key.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::schema::Schema;
use crate::lint::subject::Draft;
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::TableWithoutPrimaryKey,
    reason: "Logical replication cannot send UPDATE and DELETE, a backfill has no key to walk by, and duplicate rows cannot be told apart.",
    example: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: note, type: text }] }
"#,
    fixed: r#"changes:
  - createTable:
      table: app.notes
      columns: [{ name: id, type: bigint, identity: always, primaryKey: true }, { name: note, type: text }]
"#,
    check: Check::Project(check),
};

fn check(schema: &Schema, number: usize, action: &Action, out: &mut Vec<Draft>) {
    let Does::CreateTable { table, derives: false, .. } = &action.does else { return };
    if schema.has_primary_key(table) {
        return;
    }
    let message = format!("`{table}` has no primary key");
    let draft = Draft::forward(Rule::TableWithoutPrimaryKey, number, &action.at, message);
    let safe = "- { name: id, type: bigint, identity: always, primaryKey: true }\n";
    out.push(draft.remedy("give it a primary key: a natural key, or an identity").safe(safe));
}
