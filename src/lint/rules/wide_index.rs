//! An index with many columns.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::WideIndex,
    reason: "An index with more than three columns is large, slows down every write, and rarely serves more queries than its first columns alone.",
    example: r#"changes:
  - createIndex: { name: orders_wide, table: app.orders, columns: [status, note, customer_id, id] }
"#,
    fixed: r#"changes:
  - createIndex: { name: orders_narrow, table: app.orders, columns: [status, note] }
"#,
    check: Check::Statement(check),
};

fn check(_: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::CreateIndex(index) = &action.does else { return None };
    if index.unique || index.columns.len() <= MOST || unit.back {
        return None;
    }
    let message = format!("this index on `{}` has {} columns", index.table, index.columns.len());
    let remedy = "keep the columns that queries compare with `=`; `include` adds columns that are only read";
    Some(Draft::new(Rule::WideIndex, unit, &action.at, message).remedy(remedy))
}

/// The most columns of an index that is no constraint.
const MOST: usize = 3;
