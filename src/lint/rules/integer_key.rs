//! A primary key that can run out of numbers.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};
use crate::sql::review::Keeps;

pub(super) const RULE: Definition = Definition {
    rule: Rule::IntegerKey,
    reason: "An integer key ends at 2,147,483,647, and widening it later rewrites the table and every table that references it.",
    example: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: integer, primaryKey: true }] }
"#,
    fixed: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: bigint, primaryKey: true }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for (unit, table, column) in subject.new_columns() {
        let is_small = SMALL.contains(&column.type_.as_str());
        if is_small && column.constraints.iter().any(|c| c.kind == Keeps::PrimaryKey) {
            let message = format!("the primary key `{}` of `{table}` has the type {}", column.name, column.type_);
            let draft = Draft::new(Rule::IntegerKey, unit, &column.at, message);
            out.push(draft.remedy("use bigint, with an identity").safe(format!("{} bigint", column.name.sql())));
        }
    }
}

/// Types with fewer numbers than a busy table has rows in its life.
const SMALL: [&str; 8] = ["int", "integer", "int4", "smallint", "int2", "serial", "serial4", "smallserial"];
