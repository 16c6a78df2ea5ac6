//! An index on a table that is in use.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::IndexNotConcurrent,
    reason: "CREATE INDEX locks the table in SHARE mode: every write waits until the whole table was read. CONCURRENTLY reads it twice and blocks nobody.",
    example: r#"changes:
  - sql:
      forward: CREATE INDEX orders_status ON app.orders (status)
      rollback: DROP INDEX CONCURRENTLY app.orders_status
"#,
    fixed: r#"changes:
  - createIndex: { name: orders_status, table: app.orders, columns: [status] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::CreateIndex(index) = &action.does else { return None };
    if index.concurrently || !subject.is_in_use(unit, &index.table) {
        return None;
    }
    let message = format!("this index on `{}` blocks writes until it is built", index.table);
    let draft = Draft::new(Rule::IndexNotConcurrent, unit, &action.at, message);
    let draft = match unit.statement.kind.as_str() {
        "createIndex" => draft.remedy("remove `concurrently: false`: dagmar then builds the index concurrently"),
        _ => draft.remedy("use `createIndex`, which builds the index concurrently outside of a transaction"),
    };
    Some(draft.safe(safe::index(index)))
}
