//! What statements do while they hold locks, and how long that takes.

use super::about::Size;
use super::model::{Mode, Statement};
use crate::base::QualifiedName;
use crate::sql::{self, AlsoLocked, LockMode, Through};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a statement does while it holds its locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// It changes the catalog only.
    Instant,
    /// It writes the rows of one batch.
    Batch,
    /// It runs a query.
    Query,
    /// It writes rows.
    Rows,
    /// It reads all rows.
    Scan,
    /// It builds an index.
    Build,
    /// It writes the table and its indexes again.
    Rewrite,
    /// Its text does not show what it runs.
    Unknown,
}

impl Work {
    /// The bytes per second that an estimate assumes. Measured with PostgreSQL 15 on a busy two-core machine with a
    /// local disk: 900 MB/s, 36 to 190 MB/s and 46 MB/s; a scan from disk is slower.
    const fn rate(self) -> Option<u64> {
        match self {
            Work::Scan => Some(200_000_000),
            Work::Build | Work::Rewrite => Some(40_000_000),
            Work::Instant | Work::Batch | Work::Query | Work::Rows | Work::Unknown => None,
        }
    }

    pub(super) fn of(statement: &Statement, mode: Mode, is_opaque: bool, ledger: &str) -> Self {
        let facts = &statement.facts;
        let also = |work: fn(&AlsoLocked) -> bool| facts.also.iter().any(|a| !a.tables.is_empty() && work(a));
        match () {
            () if mode == Mode::Batched => Work::Batch,
            () if is_opaque || facts.runs_unknown() => Work::Unknown,
            () if facts.rewrites || also(|also| also.rewrites) => Work::Rewrite,
            () if facts.builds => Work::Build,
            () if facts.scans || also(|also| also.scans) => Work::Scan,
            () if facts.strongest() == Some(LockMode::RowExclusive) => Work::Rows,
            () if sql::runs_query(&statement.sql) && !is_of_ledger(&statement.sql, ledger) => Work::Query,
            () => Work::Instant,
        }
    }
}

/// Whether a query calls functions of the ledger alone: what these do with tables is in the facts.
fn is_of_ledger(sql: &str, ledger: &str) -> bool {
    sql::command(sql) == "select" && sql::is_of_template(sql, ledger) && sql.contains(ledger)
}

/// The time in milliseconds that the work of a statement takes; `None`: unknown.
pub(super) fn estimate(statement: &Statement, work: Work, sizes: &BTreeMap<String, Size>) -> Option<u64> {
    if work == Work::Instant {
        return Some(0);
    }
    let rate = work.rate()?;
    let bytes = |name: &QualifiedName| {
        let size = sizes.get(&name.to_string())?;
        // a table that was never vacuumed or analyzed has no pages
        if size.bytes == 0 && size.rows != Some(0) {
            return None;
        }
        Some(if work == Work::Rewrite { size.total_bytes } else { size.bytes })
    };
    let facts = &statement.facts;
    // partitions are counted with their table
    let also = facts.also.iter().filter(|also| also.rewrites || also.scans);
    let also = also.filter(|also| !matches!(also.through, Through::Descendants | Through::Partitions));
    let all: Option<u64> = worked_on(statement).into_iter().chain(also.flat_map(|also| &also.tables)).map(bytes).sum();
    Some(all? * 1000 / rate)
}

/// The tables that a statement itself reads, rewrites or builds indexes on, of those that it names.
#[must_use]
pub fn worked_on(statement: &Statement) -> Vec<&QualifiedName> {
    let facts = &statement.facts;
    let strongest = facts.strongest();
    let mut own = facts.locks.iter().filter(|(_, mode)| Some(*mode) == strongest).map(|(name, _)| name);
    match sql::command(&statement.sql).as_str() {
        // the tables that foreign keys reference come first, and are only searched by their keys
        "alter" => own.next_back().into_iter().collect(),
        _ => own.collect(),
    }
}
