//! The ledger's rows to values. Reads never write: without a ledger the history is empty.

use super::connect::Connection;
use super::error;
use super::server::Server;
use crate::base::name::quote_literal;
use crate::base::{Failure, Ident, Kind, Span};
use crate::ledger::{History, Recorded, SegmentState, Status, schema};
use crate::plan::rollback::{Stored, StoredForward};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads the history: one round trip.
///
/// # Errors
/// When the ledger cannot be read, or was written by a newer dagmar.
pub async fn history(connection: &Connection, server: &Server, ledger: &Ident) -> Result<History, Failure> {
    if !server.has_ledger {
        return Ok(History::default());
    }
    let l = ledger.sql();
    let sql = format!(
        "SELECT (SELECT value::int8 FROM {l}.meta WHERE key = 'version'), \
         (extract(epoch FROM clock_timestamp()) * 1000)::int8, c.id, c.status, c.ordinal, c.checksum, c.digest, \
         c.description, c.repeatable, (SELECT count(*) FROM {l}.superseded s WHERE s.changeset = c.id), c.run::text, \
         (extract(epoch FROM c.applied_at) * 1000)::int8, c.applied_by, c.duration_ms, c.reason, c.error ->> 'message', \
         r.needs, s.segments::text \
         FROM (SELECT 1) one LEFT JOIN {l}.changeset c ON true \
         LEFT JOIN (SELECT changeset, array_agg(needs ORDER BY needs) AS needs FROM {l}.requires GROUP BY 1) r \
         ON r.changeset = c.id \
         LEFT JOIN (SELECT changeset, jsonb_agg(jsonb_build_object('direction', direction, 'no', no, 'done', \
         status = 'done', 'rows', rows, 'cursor', cursor) ORDER BY direction, no) AS segments FROM {l}.segment GROUP BY 1) s \
         ON s.changeset = c.id ORDER BY c.ordinal"
    );
    let rows =
        connection.client.query_typed(&sql, &[]).await.map_err(|e| error::unanswered("cannot read the ledger", &e))?;
    let mut history = History::default();
    for row in rows {
        let version: i64 = row.get(0);
        history.version = u32::try_from(version).unwrap_or(u32::MAX);
        history.now = row.get(1);
        let Some(id) = row.get::<_, Option<String>>(2) else { continue };
        let word: String = row.get(3);
        let status = Status::from_word(&word).ok_or_else(|| damaged(&id, &format!("its status is `{word}`")))?;
        let segments: Option<String> = row.get(17);
        let segments: Vec<SegmentState> = match segments {
            Some(text) => serde_json::from_str(&text).map_err(|e| damaged(&id, &e.to_string()))?,
            None => Vec::new(),
        };
        let recorded = Recorded {
            status,
            ordinal: row.get(4),
            checksum: row.get(5),
            digest: row.get(6),
            description: row.get(7),
            repeatable: row.get(8),
            versions: u32::try_from(row.get::<_, i64>(9)).unwrap_or(u32::MAX),
            run: row.get(10),
            applied_at: row.get(11),
            applied_by: row.get(12),
            duration: row.get::<_, Option<i64>>(13).map(|ms| Span::millis(u64::try_from(ms).unwrap_or(0))),
            reason: row.get(14),
            error: row.get(15),
            requires: row.get::<_, Option<Vec<String>>>(16).unwrap_or_default(),
            segments,
        };
        history.changesets.insert(id, recorded);
    }
    if history.version > schema::VERSION {
        return Err(Failure::new(
            Kind::Database,
            format!(
                "the ledger in `{ledger}` has version {}; this dagmar knows versions up to {}",
                history.version,
                schema::VERSION
            ),
        )
        .help("use the version of dagmar that wrote it, or a later one"));
    }
    Ok(history)
}

fn damaged(id: &str, why: &str) -> Failure {
    Failure::new(Kind::Database, format!("the ledger's row of `{id}` cannot be read: {why}"))
        .help("it was changed by hand; `dagmar history` shows what was recorded")
}

/// Reads the texts of these changesets.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn stored(
    connection: &Connection,
    ledger: &Ident,
    ids: &[String],
) -> Result<BTreeMap<String, Stored>, Failure> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let l = ledger.sql();
    let list: Vec<String> = ids.iter().map(|id| quote_literal(id)).collect();
    let sql = format!(
        "SELECT c.id, c.file, c.author, c.labels, c.body::text, c.forward::text, c.rollback::text, \
         (SELECT s.content -> 'forward' FROM {l}.superseded s WHERE s.changeset = c.id ORDER BY s.version DESC \
         LIMIT 1)::text FROM {l}.changeset c WHERE c.id IN ({})",
        list.join(", ")
    );
    let rows =
        connection.client.query_typed(&sql, &[]).await.map_err(|e| error::unanswered("cannot read the ledger", &e))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let id: String = row.get(0);
        let wrong = |e: serde_json::Error| damaged(&id, &e.to_string());
        let previous: Option<String> = row.get(7);
        let stored = Stored {
            file: row.get(1),
            author: row.get(2),
            labels: row.get(3),
            body: serde_json::from_str::<Value>(row.get(4)).map_err(wrong)?,
            forward: serde_json::from_str::<StoredForward>(row.get(5)).map_err(wrong)?,
            rollback: serde_json::from_str(row.get(6)).map_err(wrong)?,
            previous: previous.as_deref().map(serde_json::from_str).transpose().map_err(wrong)?,
        };
        found.insert(id, stored);
    }
    Ok(found)
}

/// One event of the ledger.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEvent {
    /// Its number.
    pub seq: i64,
    /// When, in milliseconds since 1970.
    #[serde(skip)]
    pub at_millis: i64,
    /// When, as RFC 3339.
    pub at: String,
    /// What.
    pub kind: String,
    /// The changeset that it is about.
    pub changeset: Option<String>,
    /// The database role.
    pub db_user: String,
    /// The operating system's user and the host of the run.
    pub by: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// The environment of the run.
    pub environment: Option<String>,
    /// The rest.
    pub detail: Value,
}

/// The latest events, oldest first; of one changeset where one is named.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn events(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    changeset: Option<&str>,
    limit: u32,
) -> Result<Vec<LedgerEvent>, Failure> {
    if !server.has_ledger {
        return Ok(Vec::new());
    }
    let l = ledger.sql();
    let only = changeset.map_or(String::new(), |id| format!("WHERE e.changeset = {}", quote_literal(id)));
    let sql = format!(
        "SELECT * FROM (SELECT e.seq, (extract(epoch FROM e.at) * 1000)::int8, e.kind, e.changeset, e.db_user, \
         r.os_user || '@' || r.host, e.run::text, r.environment, e.detail::text FROM {l}.event e LEFT JOIN {l}.run r \
         ON r.id = e.run {only} ORDER BY e.seq DESC LIMIT {limit}) x ORDER BY 1"
    );
    let rows =
        connection.client.query_typed(&sql, &[]).await.map_err(|e| error::unanswered("cannot read the ledger", &e))?;
    Ok(rows
        .into_iter()
        .map(|row| LedgerEvent {
            seq: row.get(0),
            at_millis: row.get(1),
            at: crate::base::time::rfc3339(row.get(1)),
            kind: row.get(2),
            changeset: row.get(3),
            db_user: row.get(4),
            by: row.get(5),
            run: row.get(6),
            environment: row.get(7),
            detail: serde_json::from_str(row.get(8)).unwrap_or_default(),
        })
        .collect())
}
