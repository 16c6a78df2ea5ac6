//! A column of the type json.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};

pub(super) const RULE: Definition = Definition {
    rule: Rule::JsonColumn,
    reason: "json has no equality operator: SELECT DISTINCT, GROUP BY and UNION over the table fail.",
    example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: extra, type: json }] }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: extra, type: jsonb }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for (unit, table, column) in subject.new_columns().filter(|(.., column)| column.type_ == "json") {
        let message = format!("the column `{}` of `{table}` has the type json", column.name);
        out.push(
            Draft::new(Rule::JsonColumn, unit, &column.at, message)
                .remedy("use jsonb")
                .safe(format!("{} jsonb", column.name.sql())),
        );
    }
}
