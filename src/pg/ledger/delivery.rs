//! How far the events of a ledger are delivered to webhooks. Several instances of a service share this: the one that has
//! the lease of a hook delivers its next event.

use super::read::WHO;
use crate::base::name::quote_literal;
use crate::base::{Failure, HumanDuration, Ident};
use crate::pg::connect::Connection;
use crate::pg::connect::query::{Row, millis};
use serde_json::Value;

/// For how long an instance has the next event of a hook; longer than it tries to send it.
const LEASE: u64 = 60;

/// After how long an event is given up, in seconds.
const LONGEST: u64 = 24 * 60 * 60;

/// How many events that a hook is not told are passed over before its row is written.
const STRIDE: i64 = 1000;

/// An event that is to be delivered.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its number.
    pub seq: i64,
    /// The last number before it that is done for the hook.
    pub after: i64,
    /// How often it was tried in vain.
    pub tries: u32,
    /// The id of the ledger.
    pub ledger: String,
    /// The kind of the event.
    pub kind: String,
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub by: Option<String>,
    /// The run, and what kind of run it is.
    pub run: Option<String>,
    /// The kind of the run.
    pub run_kind: Option<String>,
    /// The request that asked a service for the run.
    pub request: Option<String>,
    /// Further data of the event.
    pub detail: Value,
    /// The first changeset of the run that failed.
    pub failed: Option<String>,
    /// The error.
    pub error: Option<Value>,
}

/// Whether the ledger has it: it came with version 8.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn is_there(connection: &Connection, ledger: &Ident) -> Result<bool, Failure> {
    let name = quote_literal(&format!("{}.delivery", ledger.sql()));
    let sql = format!("SELECT pg_catalog.to_regclass({name}) IS NOT NULL");
    let rows = connection.query(READ, &sql).await?;
    rows.first().map_or(Ok(false), |row| row.get(0))
}

/// The number of the last event.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn newest(connection: &Connection, ledger: &Ident) -> Result<i64, Failure> {
    let sql = format!("SELECT coalesce(max(seq), 0) FROM {}.event", ledger.sql());
    let rows = connection.query("cannot read the ledger", &sql).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}

/// Takes the next event for a hook, if there is one, it is time for it, and no other instance has it. A hook that is new
/// begins after `start`. `kinds` are the kinds of events that it is told, `statuses` those of ended runs.
///
/// # Errors
/// When the ledger cannot be read or written.
pub async fn take(
    connection: &Connection,
    ledger: &Ident,
    (hook, instance): (&str, &str),
    (kinds, statuses): (&[&str], &[&str]),
    start: i64,
) -> Result<Option<Letter>, Failure> {
    let (l, name) = (ledger.sql(), quote_literal(hook));
    let list = |words: &[&str]| words.iter().map(|word| quote_literal(word)).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT d.seq, (SELECT coalesce(max(seq), 0) FROM {l}.event), d.next_at <= clock_timestamp() AND \
         coalesce(d.leased_until, '-infinity') < clock_timestamp() FROM {l}.delivery d WHERE d.hook = {name}"
    );
    let rows = connection.query(READ, &sql).await?;
    let Some(row) = rows.first() else {
        let sql =
            format!("INSERT INTO {l}.delivery (hook, seq) VALUES ({name}, {start}) ON CONFLICT (hook) DO NOTHING");
        connection.query(WRITE, &format!("{sql} RETURNING hook")).await?;
        return Box::pin(take(connection, ledger, (hook, instance), (kinds, statuses), start)).await;
    };
    let (after, newest): (i64, i64) = (row.get(0)?, row.get(1)?);
    if !row.get::<bool>(2)? || newest <= after {
        return Ok(None);
    }
    let (kinds, statuses) = (list(kinds), list(statuses));
    let is_told = format!(
        "e.kind IN ({kinds}) AND (e.kind <> 'runFinished' OR coalesce(e.detail ->> 'status', '') IN ({}))",
        if statuses.is_empty() { "NULL".to_owned() } else { statuses }
    );
    let sql = format!(
        "SELECT e.seq, e.kind, {at}, {WHO}, e.run::text, r.kind, coalesce(s.detail -> 'origin', e.detail -> 'origin') ->> 'request', \
         e.detail::text, f.changeset, f.error::text, (SELECT value FROM {l}.meta WHERE key = 'installation') \
         FROM {l}.event e LEFT JOIN {l}.run r ON r.id = e.run \
         LEFT JOIN LATERAL (SELECT b.detail FROM {l}.event b WHERE b.run = e.run AND b.kind = 'runStarted' LIMIT 1) s ON true \
         LEFT JOIN LATERAL (SELECT b.changeset, b.detail AS error FROM {l}.event b WHERE b.run = e.run AND b.kind IN \
         ('failed', 'rollbackFailed') ORDER BY b.seq LIMIT 1) f ON true \
         WHERE e.seq > {after} AND {is_told} ORDER BY e.seq LIMIT 1",
        at = millis("e.at")
    );
    let rows = connection.query(READ, &sql).await?;
    let Some(row) = rows.first() else {
        if newest - after > STRIDE {
            let sql = format!(
                "UPDATE {l}.delivery SET seq = {newest}, tries = 0, tried_since = NULL WHERE hook = {name} AND seq = {after} \
                 AND coalesce(leased_until, '-infinity') < clock_timestamp() RETURNING hook"
            );
            connection.query(WRITE, &sql).await?;
        }
        return Ok(None);
    };
    let mut letter = letter(row, after)?;
    let sql = format!(
        "UPDATE {l}.delivery SET leased_until = clock_timestamp() + interval '{LEASE} s', leased_by = {instance} \
         WHERE hook = {name} AND seq = {after} AND next_at <= clock_timestamp() \
         AND coalesce(leased_until, '-infinity') < clock_timestamp() RETURNING tries",
        instance = quote_literal(instance)
    );
    let rows = connection.query(WRITE, &sql).await?;
    // none: another instance was faster
    let Some(row) = rows.first() else { return Ok(None) };
    letter.tries = u32::try_from(row.get::<i32>(0)?).unwrap_or(0);
    Ok(Some(letter))
}

fn letter(row: &Row, after: i64) -> Result<Letter, Failure> {
    let value = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok());
    Ok(Letter {
        seq: row.get(0)?,
        after,
        tries: 0,
        kind: row.get(1)?,
        at: row.get(2)?,
        by: row.get(3)?,
        run: row.get(4)?,
        run_kind: row.get(5)?,
        request: row.get(6)?,
        detail: value(row.get(7)?).unwrap_or_default(),
        failed: row.get(8)?,
        error: value(row.get(9)?),
        ledger: row.get::<Option<String>>(10)?.unwrap_or_default(),
    })
}

/// An event was delivered.
///
/// # Errors
/// When the ledger cannot be written: then it may be delivered again.
pub async fn delivered(
    connection: &Connection,
    ledger: &Ident,
    (hook, instance): (&str, &str),
    letter: &Letter,
) -> Result<(), Failure> {
    let done =
        format!("seq = {}, tries = 0, tried_since = NULL, next_at = clock_timestamp(), last_error = NULL", letter.seq);
    update(connection, ledger, (hook, instance), letter, &done).await.map(drop)
}

/// An event was not delivered: it is tried again after this time, unless that goes on for too long. Whether it is given up.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn failed(
    connection: &Connection,
    ledger: &Ident,
    (hook, instance): (&str, &str),
    letter: &Letter,
    (again, why): (HumanDuration, &str),
) -> Result<bool, Failure> {
    let (seq, again) = (letter.seq, again.millis);
    let is_old = format!("tried_since <= clock_timestamp() - interval '{LONGEST} s'");
    let why: String = why.chars().take(1000).collect();
    let set = format!(
        "seq = CASE WHEN {is_old} THEN {seq} ELSE seq END, given_up = given_up + CASE WHEN {is_old} THEN 1 ELSE 0 END, \
         tries = CASE WHEN {is_old} THEN 0 ELSE tries + 1 END, \
         tried_since = CASE WHEN {is_old} THEN NULL ELSE coalesce(tried_since, clock_timestamp()) END, \
         next_at = clock_timestamp() + CASE WHEN {is_old} THEN interval '0' ELSE interval '{again} ms' END, last_error = {}",
        quote_literal(&why)
    );
    Ok(update(connection, ledger, (hook, instance), letter, &set).await? == Some(seq))
}

/// Writes the row of a hook and ends the lease; the number that it has then, unless another instance has the lease by now.
async fn update(
    connection: &Connection,
    ledger: &Ident,
    (hook, instance): (&str, &str),
    letter: &Letter,
    set: &str,
) -> Result<Option<i64>, Failure> {
    let sql = format!(
        "UPDATE {}.delivery SET {set}, leased_until = NULL, leased_by = NULL WHERE hook = {} AND leased_by = {} AND seq = {} \
         RETURNING seq",
        ledger.sql(),
        quote_literal(hook),
        quote_literal(instance),
        letter.after
    );
    let rows = connection.query(WRITE, &sql).await?;
    rows.first().map(|row| row.get(0)).transpose()
}

const READ: &str = "cannot read how far the events are delivered";
const WRITE: &str = "cannot write how far the events are delivered";
