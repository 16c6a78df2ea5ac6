//! The chain of events, walked again: rows that were changed, removed or put in by hand.
//!
//! The hashes are computed here and not by the function in the database, which could have been
//! replaced. What was removed at the end breaks no link: it is missed by the runs and changesets
//! that it belonged to, and by the counter of the table. Who rewrites every hash after a row
//! and all that refers to it is not found out: keep the last hash elsewhere.

use super::approvals;
use super::connect::Connection;
use super::error;
use super::server::Server;
use crate::base::checksum::sha256_hex;
use crate::base::name::quote_literal;
use crate::base::{Failure, Ident};
use serde::Serialize;
use tokio_postgres::Row;

/// Events that are read at a time.
const PAGE: i64 = 5000;

/// So far the counter may be ahead of the last row without anybody's doing: the server writes
/// it ahead, and jumps after a crash (`SEQ_LOG_VALS`).
const AHEAD: i64 = 32;

/// What the walk came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// How many events there are.
    pub events: i64,
    /// The number of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// Its hash: whoever keeps it elsewhere can prove what was before it.
    pub head: String,
    /// What does not fit.
    pub problems: Vec<Problem>,
    /// What may be harmless.
    pub doubts: Vec<String>,
}

/// A place at which the history was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The event, or the first one that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// What was done to it.
    pub what: What,
    /// The same in words.
    pub message: String,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Its columns or its hash are not what they were.
    Changed,
    /// It is not there any more.
    Removed,
    /// It was not written by the ledger.
    Inserted,
}

/// An event as its hash sees it.
#[derive(Debug, Clone, Default)]
struct Link {
    seq: i64,
    /// Everything that is hashed after the hash before.
    content: String,
    hash: String,
}

impl Link {
    fn of(row: &Row) -> Self {
        let text = |at: usize| row.get::<_, Option<String>>(at);
        let seq: i64 = row.get(0);
        // as concat_ws: what is NULL is left out with its separator
        let parts =
            [Some(seq.to_string()), text(1), text(2), text(3), Some(text(4).unwrap_or_default()), text(5), text(6)];
        let content = parts.into_iter().flatten().collect::<Vec<_>>().join("|");
        Self { seq, content, hash: text(7).unwrap_or_default() }
    }

    fn follows(&self, hash: &str) -> bool {
        sha256_hex(format!("{hash}|{}", self.content).as_bytes()) == self.hash
    }
}

/// The walk: the last two links are enough.
#[derive(Debug, Default)]
struct Walk {
    before: Link,
    last: Link,
    problems: Vec<Problem>,
}

impl Walk {
    fn step(&mut self, link: Link) {
        let (before, last) = (&self.before, &self.last);
        if !link.follows(&last.hash) {
            // what was put in is passed over by the link after it
            if last.seq > 0 && link.follows(&before.hash) {
                self.problems.retain(|p| p.seq != Some(last.seq));
                self.found(Some(self.last.seq), What::Inserted, format!("event {} was put in by hand", self.last.seq));
            } else if link.seq > last.seq + 1 {
                let (from, to) = (last.seq + 1, link.seq - 1);
                let which = if from == to { format!("event {from} is") } else { format!("events {from} to {to} are") };
                let message = format!("{which} missing before event {}, or that one was changed by hand", link.seq);
                self.found(Some(from), What::Removed, message);
            } else {
                let message = format!("event {} was changed by hand", link.seq);
                self.found(Some(link.seq), What::Changed, message);
            }
        }
        self.before = std::mem::replace(&mut self.last, link);
    }

    fn found(&mut self, seq: Option<i64>, what: What, message: String) {
        self.problems.push(Problem { seq, what, message });
    }
}

/// Walks the chain of a ledger. Reads everything, writes nothing.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn audit(connection: &Connection, server: &Server, ledger: &Ident) -> Result<Audit, Failure> {
    if !server.has_ledger {
        return Ok(Audit::default());
    }
    // one snapshot: a run may be adding events
    let wrong = |e: tokio_postgres::Error| error::unanswered("cannot read the ledger", &e);
    connection.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(wrong)?;
    let result = walk(connection, &ledger.sql()).await;
    connection.client.batch_execute("ROLLBACK").await.map_err(wrong)?;
    result.map_err(wrong)
}

async fn walk(connection: &Connection, l: &str) -> Result<Audit, tokio_postgres::Error> {
    let (mut walk, mut events) = (Walk::default(), 0);
    loop {
        let sql = format!(
            "SELECT seq, extract(epoch FROM at)::text, run::text, kind, changeset, db_user, detail::text, hash \
             FROM {l}.event WHERE seq > {} ORDER BY seq LIMIT {PAGE}",
            walk.last.seq
        );
        let rows = connection.client.query_typed(&sql, &[]).await?;
        events += i64::try_from(rows.len()).unwrap_or(0);
        rows.iter().for_each(|row| walk.step(Link::of(row)));
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            break;
        }
    }
    let (last, head) = (walk.last.seq, walk.last.hash.clone());
    let mut missed = missed(l);
    let there = format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", quote_literal(&format!("{l}.approval")));
    if connection.client.query_typed(&there, &[]).await?.first().is_some_and(|row| row.get(0)) {
        missed.push_str(&unsaid(l));
    }
    for row in connection.client.query_typed(&missed, &[]).await? {
        let message: String = row.get(0);
        walk.found(None, What::Removed, message);
    }
    let sql = format!(
        "SELECT coalesce(pg_catalog.pg_sequence_last_value(pg_catalog.pg_get_serial_sequence('{}.event', 'seq')::regclass), 0), \
         EXISTS (SELECT FROM {l}.run WHERE status = 'running')",
        l.replace('\'', "''")
    );
    let mut doubts = Vec::new();
    if let Some(row) = connection.client.query_typed(&sql, &[]).await?.first() {
        let (counted, running): (i64, bool) = (row.get(0), row.get(1));
        let message = format!("the counter of events is at {counted}, the last event is {last}");
        // a run takes numbers before it commits its rows
        if counted > last && !running {
            if counted - last > AHEAD || !walk.problems.is_empty() {
                walk.found(Some(last + 1), What::Removed, format!("{message}: those after it were removed"));
            } else {
                doubts.push(format!("{message}: those after it were removed, or the server crashed since"));
            }
        }
    }
    walk.problems.sort_by_key(|p| p.seq.unwrap_or(i64::MAX));
    Ok(Audit { events, last: (last > 0).then_some(last), head, problems: walk.problems, doubts })
}

/// What must have left an event and has none.
fn missed(l: &str) -> String {
    // what was recorded under an earlier id has its events under that
    format!(
        "WITH RECURSIVE renamed AS (SELECT changeset AS id, detail ->> 'from' AS was FROM {l}.event WHERE kind = 'renamed'), \
         names AS (SELECT id, was FROM renamed UNION SELECT n.id, r.was FROM names n JOIN renamed r ON r.id = n.was), \
         told AS (SELECT run, kind, changeset FROM {l}.event UNION ALL SELECT e.run, e.kind, n.id FROM {l}.event e \
         JOIN names n ON n.was = e.changeset) \
         SELECT format('the event of the %s of run %s (%s) is missing', x.what, r.id, r.kind) FROM {l}.run r, \
         LATERAL (VALUES ('runStarted', 'beginning'), ('runFinished', 'end')) x (kind, what) \
         WHERE (x.kind = 'runStarted' OR r.status IN ('done', 'failed')) \
         AND NOT EXISTS (SELECT FROM {l}.event e WHERE e.run = r.id AND e.kind = x.kind) \
         UNION ALL SELECT format('the event by which `%s` became %s is missing', c.id, c.status) FROM {l}.changeset c \
         WHERE c.status IN ('applied', 'skipped', 'held', 'failed') AND NOT EXISTS (SELECT FROM told e \
         WHERE e.changeset = c.id AND e.run = c.run AND e.kind = CASE WHEN c.status IN ('skipped', 'held') THEN 'marked' \
         ELSE c.status END) AND NOT EXISTS (SELECT FROM told e WHERE e.changeset = c.id AND e.kind IN ('marked', \
         'restored', 'cleared') AND c.status = 'applied') \
         UNION ALL SELECT format('`%s` is recorded as applied, and its last event says that it was rolled back', c.id) \
         FROM {l}.changeset c WHERE c.status = 'applied' AND (SELECT e.kind FROM {l}.event e WHERE e.changeset = c.id \
         ORDER BY e.seq DESC LIMIT 1) = 'rolledBack'"
    )
}

/// Approvals without their event, and events without their approval.
fn unsaid(l: &str) -> String {
    format!(
        " UNION ALL SELECT format('approval %s (%s of %s) has no event of its own: it was put in or changed by hand', a.id, \
         a.verdict, a.db_user) FROM {l}.approval a WHERE NOT {} \
         UNION ALL SELECT format('approval %s, of which event %s tells, is missing', e.detail ->> 'approval', e.seq) \
         FROM {l}.event e WHERE e.kind IN ('approved', 'rejected') AND NOT EXISTS (SELECT FROM {l}.approval a \
         WHERE a.id::text = e.detail ->> 'approval' AND a.digest = e.detail ->> 'plan')",
        approvals::has_event(l)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(contents: &[(i64, &str)]) -> Vec<Link> {
        let mut hash = String::new();
        contents
            .iter()
            .map(|(seq, content)| {
                hash = sha256_hex(format!("{hash}|{content}").as_bytes());
                Link { seq: *seq, content: (*content).to_owned(), hash: hash.clone() }
            })
            .collect()
    }

    fn found(links: Vec<Link>) -> Vec<(Option<i64>, What)> {
        let mut walk = Walk::default();
        links.into_iter().for_each(|link| walk.step(link));
        walk.problems.iter().map(|p| (p.seq, p.what)).collect()
    }

    #[test]
    fn each_kind_of_change_is_told_apart() {
        // numbers that a failed transaction took are no gap
        let good = || chain(&[(1, "a"), (2, "b"), (5, "c"), (6, "d"), (7, "e")]);
        assert_eq!(found(good()), []);
        let mut changed = good();
        changed[2].content = "x".to_owned();
        changed[2].seq = 3;
        assert_eq!(found(changed), [(Some(3), What::Changed)]);
        let mut removed = good();
        removed.remove(3);
        assert_eq!(found(removed), [(Some(6), What::Removed)]);
        let mut first = good();
        first.remove(0);
        assert_eq!(found(first), [(Some(1), What::Removed)]);
        // with any hash, and with the one that the trigger would have made
        for hash in ["x".to_owned(), sha256_hex(format!("{}|y", good()[1].hash).as_bytes())] {
            let mut inserted = good();
            inserted.insert(2, Link { seq: 3, content: "y".to_owned(), hash });
            assert_eq!(found(inserted), [(Some(3), What::Inserted)]);
        }
    }
}
