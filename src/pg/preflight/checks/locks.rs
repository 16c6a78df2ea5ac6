//! Who holds what the plan needs, right now.

use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;
use crate::plan::TableLock;
use std::collections::BTreeSet;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let used: Vec<_> = view.asked.relations.values().collect();
    // a plan may have several names for a relation
    let mut said = BTreeSet::new();
    for relation in &view.facts.relations {
        let Some((used, lock)) = used.get(relation.i).and_then(|used| Some((used, used.waits.last()?))) else {
            continue;
        };
        let in_the_way = |held: &TableLock| held.granted && used.waits.iter().any(|mode| mode.conflicts(held.mode));
        let locks = view.facts.table_locks(relation.i).filter(in_the_way);
        let mut holders: Vec<String> = locks.map(|held| held.holder()).collect();
        holders.dedup();
        if !holders.is_empty() && said.insert((&relation.schema, &relation.name)) {
            report.warning(
                format!(
                    "`{}.{}` is locked against {}: {}",
                    relation.schema,
                    relation.name,
                    lock.sql(),
                    holders.join(", ")
                ),
                "wait for it to end, or end it (`pg_terminate_backend`, `ROLLBACK PREPARED`); the run waits as long as `lockTimeout` and `lockRetries` say",
            );
        }
    }
}
