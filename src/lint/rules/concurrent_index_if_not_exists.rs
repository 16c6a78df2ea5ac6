//! A concurrent build that accepts what is there.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::ConcurrentIndexIfNotExists,
    reason: "A concurrent build that failed leaves an invalid index, which no query uses. IF NOT EXISTS finds its name and skips the build. dagmar itself drops such an index and builds it again.",
    example: r#"changes:
  - sql:
      forward: CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_status ON app.orders (status)
      rollback: DROP INDEX CONCURRENTLY app.orders_status
"#,
    fixed: r#"changes:
  - sql:
      forward: CREATE INDEX CONCURRENTLY orders_status ON app.orders (status)
      rollback: DROP INDEX CONCURRENTLY app.orders_status
"#,
    check: Check::Statement(check),
};

fn check(_: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::CreateIndex(index) = &action.does else { return None };
    if !index.concurrently || !index.if_not_exists {
        return None;
    }
    let message = format!("an invalid index on `{}` that a failed build left would be accepted", index.table);
    let draft = Draft::new(Rule::ConcurrentIndexIfNotExists, unit, &action.at, message);
    Some(draft.remedy("remove `IF NOT EXISTS`, or use `createIndex`").safe(safe::index(index)))
}
