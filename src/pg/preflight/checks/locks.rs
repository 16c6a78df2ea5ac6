//! Who holds what the plan needs, right now.

use crate::pg::preflight::facts::Held;
use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;
use crate::sql::LockMode;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let used: Vec<_> = view.asked.relations.values().collect();
    for relation in &view.facts.relations {
        let Some((used, lock)) = used.get(relation.i).and_then(|u| Some((u, u.lock?))) else { continue };
        // a concurrent build waits for all writers of its table, whatever it locks itself
        let lock = if view.asked.concurrent && used.indexes > 0 { lock.max(LockMode::Share) } else { lock };
        let mut holders: Vec<String> = view
            .facts
            .locks
            .iter()
            .filter(|held| held.i == relation.i && !held.vacuum && conflicts(lock, &held.mode))
            .map(who)
            .collect();
        holders.dedup();
        if !holders.is_empty() {
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

fn who(held: &Held) -> String {
    match &held.gid {
        Some(gid) => format!("the prepared transaction `{gid}`"),
        None => held.holder.describe(),
    }
}

/// Whether a lock waits for one that is held (manual, table 13.2).
fn conflicts(wanted: LockMode, held: &str) -> bool {
    use LockMode::{
        AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive, ShareUpdateExclusive,
    };
    let held = match held {
        "AccessShareLock" => AccessShare,
        "RowShareLock" => RowShare,
        "RowExclusiveLock" => RowExclusive,
        "ShareUpdateExclusiveLock" => ShareUpdateExclusive,
        "ShareLock" => Share,
        "ShareRowExclusiveLock" => ShareRowExclusive,
        "ExclusiveLock" => Exclusive,
        _ => AccessExclusive,
    };
    let (weak, strong) = if wanted < held { (wanted, held) } else { (held, wanted) };
    match weak {
        AccessShare => strong == AccessExclusive,
        RowShare => strong >= Exclusive,
        RowExclusive => strong >= Share,
        // it conflicts with itself, SHARE does not
        Share => strong > Share,
        ShareUpdateExclusive | ShareRowExclusive | Exclusive | AccessExclusive => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_manual() {
        let modes = [
            (LockMode::AccessShare, "AccessShareLock"),
            (LockMode::RowShare, "RowShareLock"),
            (LockMode::RowExclusive, "RowExclusiveLock"),
            (LockMode::ShareUpdateExclusive, "ShareUpdateExclusiveLock"),
            (LockMode::Share, "ShareLock"),
            (LockMode::ShareRowExclusive, "ShareRowExclusiveLock"),
            (LockMode::Exclusive, "ExclusiveLock"),
            (LockMode::AccessExclusive, "AccessExclusiveLock"),
        ];
        let table = ["       x", "      xx", "    xxxx", "   xxxxx", "  xx xxx", "  xxxxxx", " xxxxxxx", "xxxxxxxx"];
        for ((wanted, _), row) in modes.iter().zip(table) {
            let got: String = modes.iter().map(|(_, held)| if conflicts(*wanted, held) { 'x' } else { ' ' }).collect();
            assert_eq!(got, row, "{wanted:?}");
        }
    }
}
