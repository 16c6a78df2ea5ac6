//! A new column that rewrites the table.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::RewriteByNewColumn,
    reason: "A volatile default, an identity, a serial or a stored generated column gives each row another value: the server writes the whole table anew under an ACCESS EXCLUSIVE lock. A constant default does not.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ADD COLUMN token uuid DEFAULT gen_random_uuid()
      rollback: SELECT 1 / count(*) FROM app.orders
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: token, type: uuid }] }
  - setDefault: { table: app.orders, column: token, default: { sql: gen_random_uuid() } }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AddColumn { table, column } = &action.does else { return None };
    if !unit.statement.facts.rewrites || !subject.is_in_use(unit, table) {
        return None;
    }
    let (why, remedy) = match &column.default {
        _ if column.stored => {
            ("is generated and stored", "add a plain column, and keep it by a trigger and a `backfill`")
        }
        _ if column.identity => {
            ("is an identity", "add a bigint column, fill it with `backfill`, then make it an identity")
        }
        _ if column.type_.contains("serial") => {
            ("is serial", "add a bigint column and a sequence, fill it with `backfill`, then set the default")
        }
        Some(_) => (
            "has a volatile default",
            "add the column without its default, set the default for new rows, and fill the old ones with `backfill`",
        ),
        None => return None,
    };
    let message =
        format!("the new column `{}` {why}: all of `{table}` is rewritten while all access is blocked", column.name);
    let draft = Draft::new(Rule::RewriteByNewColumn, unit, &column.at, message).remedy(remedy);
    let (name, of) = (column.name.as_str(), table.to_string());
    let type_ = if column.type_.contains("serial") { "bigint" } else { column.type_.as_str() };
    let mut steps = safe::change("addColumn", json!({ "table": of, "columns": [{ "name": name, "type": type_ }] }));
    if let (Some(default), false) = (&column.default, column.stored) {
        steps += &safe::change("setDefault", json!({ "table": of, "column": name, "default": { "sql": default } }));
        let set = json!({ name: default });
        let fill = safe::change(
            "backfill",
            json!({ "table": of, "key": ["id"], "set": set, "where": format!("{name} IS NULL") }),
        );
        steps += &format!("# next changeset, with the table's key\n{fill}");
    }
    Some(draft.safe(steps))
}
