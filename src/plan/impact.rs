//! What the statements of a plan do to a running database: how long they hold their locks, and for whom they wait.

use super::about::Size;
use super::hazard::{Destructive, Hazard};
use super::model::{Mode, Plan, Progress, Segment, Statement, Step};
use super::session::TableLock;
use crate::base::QualifiedName;
use crate::sql::{LockMode, Through};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a statement does while it holds its locks, shortest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// It changes the catalog only.
    Instant,
    /// It writes the rows of one batch.
    Batch,
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

/// What the database and the policies of its environment say of a plan at one moment.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The locks of other sessions, by the names that the plan has for the tables.
    pub locks: BTreeMap<String, Vec<TableLock>>,
    /// The destructive kinds of steps that the environment allows; `None`: all.
    pub allow: Option<Vec<Destructive>>,
}

/// What a statement does to a running database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// The longest work that is done while the locks of this statement are held.
    pub held: Work,
    /// The statement of the same segment that does it, from 0, if it is a later one: locks are held until the end of
    /// the transaction (manual, chapter 13.3).
    pub by: Option<usize>,
    /// The estimated time in milliseconds until the locks are released; `None`: unknown.
    pub estimate_ms: Option<u64>,
    /// The locks for which the statement would wait now, with their tables: held ones, and those that sessions before
    /// it in the queue wait for.
    pub waits_for: Vec<(QualifiedName, TableLock)>,
    /// The locks for which other sessions wait now, with their tables.
    pub waiting: Vec<(QualifiedName, TableLock)>,
    /// The kinds that the environment does not allow.
    pub refused: Vec<Destructive>,
}

impl Work {
    /// The bytes per second that an estimate assumes. Measured with PostgreSQL 15 on a busy two-core machine with a
    /// local disk: 900 MB/s, 36 to 190 MB/s and 46 MB/s; a scan from disk is slower.
    const fn rate(self) -> Option<u64> {
        match self {
            Work::Scan => Some(200_000_000),
            Work::Build | Work::Rewrite => Some(40_000_000),
            Work::Instant | Work::Batch | Work::Rows | Work::Unknown => None,
        }
    }

    fn of(statement: &Statement, mode: Mode, is_opaque: bool) -> Self {
        let facts = &statement.facts;
        let also =
            |work: fn(&crate::sql::AlsoLocked) -> bool| facts.also.iter().any(|a| !a.tables.is_empty() && work(a));
        match () {
            () if mode == Mode::Batched => Work::Batch,
            () if is_opaque || facts.runs_unknown() => Work::Unknown,
            () if facts.rewrites || also(|also| also.rewrites) => Work::Rewrite,
            () if facts.builds => Work::Build,
            () if facts.scans || also(|also| also.scans) => Work::Scan,
            () if facts.strongest() == Some(LockMode::RowExclusive) => Work::Rows,
            () => Work::Instant,
        }
    }
}

/// The impact of each statement of a segment, in their order. `sizes`: the known sizes of tables, by name.
#[must_use]
pub fn of_segment(
    plan: &Plan,
    step: &Step,
    segment: &Segment,
    sizes: &BTreeMap<String, Size>,
    live: &Live,
) -> Vec<Impact> {
    let hazards: Vec<Vec<Hazard>> =
        segment.statements.iter().map(|statement| plan.statement_hazards(step, segment, statement)).collect();
    let work: Vec<Work> = (segment.statements.iter().zip(&hazards))
        .map(|(statement, hazards)| Work::of(statement, segment.mode, hazards.contains(&Hazard::OPAQUE)))
        .collect();
    let times: Vec<Option<u64>> =
        segment.statements.iter().zip(&work).map(|(statement, work)| estimate(statement, *work, sizes)).collect();
    let one = |(at, statement): (usize, &Statement)| {
        let end = if segment.mode == Mode::Transaction { segment.statements.len() } else { at + 1 };
        // of equally long work the first, which is mostly its own
        let longest = (at..end).rev().max_by_key(|other| (work[*other], times[*other])).unwrap_or(at);
        let todo = segment.progress != Progress::Done;
        Impact {
            held: work[longest],
            by: (longest > at).then_some(longest),
            estimate_ms: times[at..end].iter().copied().sum(),
            waits_for: others(statement, live, |modes, lock| {
                todo && modes.iter().any(|mode| mode.conflicts(lock.mode))
            }),
            waiting: others(statement, live, |_, lock| todo && !lock.granted),
            refused: refused(&hazards[at], live),
        }
    };
    segment.statements.iter().enumerate().map(one).collect()
}

/// The time in milliseconds that the work of a statement takes.
fn estimate(statement: &Statement, work: Work, sizes: &BTreeMap<String, Size>) -> Option<u64> {
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
    let strongest = facts.strongest();
    let mut own = facts.locks.iter().filter(|(_, mode)| Some(*mode) == strongest).map(|(name, _)| name);
    let own: Vec<&QualifiedName> = match crate::sql::command(&statement.sql).as_str() {
        // the tables that foreign keys reference come first, and are only searched by their keys
        "alter" => own.next_back().into_iter().collect(),
        _ => own.collect(),
    };
    // partitions are counted with their table
    let also = facts.also.iter().filter(|also| also.rewrites || also.scans);
    let also = also.filter(|also| !matches!(also.through, Through::Descendants | Through::Partitions));
    let all: Option<u64> = own.into_iter().chain(also.flat_map(|also| &also.tables)).map(bytes).sum();
    Some(all? * 1000 / rate)
}

/// The tables that a statement locks, with the modes whose conflicts it waits for.
fn locked(statement: &Statement) -> impl Iterator<Item = (&QualifiedName, [LockMode; 2])> {
    let facts = &statement.facts;
    let named = facts.locks.iter().map(|(name, mode)| (name, facts.waits_with(*mode)));
    named.chain(facts.also.iter().flat_map(|also| also.tables.iter().map(|name| (name, [also.mode; 2]))))
}

/// The locks of others on the tables of a statement that `keep` chooses, each once.
fn others(
    statement: &Statement,
    live: &Live,
    keep: impl Fn([LockMode; 2], &TableLock) -> bool,
) -> Vec<(QualifiedName, TableLock)> {
    let mut found: Vec<(QualifiedName, TableLock)> = Vec::new();
    for (name, modes) in locked(statement) {
        let locks = live.locks.get(&name.to_string()).into_iter().flatten();
        for lock in locks.filter(|lock| keep(modes, lock)) {
            if !found.iter().any(|(n, l)| n == name && l.granted == lock.granted && l.holder() == lock.holder()) {
                found.push((name.clone(), lock.clone()));
            }
        }
    }
    found
}

fn refused(hazards: &[Hazard], live: &Live) -> Vec<Destructive> {
    let Some(allow) = &live.allow else { return Vec::new() };
    let kinds = hazards.iter().filter_map(|hazard| match hazard {
        Hazard::Destructive(kind) => Some(*kind),
        _ => None,
    });
    kinds.filter(|kind| !allow.contains(kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Session;
    use crate::sql;
    use serde_json::{Value, json};

    /// A plan with one segment of these statements.
    fn plan(mode: &str, statements: &[&str]) -> Plan {
        let statement = |sql: &&str| json!({ "sql": sql, "change": 0, "kind": "sql", "facts": sql::facts(sql) });
        let statements: Vec<Value> = statements.iter().map(statement).collect();
        serde_json::from_value(json!({
            "format": 1, "environment": "dev", "direction": "forward", "ledgerSchema": "led", "waiting": [], "blocked": [],
            "excluded": [], "overriddenTemplates": [], "steps": [{
                "changeset": "a", "direction": "forward", "wave": 1, "why": "pending", "requires": [], "checksum": "",
                "digest": "", "body": {}, "rollback": { "kind": "irreversible", "reason": "gone" }, "segments": [{
                    "mode": mode, "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 },
                    "statements": statements }],
            }],
        }))
        .unwrap()
    }

    fn impacts(mode: &str, statements: &[&str], live: &Live) -> Vec<Impact> {
        let plan = plan(mode, statements);
        let size = |rows, mb: u64| Size { rows, bytes: mb * 1_000_000, total_bytes: mb * 2_000_000 };
        let sizes = [
            ("big", size(Some(9), 400)),
            ("small", size(Some(9), 4)),
            ("empty", size(Some(0), 0)),
            ("new", size(Some(9), 0)),
        ];
        let sizes = sizes.map(|(name, size)| (name.to_owned(), size)).into();
        of_segment(&plan, &plan.steps[0], &plan.steps[0].segments[0], &sizes, live)
    }

    #[test]
    fn locks_are_held_until_the_transaction_ends() {
        let all = [
            "ALTER TABLE small ADD a int",
            "CREATE INDEX ON small (a)",
            "ALTER TABLE big ALTER a TYPE bigint",
            "UPDATE small SET a = 1",
            "ALTER TABLE small DROP b",
        ];
        let held = |mode| {
            let impacts = impacts(mode, &all, &Live::default());
            impacts.iter().map(|i| (i.held, i.by, i.estimate_ms)).collect::<Vec<_>>()
        };
        use Work::{Build, Instant, Rewrite, Rows};
        let expected = [
            (Rewrite, Some(2), None),
            (Rewrite, Some(2), None),
            (Rewrite, None, None),
            (Rows, None, None),
            (Instant, None, Some(0)),
        ];
        assert_eq!(held("transaction"), expected);
        let alone = [
            (Instant, None, Some(0)),
            (Build, None, Some(100)),
            (Rewrite, None, Some(20_000)),
            (Rows, None, None),
            (Instant, None, Some(0)),
        ];
        assert_eq!(held("outside"), alone);
        assert!(held("batched").iter().all(|(held, by, _)| *held == Work::Batch && by.is_none()));
    }

    #[test]
    fn times_are_estimated_from_the_table_that_is_worked_on() {
        let time = |sql: &str| impacts("transaction", &[sql], &Live::default())[0].estimate_ms;
        assert_eq!(time("ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES big"), Some(20));
        assert_eq!(time("ALTER TABLE big ADD FOREIGN KEY (a) REFERENCES small"), Some(2000));
        assert_eq!(time("CREATE INDEX ON big (a)"), Some(10_000));
        assert_eq!(time("CREATE INDEX ON empty (a)"), Some(0));
        // rows that were never counted, and a table that is not there yet
        assert_eq!(time("CREATE INDEX ON new (a)"), None);
        assert_eq!(time("CREATE INDEX ON other (a)"), None);
        assert_eq!(time("DO 'BEGIN PERFORM f(); END'"), None);
    }

    #[test]
    fn a_statement_waits_for_held_locks_and_behind_the_queue() {
        let lock = |pid, mode, granted| TableLock {
            session: Session { pid, ..Session::default() },
            prepared: None,
            mode,
            granted,
        };
        let locks = vec![
            lock(1, LockMode::AccessShare, true),
            lock(2, LockMode::RowExclusive, true),
            lock(3, LockMode::Share, false),
        ];
        let live = Live { locks: [("small".to_owned(), locks)].into(), allow: Some(vec![Destructive::Irreversible]) };
        let pids = |locks: &[(QualifiedName, TableLock)]| locks.iter().map(|(_, l)| l.session.pid).collect::<Vec<_>>();
        let of = |mode, sql: &str| {
            let all = impacts(mode, &[sql], &live);
            (pids(&all[0].waits_for), pids(&all[0].waiting), all[0].refused.clone())
        };
        assert_eq!(of("transaction", "ALTER TABLE small ADD a int"), (vec![1, 2, 3], vec![3], vec![]));
        assert_eq!(of("transaction", "CREATE INDEX ON small (a)"), (vec![2], vec![3], vec![]));
        // it takes a weaker lock, and waits for all writers
        assert_eq!(of("outside", "CREATE INDEX CONCURRENTLY i ON small (a)"), (vec![2, 3], vec![3], vec![]));
        assert_eq!(of("transaction", "UPDATE small SET a = 1"), (vec![3], vec![3], vec![]));
        assert_eq!(of("transaction", "UPDATE big SET a = 1"), (vec![], vec![], vec![]));
        assert_eq!(of("transaction", "TRUNCATE big").2, [Destructive::LosesData]);
    }
}
