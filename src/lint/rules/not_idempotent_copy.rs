//! A copy that makes duplicates.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::plan::Mode;
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::NotIdempotentCopy,
    reason: "INSERT … SELECT copies all rows each time it runs: after a rollback that left them, after a manual run, in a second environment that has some of them.",
    example: r#"changes:
  - sql:
      forward: INSERT INTO app.events (id, name) SELECT id, note FROM app.orders WHERE status = 'open'
      rollback: DELETE FROM app.events WHERE name = 'open'
lint:
  - { ignore: unbatched-backfill, reason: few orders are open }
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        INSERT INTO app.events (id, name) SELECT o.id, o.note FROM app.orders o
        WHERE o.status = 'open' AND NOT EXISTS (SELECT FROM app.events e WHERE e.id = o.id)
      rollback: DELETE FROM app.events WHERE name = 'open'
lint:
  - { ignore: unbatched-backfill, reason: few orders are open }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::Insert(insert) = &action.does else { return None };
    let once = insert.from.is_empty() || insert.guarded || insert.on_conflict.is_some() || unit.mode == Mode::Batched;
    if once || !subject.is_in_use(unit, &insert.table) {
        return None;
    }
    let message = format!("this copy into `{}` makes duplicates when it runs again", insert.table);
    let draft = Draft::new(Rule::NotIdempotentCopy, unit, &action.at, message);
    let safe = format!("INSERT INTO {} … SELECT … ON CONFLICT (key) DO NOTHING", insert.table.sql());
    Some(draft.remedy("add ON CONFLICT with the columns of a unique key, or WHERE NOT EXISTS").safe(safe))
}
