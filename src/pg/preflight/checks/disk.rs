//! Room for tables that are written anew and for indexes that are built.

use crate::base::size;
use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;
use std::collections::BTreeMap;
use std::path::Path;

/// Less than this is not worth a word.
const WORTH_A_NOTE: i64 = 1 << 30;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let used: Vec<_> = view.asked.relations.values().collect();
    let mut needed: BTreeMap<Option<&str>, (i64, Vec<String>)> = BTreeMap::new();
    for relation in &view.facts.relations {
        let Some(used) = used.get(relation.i) else { continue };
        // the old table stays until the commit; an index is rarely larger than the rows
        let rewrite = if used.rewritten { relation.total } else { 0 };
        let bytes = rewrite + relation.heap * i64::try_from(used.indexes).unwrap_or(1);
        if bytes > 0 {
            let (sum, names) = needed.entry(relation.place.as_deref()).or_default();
            *sum += bytes;
            names.push(format!("`{}.{}` {}", relation.schema, relation.name, size(bytes)));
        }
    }
    for (place, (bytes, names)) in needed {
        let place = place.or(view.facts.data_directory.as_deref());
        let free = place.filter(|_| view.facts.local).and_then(|p| free(Path::new(p)));
        judge(bytes, free, &names.join(", "), report);
    }
}

fn judge(bytes: i64, free: Option<i64>, names: &str, report: &mut Report<'_>) {
    let needs = format!("rewritten tables and indexes need up to {} ({names})", size(bytes));
    match free {
        Some(free) if free < bytes => {
            report.error(format!("{needs}; {} are free", size(free)), "free space on the server's disk");
        }
        // the write-ahead log gets the same once more
        Some(free) if free < bytes.saturating_mul(2) => report.warning(
            format!("{needs}, and their write-ahead log as much again; {} are free", size(free)),
            "free space on the server's disk",
        ),
        None if bytes >= WORTH_A_NOTE => report.warning(
            format!("{needs}, and their write-ahead log as much again; the free space is unknown"),
            "check the server's disk first",
        ),
        _ if bytes >= WORTH_A_NOTE => report.note(needs, "it fits"),
        _ => {}
    }
}

/// The bytes that are free there, where that is a directory of this machine.
fn free(place: &Path) -> Option<i64> {
    let stat = rustix::fs::statvfs(place).ok()?;
    i64::try_from(stat.f_bavail.saturating_mul(stat.f_frsize)).ok()
}

#[cfg(test)]
pub(super) fn judged(bytes: i64, free: Option<i64>) -> Vec<crate::run::Finding> {
    let mut found = Vec::new();
    judge(bytes, free, "`a.b`", &mut Report { check: "disk", found: &mut found });
    found
}
