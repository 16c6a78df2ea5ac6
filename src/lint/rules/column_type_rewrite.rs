//! A new type of a column.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::ColumnTypeRewrite,
    reason: "Most changes of a type write the whole table and its indexes anew under an ACCESS EXCLUSIVE lock. Only a few do not: varchar(n) to text or to a larger n, numeric to a larger precision.",
    example: r#"changes:
  - changeColumnType: { table: app.orders, column: quantity, type: bigint, previousType: integer }
"#,
    fixed: r#"changes:
  - changeColumnType: { table: app.orders, column: code, type: text, previousType: varchar(10) }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::SetType { table, column, to, .. } = &action.does else { return None };
    if !unit.statement.facts.rewrites || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("the new type `{to}` of `{column}` rewrites all of `{table}` while all access is blocked");
    let draft = Draft::new(Rule::ColumnTypeRewrite, unit, &action.at, message).about(table, column.as_str());
    let new = format!("{}_new", column.as_str());
    let of = table.to_string();
    let columns = json!([{ "name": new, "type": to }]);
    let mut steps = safe::change("addColumn", json!({ "table": of, "columns": columns }));
    let set = json!({ new.as_str(): format!("{column}::{to}") });
    let fill = json!({ "table": of, "key": ["id"], "set": set, "where": format!("{new} IS NULL") });
    steps += &format!(
        "# next changeset, with the table's key; a trigger keeps both columns equal\n{}",
        safe::change("backfill", fill)
    );
    let remedy = "add a column of the new type, fill it with `backfill`, let the release use it, then drop the old one";
    Some(draft.remedy(remedy).safe(steps))
}
