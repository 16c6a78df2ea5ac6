//! Rows are changed while a table is blocked.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};
use crate::plan::Mode;
use crate::sql::LockMode;
use crate::sql::review::{Does, Rows};
use std::collections::BTreeMap;

pub(super) const RULE: Definition = Definition {
    rule: Rule::WorkUnderExclusiveLock,
    reason: "An ACCESS EXCLUSIVE lock is held until the transaction ends. What follows it in the transaction makes everybody wait for as long as the rows take.",
    example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
  - update: { table: app.orders, set: { region: north }, where: region IS NULL }
lint:
  - { ignore: unbatched-backfill, reason: only for this example }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    let mut blocked: BTreeMap<usize, &QualifiedName> = BTreeMap::new();
    for unit in subject.forward().filter(|unit| unit.mode == Mode::Transaction) {
        let works = unit.actions.iter().find(|action| match &action.does {
            Does::Insert(insert) => !insert.from.is_empty(),
            Does::Change(change) => change.rows != Rows::Chosen,
            _ => false,
        });
        if let (Some(action), Some(table)) = (works, blocked.get(&unit.segment)) {
            let message = format!("`{table}` stays blocked while this statement changes rows");
            let draft = Draft::new(Rule::WorkUnderExclusiveLock, unit, &action.at, message);
            out.push(
                draft.remedy(
                    "put it into a changeset of its own that depends on this one, or after a line `-- segment`",
                ),
            );
        }
        let mut locks = unit.statement.facts.locks.iter();
        let exclusive =
            locks.find(|(table, mode)| *mode == LockMode::AccessExclusive && subject.is_in_use(unit, table));
        if let Some((table, _)) = exclusive {
            blocked.entry(unit.segment).or_insert(table);
        }
    }
}
