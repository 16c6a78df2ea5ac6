//! A NOT NULL column without a default.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::RequiredColumn,
    reason: "The statement fails as soon as the table has a row, and every INSERT of the running release fails afterwards, because it does not know the column.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ADD COLUMN region text NOT NULL
      rollback: ALTER TABLE app.orders ALTER COLUMN region DROP NOT NULL
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text, nullable: false, default: north }] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AddColumn { table, column } = &action.does else { return None };
    let fills = column.default.is_some() || column.identity || column.stored || column.type_.contains("serial");
    if !column.not_null || fills || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("the new column `{}` of `{table}` is NOT NULL and has no default", column.name);
    let draft = Draft::new(Rule::RequiredColumn, unit, &column.at, message);
    let remedy =
        "give it a constant default; or add it without NOT NULL, fill it with `backfill`, then use `setNotNull`";
    let name = column.name.as_str();
    let columns = json!([{ "name": name, "type": column.type_ }]);
    let add = safe::change("addColumn", json!({ "table": table.to_string(), "columns": columns }));
    let set = safe::change("setNotNull", json!({ "table": table.to_string(), "column": name }));
    Some(draft.remedy(remedy).safe(format!("{add}# next changeset: backfill, and then\n{set}")))
}
