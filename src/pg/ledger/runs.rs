//! The runs of a ledger, and the events of one of them.

use super::unfinished;
use crate::base::name::quote_literal;
use crate::base::time::rfc3339_millis;
use crate::base::{Failure, Ident, Origin};
use crate::history::RunKind;
use crate::pg::connect::Connection;
use crate::pg::connect::query::{Row, millis};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// How far a run of a ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedPhase {
    /// It holds the lock; on a server that cannot tell: it has not recorded its end.
    Running,
    /// All of it is done.
    Done,
    /// A step failed.
    Failed,
    /// It was stopped.
    Interrupted,
    /// It was killed or disconnected.
    Terminated,
}

/// A run of a ledger.
#[derive(Debug, Clone)]
pub struct RecordedRun {
    /// Its id.
    pub run: String,
    /// What it does; absent: a later version of dagmar knows.
    pub kind: Option<RunKind>,
    /// How far it is.
    pub phase: RecordedPhase,
    /// Who started it, and where.
    pub by: String,
    /// The address of the client.
    pub from: Option<String>,
    /// The request that asked a service for it.
    pub origin: Option<Origin>,
    /// How many steps it has.
    pub steps: u64,
    /// The start, in milliseconds since 1970.
    pub started_at: i64,
    /// The end.
    pub finished_at: Option<i64>,
    /// What was recorded at its end.
    pub message: Option<String>,
    /// The number of changesets that are done.
    pub done: u64,
    /// Their ids, in order; only where one run is asked for.
    pub changesets: Vec<String>,
    /// Where the page after this run begins.
    pub cursor: i64,
}

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of this kind.
    pub kind: Option<RunKind>,
    /// As far as this.
    pub phase: Option<RecordedPhase>,
    /// Those that started before this one.
    pub before: Option<i64>,
    /// At most so many, the latest.
    pub limit: u32,
}

/// By what one run is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunName {
    /// Its id, or that of the request that asked for it.
    Id(String),
    /// The digest of the key of that request, which came in the last 24 hours.
    Key(String),
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordedEvent {
    /// Its number in the ledger.
    #[serde(skip)]
    pub seq: i64,
    /// The time, as RFC 3339 in UTC with milliseconds, by the clock of the server.
    pub at: String,
    /// The kind, as in the history.
    pub event: String,
    /// The changeset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changeset: Option<String>,
    /// Further data.
    pub detail: Value,
}

impl RecordedPhase {
    /// Every phase with its word.
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Running, "running"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Interrupted, "interrupted"),
        (Self::Terminated, "terminated"),
    ];

    /// The word for JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(phase, _)| *phase == self).map_or("", |(_, word)| word)
    }

    /// The phase of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, own)| *own == word).map(|(phase, _)| *phase)
    }
}

/// The kinds of events by which a changeset of a run is done.
const DONE: &str = "'applied', 'rolledBack', 'restored', 'marked', 'cleared'";

/// The query for runs, as `x`, from the rows `r` that meet a condition.
fn query(ledger: &Ident, condition: &str, changesets: &str) -> String {
    let l = ledger.sql();
    format!(
        "SELECT * FROM (SELECT r.id::text AS run, r.kind, coalesce({liveness}, r.status) AS phase, coalesce(s.detail ->> 'by', \
         r.os_user || '@' || r.host, r.db_user) AS by, coalesce(s.detail ->> 'from', host(r.client_addr)) AS address, \
         (s.detail -> 'origin')::text AS origin, r.steps::int8 AS steps, {started} AS started, {finished} AS finished, r.message, \
         (SELECT count(*) FROM {l}.event d WHERE d.run = r.id AND d.kind IN ({DONE})) AS done, {changesets} AS changesets, \
         (extract(epoch FROM r.started_at) * 1000000)::int8 AS cursor, r.started_at AS at FROM {l}.run r LEFT JOIN LATERAL (SELECT b.detail FROM \
         {l}.event b WHERE b.run = r.id AND b.kind = 'runStarted' LIMIT 1) s ON true {condition}) x",
        liveness = unfinished::liveness(ledger),
        started = millis("r.started_at"),
        finished = millis("r.finished_at"),
    )
}

/// The latest runs that fit, the latest first. Of one that lost its connection and went on, the last part.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn runs(connection: &Connection, ledger: &Ident, filter: &RunFilter) -> Result<Vec<RecordedRun>, Failure> {
    let l = ledger.sql();
    // a run that connected again is the next one of the same request
    let last = format!(
        "WHERE NOT EXISTS (SELECT FROM (SELECT n.id FROM {l}.run n WHERE n.started_at > r.started_at ORDER BY n.started_at LIMIT 1) n \
         JOIN {l}.event e ON e.run = n.id AND e.kind = 'runStarted' AND e.detail -> 'origin' ->> 'request' = s.detail -> 'origin' \
         ->> 'request')"
    );
    let conditions = [
        filter.kind.map(|kind| format!("kind = {}", quote_literal(kind.word()))),
        filter.phase.map(|phase| format!("phase = {}", quote_literal(phase.word()))),
        filter.before.map(|before| format!("at < timestamptz 'epoch' + {before} * interval '1 microsecond'")),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    let only = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let sql = format!("{} {only} ORDER BY at DESC LIMIT {}", query(ledger, &last, "NULL::text[]"), filter.limit);
    let rows = connection.query("cannot read the ledger", &sql).await?;
    rows.iter().map(recorded).collect()
}

/// All parts of a run, the first one first; none: there is no such run.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn parts(connection: &Connection, ledger: &Ident, name: &RunName) -> Result<Vec<RecordedRun>, Failure> {
    let l = ledger.sql();
    let condition = match name {
        RunName::Id(id) => {
            let request = "e.kind = 'runStarted' AND e.detail -> 'origin' ->> 'request'";
            let of_request = format!("SELECT e.run FROM {l}.event e WHERE {request} = {}", quote_literal(id));
            let of_run = is_uuid(id).then(|| {
                format!(
                    " UNION ALL SELECT '{id}'::uuid UNION ALL SELECT e.run FROM {l}.event e JOIN {l}.event o ON o.run = '{id}'::uuid \
                     AND o.kind = 'runStarted' WHERE {request} = o.detail -> 'origin' ->> 'request'"
                )
            });
            format!("WHERE r.id IN ({of_request}{})", of_run.unwrap_or_default())
        }
        RunName::Key(key) => format!(
            "WHERE r.started_at > clock_timestamp() - interval '24 hours' AND s.detail -> 'origin' ->> 'key' = {}",
            quote_literal(key)
        ),
    };
    let changesets = format!(
        "(SELECT array_agg(d.changeset ORDER BY d.seq) FROM {l}.event d WHERE d.run = r.id AND d.kind IN ({DONE}) AND d.changeset \
         IS NOT NULL)"
    );
    let sql = format!("{} ORDER BY at", query(ledger, &condition, &changesets));
    let rows = connection.query("cannot read the ledger", &sql).await?;
    rows.iter().map(recorded).collect()
}

/// Whether a text is the id of a run, as the server writes it.
fn is_uuid(text: &str) -> bool {
    let is_fit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_fit)
}

fn recorded(row: &Row) -> Result<RecordedRun, Failure> {
    let number = |at: usize| row.get::<i64>(at).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(RecordedRun {
        run: row.get(0)?,
        kind: RunKind::from_word(row.get(1)?),
        phase: RecordedPhase::of(row.get(2)?).unwrap_or(RecordedPhase::Interrupted),
        by: row.get(3)?,
        from: row.get(4)?,
        origin: row.get::<Option<&str>>(5)?.and_then(|text| serde_json::from_str(text).ok()),
        steps: number(6)?,
        started_at: row.get(7)?,
        finished_at: row.get(8)?,
        message: row.get(9)?,
        done: number(10)?,
        changesets: row.get::<Option<Vec<String>>>(11)?.unwrap_or_default(),
        cursor: row.get(12)?,
    })
}

/// The events of these runs after a number, oldest first.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn events(
    connection: &Connection,
    ledger: &Ident,
    runs: &[String],
    after: i64,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Failure> {
    let list: Vec<String> = runs.iter().map(|run| format!("{}::uuid", quote_literal(run))).collect();
    let sql = format!(
        "SELECT e.seq, {}, e.kind, e.changeset, e.detail::text FROM {}.event e WHERE e.run IN ({}) AND e.seq > {after} ORDER BY e.seq \
         LIMIT {limit}",
        millis("e.at"),
        ledger.sql(),
        list.join(", ")
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let event = |row: &Row| {
        Ok(RecordedEvent {
            seq: row.get(0)?,
            at: rfc3339_millis(row.get(1)?),
            event: row.get(2)?,
            changeset: row.get(3)?,
            detail: serde_json::from_str(row.get(4)?).unwrap_or_default(),
        })
    };
    rows.iter().map(event).collect()
}
