//! The words for what a statement does to a running database: its locks, how long it holds them, for whom it waits, and
//! what the policies do not allow.

use super::also::also;
use super::locks;
use crate::base::QualifiedName;
use crate::base::count;
use crate::plan::{Hazard, HeldBy, Impact, Statement, TableLock, Work};
use crate::report::plan::Preview;
use std::collections::BTreeSet;

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
    let in_the_way: Vec<_> = impact.waits_for.iter().collect();
    let others: Vec<_> = impact.waiting.iter().filter(|lock| !impact.waits_for.contains(lock)).collect();
    lines.extend(some(&in_the_way, would_wait).into_iter().map(|words| (Some(Hazard::BlocksReads), words)));
    lines.extend(some(&others, waits).into_iter().map(|words| (Some(Hazard::BlocksWrites), words)));
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

/// A line for each of the first locks, and how many sessions there are more.
fn some(locks: &[&(QualifiedName, TableLock)], line: fn(&(QualifiedName, TableLock)) -> String) -> Vec<String> {
    let (shown, rest) = locks.split_at(locks.len().min(MOST_NAMED));
    let mut lines: Vec<String> = shown.iter().map(|lock| line(lock)).collect();
    let holders = |locks: &[&(QualifiedName, TableLock)]| -> BTreeSet<String> {
        locks.iter().map(|(_, lock)| lock.holder()).collect()
    };
    let more = holders(rest).difference(&holders(shown)).count();
    if more > 0 {
        lines.push(format!("and {} more", count(more, "session")));
    }
    lines
}

/// How long the locks are held, as the end of a line.
fn held(impact: &Impact) -> String {
    let time = impact.estimate_ms.map(about);
    let work = match (&impact.by, impact.held) {
        (_, Work::Instant) => return ", for an instant".to_owned(),
        (_, Work::Batch) => return ", until its batch ends".to_owned(),
        (None, work) => format!("while it {}", does(work)),
        (Some(by), work) => {
            let who = match by {
                HeldBy::Statement { statement } => format!("statement {}", statement + 1),
                HeldBy::Verify => return ", until the checks of the step have run".to_owned(),
                HeldBy::Changeset { changeset } => format!("`{changeset}`"),
            };
            let time = time.map_or_else(String::new, |time| format!(", {time}"));
            return format!(", until the transaction ends{time}: {who} {}", does(work));
        }
    };
    match time {
        Some(time) => format!(", {work}, {time}"),
        None => format!(", {work}"),
    }
}

/// What is done, after who does it.
fn does(work: Work) -> &'static str {
    match work {
        Work::Instant => "changes the catalog",
        Work::Batch => "writes a batch",
        Work::Query => "runs a query",
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
