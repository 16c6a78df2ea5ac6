//! Replication that the plan touches or that keeps the server's log.

use crate::base::size;
use crate::pg::preflight::report::{Report, some};
use crate::pg::preflight::view::View;
use std::collections::BTreeMap;

/// So much log behind an idle slot is worth a warning by itself.
const MUCH: i64 = 1 << 30;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let used: Vec<_> = view.asked.relations.values().collect();
    let heavy = used.iter().any(|u| u.rewritten || u.indexes > 0);
    let (mut published, mut subscribed) = (BTreeMap::new(), BTreeMap::new());
    for relation in &view.facts.relations {
        let name = format!("{}.{}", relation.schema, relation.name);
        if !relation.publications.is_empty() && used.get(relation.i).is_some_and(|u| u.altered) {
            published.entry(&relation.publications).or_insert_with(Vec::new).push(name.clone());
        }
        if !relation.subscriptions.is_empty() {
            subscribed.entry(&relation.subscriptions).or_insert_with(Vec::new).push(name);
        }
    }
    for (by, tables) in published {
        report.warning(
            format!("{} published by {}: subscribers do not receive DDL", are(&tables), some(by)),
            "apply it to the subscribers as well: additions there first, removals last",
        );
    }
    for (by, tables) in subscribed {
        report.warning(
            format!("{} filled by the subscription {}", are(&tables), some(by)),
            "the publisher must match the changed definition, or the subscription stops",
        );
    }
    for slot in &view.facts.slots {
        let message = format!(
            "the replication slot `{}` has no reader; the server retains {} of WAL for it",
            slot.name,
            size(slot.kept)
        );
        let remedy = "start its consumer, or drop it with `pg_drop_replication_slot`";
        if heavy || slot.kept >= MUCH {
            report.warning(message, remedy);
        } else {
            report.note(message, remedy);
        }
    }
}

fn are(tables: &[String]) -> String {
    format!("{} {}", some(tables), if tables.len() == 1 { "is" } else { "are" })
}
