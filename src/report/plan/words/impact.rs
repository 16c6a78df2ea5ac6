//! The words for what a statement does to a running database: its locks, how long it holds them, for whom it waits, and
//! what the policies do not allow.

use super::also::also;
use super::locks;
use crate::base::QualifiedName;
use crate::base::count;
use crate::plan::{Hazard, Impact, Statement, TableLock, Work};
use crate::report::plan::Preview;

/// Sessions that are named; the others are counted.
const MOST_NAMED: usize = 3;

/// The lines below a statement, each with the hazard that it weighs as.
pub(in crate::report::plan) fn lines(
    preview: &Preview<'_>,
    statement: &Statement,
    impact: &Impact,
    is_opaque: bool,
) -> Vec<(Option<Hazard>, String)> {
    let facts = &statement.facts;
    // without a database nothing is known of its tables
    let held = if preview.about.is_of_database() { held(impact) } else { String::new() };
    let also = also(facts, preview.about, is_opaque);
    let locks = locks(facts, preview.about).into_iter().map(|(mode, words)| (Some(mode), words));
    let mut lines: Vec<(Option<Hazard>, String)> = Vec::new();
    for (mode, words) in locks.chain(also) {
        let hazard = mode.map_or(Some(Hazard::MayLockMore), Hazard::of_lock);
        let is_worth_it = mode.is_some() && (hazard.is_some() || impact.held != Work::Instant);
        lines.push((hazard, if is_worth_it { words + &held } else { words }));
    }
    let in_queue = |(table, lock): &&(QualifiedName, TableLock)| {
        !impact.waits_for.iter().any(|(name, other)| name == table && other == lock)
    };
    let now: Vec<String> = impact.waits_for.iter().map(would_wait).collect();
    lines.extend(some(now).map(|words| (Some(Hazard::BlocksReads), words)));
    let now: Vec<String> = impact.waiting.iter().filter(in_queue).map(waits).collect();
    lines.extend(some(now).map(|words| (Some(Hazard::BlocksWrites), words)));
    if !impact.refused.is_empty() {
        let kinds: Vec<&str> = impact.refused.iter().map(|kind| kind.word()).collect();
        let words = format!("{} does not allow it: {}", preview.plan.environment, kinds.join(", "));
        lines.push((Some(Hazard::LOSES_DATA), words));
    }
    lines
}

fn would_wait((table, lock): &(QualifiedName, TableLock)) -> String {
    let (after, has) = if lock.granted { ("for", "holds") } else { ("behind", "waits for") };
    format!("would wait now {after} {}, which {has} {} on {table}", lock.holder(), lock.mode.sql())
}

fn waits((table, lock): &(QualifiedName, TableLock)) -> String {
    format!("{} waits now for {} on {table}", lock.holder(), lock.mode.sql())
}

/// The first lines, and how many there are more.
fn some(mut lines: Vec<String>) -> impl Iterator<Item = String> {
    let more = lines.len().saturating_sub(MOST_NAMED);
    lines.truncate(MOST_NAMED);
    lines.into_iter().chain((more > 0).then(|| format!("and {} more", count(more, "session"))))
}

/// How long the locks are held, as the end of a line.
fn held(impact: &Impact) -> String {
    let work = match (impact.held, impact.by) {
        (Work::Instant, _) => return ", for an instant".to_owned(),
        (Work::Batch, _) => return ", until its batch ends".to_owned(),
        (work, Some(by)) => format!("until the transaction ends: statement {} {}", by + 1, does(work)),
        (work, None) => format!("while it {}", does(work)),
    };
    match impact.estimate_ms {
        Some(ms) => format!(", {work}, {}", about(ms)),
        None => format!(", {work}"),
    }
}

fn does(work: Work) -> &'static str {
    match work {
        Work::Instant | Work::Batch => "runs",
        Work::Rows => "writes rows",
        Work::Scan => "reads all rows",
        Work::Build => "builds an index",
        Work::Rewrite => "rewrites the table",
        Work::Unknown => "runs what its text does not show",
    }
}

/// An estimate with one unit: `about 40s`.
fn about(ms: u64) -> String {
    match ms.div_ceil(1000) {
        0 | 1 => "about 1s or less".to_owned(),
        s if s < 120 => format!("about {s}s"),
        s if s < 7200 => format!("about {} minutes", s.div_ceil(60)),
        s => format!("about {} hours", s.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_have_one_unit() {
        let said = |ms| about(ms).replace("about ", "");
        let all = [0, 900, 1001, 119_000, 119_001, 7_199_000, 7_200_001, 90_000_000].map(said);
        assert_eq!(all, ["1s or less", "1s or less", "2s", "119s", "2 minutes", "120 minutes", "3 hours", "25 hours"]);
    }
}
