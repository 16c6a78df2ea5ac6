//! Who is in the way when a lock cannot be had.

use super::script::Mark;
use super::wire::Fault;
use super::worker::Worker;
use crate::base::QualifiedName;
use crate::base::name::quote_literal;
use crate::pg::query::relation;
use crate::sql::{Facts, LockMode};

impl Worker<'_, '_> {
    /// Why a fault happened, with the holders of the lock where it was one.
    pub(super) async fn blame(&mut self, fault: &Fault) -> String {
        let blockers = self.blockers(fault).await;
        if blockers.is_empty() {
            fault.failure.message.clone()
        } else {
            format!("{}; held by {}", fault.failure.message, blockers.join("; "))
        }
    }

    /// Who holds locks that kept a statement from its own, and how many wait behind them.
    pub(super) async fn blockers(&mut self, fault: &Fault) -> Vec<String> {
        if fault.failure.sqlstate != "55P03" {
            return Vec::new();
        }
        let wanted = self.wanted(fault.mark);
        if wanted.is_empty() {
            return Vec::new();
        }
        let sql = holders_sql(&wanted, &self.writer.author_path);
        let rows = self.connection.texts(&sql).await.unwrap_or_default();
        rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
    }

    /// The locks that were wanted at this place.
    fn wanted(&self, mark: Mark) -> Vec<(QualifiedName, LockMode)> {
        let segment = |step: usize, no: usize| self.plan.steps.get(step).and_then(|s| s.segments.get(no));
        let mut all = Facts::default();
        match mark {
            Mark::Statement(step, no, at) => {
                return segment(step, no)
                    .and_then(|s| s.statements.get(at))
                    .map(|s| s.facts.locks.clone())
                    .unwrap_or_default();
            }
            Mark::Locks(step, no) => {
                for (name, mode) in segment(step, no).iter().flat_map(|s| &s.statements).flat_map(|s| &s.facts.locks) {
                    all.lock(name.clone(), *mode);
                }
            }
            _ => {}
        }
        all.locks
    }
}

/// The statement of the session `a` after a colon, cut short, without its constants: they may
/// be anybody's data.
pub(super) const QUERY: &str = r"coalesce(': ' || nullif(left(regexp_replace(regexp_replace(a.query, '''([^'']|'''')*''', '''…''', 'g'), '\s+', ' ', 'g'), 80), ''), '')";

/// One line for each session that holds a lock in the way: process, user, application, state,
/// age, its statement without its constants, and the queue on the same tables.
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
         SELECT format('pid %s (user %s, application %s, %s for %s%s)', a.pid, a.usename, \
         coalesce(nullif(a.application_name, ''), '-'), a.state, \
         date_trunc('second', clock_timestamp() - coalesce(a.xact_start, a.backend_start)), \
         {QUERY}) || CASE WHEN queue.n > 0 THEN format(', %s waiting behind', queue.n) ELSE '' END \
         FROM pg_locks l JOIN tables t USING (relation) JOIN pg_stat_activity a USING (pid) CROSS JOIN queue \
         WHERE l.granted AND l.mode = ANY (t.modes) AND a.pid <> pg_backend_pid() GROUP BY a.pid, a.usename, \
         a.application_name, a.state, a.xact_start, a.backend_start, a.query, queue.n ORDER BY a.xact_start, a.pid",
        rows.join(", ")
    )
}
