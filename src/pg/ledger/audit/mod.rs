//! Verifies the history: walks the chain of events again, and compares it with the other rows of the ledger.
//!
//! The query computes the hashes itself, because the function in the database could have been replaced. Events removed at
//! the end break no link: their runs and changesets, and the counter of the table, reveal them. The database cannot detect
//! that somebody recomputed all hashes after a row and everything that refers to it: only a hash that is stored elsewhere
//! ([`Anchor`]), or a signature by a key that is stored elsewhere ([`sign_head`]), reveals it.

mod problem;
mod signed;
mod walk;

use super::approvals;
use crate::base::name::quote_literal;
use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Ident, Operation, Setting, fill};
use crate::history::EventKind;
use crate::history::{History, approval};
use crate::ledger::chain::{DIGEST_UNTIL_3, hash_sql, kept_sql, recorded_sql};
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::connect::server::Server;
use crate::plan::signature::PublicKey;
use problem::UNREAD;
pub use problem::{AuditProblem, AuditProblemKind};
use schemars::JsonSchema;
use serde::Serialize;
pub use signed::sign_head;
use walk::{Link, Walk};

/// Events that are read at a time.
const PAGE: i64 = 5000;

/// So far the counter may be ahead of the last row without anybody's doing: the server writes
/// it ahead, and jumps after a crash (`SEQ_LOG_VALS`).
const AHEAD: i64 = 32;

/// The result of the check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// The number of events.
    pub events: i64,
    /// The number of the last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// The hash of the last event; stored elsewhere, it proves all events before it.
    pub head: String,
    /// The last event that is signed with the given key, with all events before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_to: Option<i64>,
    /// The detected changes.
    pub problems: Vec<AuditProblem>,
    /// Deviations that can be harmless.
    pub doubts: Vec<String>,
}

/// An event and its hash, as somebody kept them elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The number of the event.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seq, hash) = text.split_once(':').ok_or("it is not SEQ:HASH")?;
        let digits = hash.strip_prefix("e2:").unwrap_or(hash);
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("its hash is not 64 hexadecimal digits, with or without `e2:` in front".to_owned());
        }
        let seq = seq.parse().map_err(|_| "its number is none")?;
        Ok(Self { seq, hash: hash.to_owned() })
    }
}

/// What the history is compared with, beside itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept<'a> {
    /// Hashes that were kept elsewhere.
    pub anchors: &'a [Anchor],
    /// The key by which the ends of runs are signed.
    pub key: Option<&'a PublicKey>,
}

/// Walks the chain of a ledger. Reads everything, writes nothing.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn audit(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    history: &History,
    kept: Kept<'_>,
) -> Result<Audit, Failure> {
    if !server.has_ledger {
        return Ok(Audit::default());
    }
    in_snapshot(connection, look(connection, &ledger.sql(), history.version, kept)).await
}

/// One snapshot for all queries: a run may be adding events. They are large, and would take longer to
/// compile than to run.
async fn in_snapshot<T>(
    connection: &Connection,
    looking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let wrong = |e| error::query_failed(UNREAD, &e);
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off").await.map_err(wrong)?;
    let result = looking.await;
    connection.roll_back().await.map_err(wrong)?;
    result
}

async fn look(connection: &Connection, l: &str, version: u32, kept: Kept<'_>) -> Result<Audit, Failure> {
    let (mut walk, events) = chain(connection, l, kept).await?;
    let (last, head) = (walk.last.seq, walk.last.hash.clone());
    let mut wrong =
        format!("{} UNION ALL {}", changesets(l, "true"), fill(include_str!("records.sql"), &[("ledger", l)]));
    if version >= approval::SINCE {
        let has_event = approvals::has_event(l, version);
        let said = fill(include_str!("approvals.sql"), &[("ledger", l), ("hasEvent", &has_event)]);
        wrong = format!("{wrong} UNION ALL {said}");
    }
    for row in connection.query(UNREAD, &wrong).await? {
        walk.found(None, AuditProblemKind::Changed, row.get(0)?);
    }
    upgrade(connection, l, &mut walk).await?;
    let mut doubts = Vec::new();
    counter(connection, l, &mut walk, &mut doubts).await?;
    let signed_to = match version >= schema::CHAINED {
        true => signed::check(connection, l, kept.key, &mut walk, &mut doubts).await?,
        false => None,
    };
    walk.problems.sort_by_key(|p| p.seq.unwrap_or(i64::MAX));
    Ok(Audit { events, last: (last > 0).then_some(last), head, signed_to, problems: walk.problems, doubts })
}

/// The query for what does not fit of the changesets `c` for which the condition holds: of what is
/// there now and the last event, and of the events one after the other.
fn changesets(l: &str, only: &str) -> String {
    let (recorded, kept) = (recorded_sql(l), kept_sql(l, "c.id"));
    let values = [("ledger", l), ("recorded", &recorded), ("keptFor", &kept), ("only", only)];
    let parts = [include_str!("changesets.sql"), include_str!("trails.sql")];
    parts.map(|part| format!("SELECT * FROM ({}) x", fill(part, &values))).join(" UNION ALL ")
}

/// Refuses what was changed manually since it was recorded: nobody has seen its SQL.
///
/// # Errors
/// When something was, or the ledger cannot be read.
pub async fn check_recorded(connection: &Connection, ledger: &Ident, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = ids.iter().map(|id| quote_literal(id)).collect();
    let sql = changesets(&ledger.sql(), &format!("c.id IN ({})", list.join(", ")));
    let rows = in_snapshot(connection, connection.query(UNREAD, &sql)).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut failure =
        Failure::new(FailureKind::Drift, "the ledger was changed manually since it was written; nothing was run");
    for row in &rows {
        failure = failure.note(row.get::<String>(0)?);
    }
    Err(failure.help(
        "compare it with a backup, and find out who did it; if it is right as it is now, "
            + Operation::Clear.on(Argument::Open).with(Setting::AsRecorded).with(Setting::Reason.open())
            + " says so",
    ))
}

/// Walks along the events; gives how many there are.
async fn chain(connection: &Connection, l: &str, kept: Kept<'_>) -> Result<(Walk, i64), Failure> {
    let (mut walk, mut events) = (Walk::default(), 0);
    let mut anchors: Vec<&Anchor> = kept.anchors.iter().collect();
    loop {
        let sql = format!(
            "SELECT e.seq, e.hash, e.hash = ({follows}), e.hash = ({passes}) FROM (SELECT x.*, lag(hash, 1, {last}) OVER w AS \
             one, CASE row_number() OVER w WHEN 1 THEN {before} WHEN 2 THEN {last} ELSE lag(hash, 2) OVER w END AS two \
             FROM (SELECT * FROM {l}.event WHERE seq > {seq} ORDER BY seq LIMIT {PAGE}) x WINDOW w AS (ORDER BY seq)) e \
             ORDER BY e.seq",
            follows = hash_sql("e.one"),
            passes = hash_sql("e.two"),
            last = quote_literal(&walk.last.hash),
            before = quote_literal(&walk.before.hash),
            seq = walk.last.seq,
        );
        let rows = connection.query(UNREAD, &sql).await?;
        events += i64::try_from(rows.len()).unwrap_or(0);
        for row in &rows {
            let link = Link { seq: row.get(0)?, hash: row.get(1)?, follows: row.get(2)?, passes: row.get(3)? };
            if let Some(at) = anchors.iter().position(|a| a.seq == link.seq) {
                let anchor = anchors.remove(at);
                if anchor.hash != link.hash {
                    let message = format!(
                        "event {} has the hash {}, and had {} when it was kept",
                        link.seq, link.hash, anchor.hash
                    );
                    walk.found(Some(link.seq), AuditProblemKind::Changed, message);
                }
            }
            walk.step(link);
        }
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            break;
        }
    }
    for anchor in anchors {
        walk.found(
            Some(anchor.seq),
            AuditProblemKind::Removed,
            format!("event {}, whose hash was kept, is missing", anchor.seq),
        );
    }
    Ok((walk, events))
}

/// Events of the form before, whose hashes do not keep the borders of their parts, are as the
/// upgrade found them.
async fn upgrade(connection: &Connection, l: &str, walk: &mut Walk) -> Result<(), Failure> {
    let sql = format!(
        "SELECT u.seq FROM (SELECT seq, detail FROM {l}.event WHERE kind = '{}' ORDER BY seq LIMIT 1) u WHERE \
         u.detail ->> 'digest' <> (SELECT {DIGEST_UNTIL_3} FROM {l}.event e WHERE e.seq < u.seq)",
        EventKind::Upgraded.word()
    );
    if let Some(row) = connection.query(UNREAD, &sql).await?.first() {
        let seq: i64 = row.get(0)?;
        walk.found(
            None,
            AuditProblemKind::Changed,
            format!("an event before number {seq}, the upgrade of the ledger, was changed manually"),
        );
    }
    let sql = format!(
        "SELECT min(e.seq) FROM {l}.event e WHERE NOT starts_with(e.hash, 'e2:') AND EXISTS (SELECT FROM {l}.event b WHERE \
         b.seq < e.seq AND starts_with(b.hash, 'e2:'))"
    );
    if let Some(Some(seq)) =
        connection.query(UNREAD, &sql).await?.first().map(|row| row.get::<Option<i64>>(0)).transpose()?
    {
        walk.found(
            Some(seq),
            AuditProblemKind::Changed,
            format!("event {seq} has a hash of the form before the upgrade of the ledger"),
        );
    }
    Ok(())
}

/// Numbers that were given out and are not there.
async fn counter(connection: &Connection, l: &str, walk: &mut Walk, doubts: &mut Vec<String>) -> Result<(), Failure> {
    let sql = format!(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{}.event', 'seq')::regclass), 0), \
         EXISTS (SELECT FROM {l}.run WHERE status = 'running')",
        l.replace('\'', "''")
    );
    let rows = connection.query(UNREAD, &sql).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (counted, running): (i64, bool) = (row.get(0)?, row.get(1)?);
    let last = walk.last.seq;
    let message = format!("the counter of events is at {counted}, the last event is {last}");
    // a run takes numbers before it commits its rows
    if counted > last && !running {
        if counted - last > AHEAD || !walk.problems.is_empty() {
            walk.found(Some(last + 1), AuditProblemKind::Removed, format!("{message}: those after it were removed"));
        } else {
            doubts.push(format!("{message}: those after it were removed, or the server crashed since"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_number_and_a_hash() {
        let hash = "ab".repeat(32);
        assert_eq!(format!("7:e2:{hash}").parse(), Ok(Anchor { seq: 7, hash: format!("e2:{hash}") }));
        assert_eq!(format!("7:{hash}").parse::<Anchor>().unwrap().hash, hash);
        for wrong in ["", "7", "x:e2:00", &format!("x:{hash}"), "7:e2:zz"] {
            assert!(wrong.parse::<Anchor>().is_err(), "{wrong}");
        }
    }
}
