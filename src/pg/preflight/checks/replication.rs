//! Replication that the plan touches or that keeps the server's log.

use super::{Report, View, size};

/// So much log behind an idle slot is worth a warning by itself.
const MUCH: i64 = 1 << 30;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let used: Vec<_> = view.asked.relations.values().collect();
    let heavy = used.iter().any(|u| u.rewritten || u.indexes > 0);
    for relation in &view.facts.relations {
        let altered = used.get(relation.i).is_some_and(|u| u.altered);
        let name = format!("{}.{}", relation.schema, relation.name);
        if altered && !relation.publications.is_empty() {
            report.warning(
                format!(
                    "`{name}` is published by {}: subscribers get no change of its definition",
                    list(&relation.publications)
                ),
                "apply it to the subscribers as well: what adds comes first there, what takes away comes last",
            );
        }
        if !relation.subscriptions.is_empty() {
            report.warning(
                format!("`{name}` is filled by the subscription {}", list(&relation.subscriptions)),
                "the publisher must fit what is changed here, or the subscription stops",
            );
        }
    }
    for slot in &view.facts.slots {
        let message = format!(
            "nobody reads the replication slot `{}`; the server keeps {} of log for it",
            slot.name,
            size(slot.kept)
        );
        let remedy = "start its reader, or drop it with `pg_drop_replication_slot`";
        if heavy || slot.kept >= MUCH {
            report.warning(message, remedy);
        } else {
            report.note(message, remedy);
        }
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}
