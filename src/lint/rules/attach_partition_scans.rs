//! A partition that has to be read.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::safe;
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};
use serde_json::json;

pub(super) const RULE: Definition = Definition {
    rule: Rule::AttachPartitionScans,
    reason: "ATTACH PARTITION reads the new partition under an ACCESS EXCLUSIVE lock, unless a valid check says that its rows fit.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.parts ATTACH PARTITION app.events FOR VALUES IN (1)
      rollback: ALTER TABLE app.parts DETACH PARTITION app.events
lint:
  - { ignore: detach-not-concurrent, reason: the rollback has to be one transaction }
"#,
    fixed: r#"changes:
  - addCheck: { name: events_one, table: app.events, expression: id = 1 AND id IS NOT NULL }
  - sql:
      forward: ALTER TABLE app.parts ATTACH PARTITION app.events FOR VALUES IN (1)
      rollback: ALTER TABLE app.parts DETACH PARTITION app.events
lint:
  - { ignore: detach-not-concurrent, reason: the rollback has to be one transaction }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AttachPartition { table, partition } = &action.does else { return None };
    if unit.back || !subject.is_in_use(unit, partition) {
        return None;
    }
    let message = format!("attaching `{partition}` to `{table}` reads all its rows while it is blocked");
    let draft = Draft::new(Rule::AttachPartitionScans, unit, &action.at, message).about(partition, "");
    let check = json!({ "name": format!("{}_fits", partition.name.as_str()), "table": partition.to_string(), "expression": "the bounds of the partition, and NOT NULL" });
    Some(
        draft
            .remedy("add a check with the bounds before, validate it, and drop it afterwards")
            .safe(safe::change("addCheck", check)),
    )
}
