//! Who is in the way when a lock cannot be had.

use super::fault::StatementError;
use super::worker::Worker;
use crate::base::QualifiedName;
use crate::base::name::quote_literal;
use crate::exec::StatementTag;
use crate::pg::connect::query::{Texts, relation};
use crate::sql::{self, Facts, LockMode};
use serde_json::Value;

/// Characters of a statement that are shown.
const SHOWN: usize = 80;

/// A session that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blocker {
    /// Process, user, application, state and age.
    pub who: String,
    /// Its statement without constants and comments, cut short: they may be anybody's data.
    statement: String,
    /// How many sessions wait behind it, in words.
    behind: String,
}

impl Blocker {
    /// Of what [`WHO`] and [`holders_sql`] answer.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        Some(Self {
            who: text("who")?.to_owned(),
            statement: sql::shape(text("query").unwrap_or_default(), SHOWN),
            behind: match value.get("behind").and_then(Value::as_i64) {
                None | Some(0) => String::new(),
                Some(n) => format!(", {n} waiting behind"),
            },
        })
    }

    /// The process.
    pub(super) fn pid(&self) -> Option<&str> {
        self.who.split(' ').nth(1)
    }
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let colon = if self.statement.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}){}", self.who.strip_suffix(')').unwrap_or(&self.who), self.statement, self.behind)
    }
}

impl Worker<'_, '_> {
    /// Why a fault happened, with the holders of the lock where it was one.
    pub(super) async fn describe_blockers(&mut self, fault: &StatementError) -> String {
        let blockers = self.blockers(fault).await;
        if blockers.is_empty() {
            fault.failure.message.clone()
        } else {
            let blockers: Vec<String> = blockers.iter().map(Blocker::to_string).collect();
            format!("{}; held by {}", fault.failure.message, blockers.join("; "))
        }
    }

    /// Who holds locks that kept a statement from its own, and how many wait behind them.
    pub(super) async fn blockers(&mut self, fault: &StatementError) -> Vec<Blocker> {
        if fault.failure.sqlstate != "55P03" {
            return Vec::new();
        }
        let wanted = self.wanted(fault.mark);
        if wanted.is_empty() {
            return Vec::new();
        }
        let sql = holders_sql(&wanted, &self.shared.author_path);
        let rows = self.connection.texts(&sql).await.unwrap_or_default();
        let value = |row: Texts| serde_json::from_str(row.into_iter().next()??.as_str()).ok();
        rows.into_iter().filter_map(value).filter_map(|value| Blocker::of(&value)).collect()
    }

    /// The locks that were wanted at this place.
    fn wanted(&self, mark: StatementTag) -> Vec<(QualifiedName, LockMode)> {
        let segment = |step: usize, no: usize| self.plan.steps.get(step).and_then(|s| s.segments.get(no));
        let mut all = Facts::default();
        match mark {
            StatementTag::Statement(step, no, at) => {
                return segment(step, no)
                    .and_then(|s| s.statements.get(at))
                    .map(|s| s.facts.locks.clone())
                    .unwrap_or_default();
            }
            StatementTag::Locks(step, no) => {
                for (name, mode) in segment(step, no).iter().flat_map(|s| &s.statements).flat_map(|s| &s.facts.locks) {
                    all.lock(name.clone(), *mode);
                }
            }
            _ => {}
        }
        all.locks
    }
}

/// Who the session `a` is: process, user, application, state and age.
pub(super) const WHO: &str = "pg_catalog.format('pid %s (user %s, application %s, %s for %s)', a.pid, a.usename, \
    coalesce(nullif(a.application_name, ''), '-'), a.state, pg_catalog.date_trunc('second', \
    pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start)))";

/// One value for each session that holds a lock in the way: who it is, its statement, and the
/// queue on the same tables.
fn holders_sql(wanted: &[(QualifiedName, LockMode)], author_path: &str) -> String {
    let rows: Vec<String> = wanted
        .iter()
        .map(|(table, mode)| {
            let modes: Vec<String> = LockMode::ALL
                .iter()
                .filter(|other| mode.conflicts(**other))
                .map(|other| quote_literal(other.in_pg_locks()))
                .collect();
            format!("({}, ARRAY[{}])", relation(author_path, &table.sql()), modes.join(", "))
        })
        .collect();
    format!(
        "WITH wanted (relation, modes) AS (VALUES {}),
         -- an index stands for its table
         tables AS (SELECT coalesce(i.indrelid, w.relation) AS relation, w.modes FROM wanted w LEFT JOIN pg_index i ON \
         i.indexrelid = w.relation),
         queue AS (SELECT count(DISTINCT l.pid) AS n FROM pg_locks l JOIN tables t USING (relation) WHERE NOT l.granted)
         SELECT pg_catalog.jsonb_build_object('who', {WHO}, 'query', a.query, 'behind', queue.n) \
         FROM pg_locks l JOIN tables t USING (relation) JOIN pg_stat_activity a USING (pid) CROSS JOIN queue \
         WHERE l.granted AND l.mode = ANY (t.modes) AND a.pid <> pg_backend_pid() GROUP BY a.pid, a.usename, \
         a.application_name, a.state, a.xact_start, a.backend_start, a.query, queue.n ORDER BY a.xact_start, a.pid",
        rows.join(", ")
    )
}
