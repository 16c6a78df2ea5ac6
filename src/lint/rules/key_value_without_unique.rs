//! A key/value table that takes a key twice.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::schema::Schema;
use crate::lint::subject::Draft;
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::KeyValueWithoutUnique,
    reason: "Two sessions that set the same key insert two rows. Readers then get one of them, today this one and tomorrow the other.",
    example: r#"changes:
  - createTable:
      table: app.settings
      columns:
        - { name: id, type: bigint, identity: always, primaryKey: true }
        - { name: owner_id, type: bigint, nullable: false }
        - { name: key, type: text, nullable: false }
        - { name: value, type: text }
"#,
    fixed: r#"changes:
  - createTable:
      table: app.settings
      columns:
        - { name: id, type: bigint, identity: always, primaryKey: true }
        - { name: owner_id, type: bigint, nullable: false }
        - { name: key, type: text, nullable: false }
        - { name: value, type: text }
      unique:
        - { name: settings_owner_key, columns: [owner_id, key] }
"#,
    check: Check::Project(check),
};

fn check(schema: &Schema, number: usize, action: &Action, out: &mut Vec<Draft>) {
    let Does::CreateTable { table, columns, derives: false, .. } = &action.does else { return };
    let named = |words: &[&str]| columns.iter().map(|c| c.name.as_str()).find(|name| words.contains(&suffix(name)));
    let (Some(key), Some(_)) = (named(&KEYS), named(&VALUES)) else { return };
    if schema.unique_keys(table).any(|columns| columns.iter().any(|column| column == key)) {
        return;
    }
    let mut natural: Vec<&str> = columns.iter().map(|c| c.name.as_str()).filter(|name| name.ends_with("_id")).collect();
    natural.push(key);
    let message = format!("`{table}` takes the same `{}` twice", natural.join("`, `"));
    let draft = Draft::forward(Rule::KeyValueWithoutUnique, number, &action.at, message);
    let unique =
        json!({ "name": format!("{}_key", table.name.as_str()), "table": table.to_string(), "columns": natural });
    out.push(draft.remedy("add a unique constraint on its natural key").safe(safe::change("addUnique", unique)));
}

/// The last word of a name: `setting_key` is a key.
fn suffix(name: &str) -> &str {
    name.rsplit('_').next().unwrap_or(name)
}

/// Names of the column with the key.
const KEYS: [&str; 6] = ["key", "attribute", "property", "setting", "attr", "k"];
/// Names of the column with the value.
const VALUES: [&str; 3] = ["value", "val", "v"];
