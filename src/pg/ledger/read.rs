//! The ledger's rows to values. Reads never write: without a ledger the history is empty.

use super::unfinished::{self, Liveness};
use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, HumanDuration, Ident, Operation, Origin, time};
use crate::history::{History, Recorded, RecordedStatus, SegmentState};
use crate::ledger::repair::{self, POLICY};
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::connect::query::{Row, millis};
use crate::pg::connect::server::Server;
use crate::plan::rollback::Stored;
use crate::plan::stored;
use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Reads the history: one round trip.
///
/// # Errors
/// When the ledger cannot be read, or was written by a newer dagmar.
pub async fn history(connection: &Connection, server: &Server, ledger: &Ident) -> Result<History, Failure> {
    if !server.has_ledger {
        return Ok(History::default());
    }
    let l = ledger.sql();
    let (environment, policy) = (repair::environment(&l), POLICY.len() + 1);
    let applied_at = millis("c.applied_at");
    let sql = format!(
        "SELECT (SELECT value::int8 FROM {l}.meta WHERE key = 'version'), \
         (extract(epoch FROM clock_timestamp()) * 1000)::int8, c.id, c.status, c.ordinal, c.checksum, c.digest, \
         c.description, c.repeatable, coalesce(v.versions, 0), c.run::text, \
         {applied_at}, c.applied_by, c.duration_ms, c.reason, c.error ->> 'message', \
         r.needs, s.segments::text, \
         {environment}, (SELECT jsonb_object_agg(substr(key, {policy}), value::jsonb) FROM {l}.meta WHERE starts_with(key, \
         '{POLICY}'))::text FROM (SELECT 1) one LEFT JOIN {l}.changeset c ON true \
         LEFT JOIN (SELECT changeset, array_agg(needs ORDER BY needs) AS needs FROM {l}.requires GROUP BY 1) r \
         ON r.changeset = c.id \
         LEFT JOIN (SELECT changeset, count(*) AS versions FROM {l}.superseded GROUP BY 1) v ON v.changeset = c.id \
         LEFT JOIN (SELECT changeset, jsonb_agg(jsonb_build_object('direction', direction, 'no', no, 'done', \
         status = 'done', 'rows', rows, 'cursor', cursor) ORDER BY direction, no) AS segments FROM {l}.segment GROUP BY 1) s \
         ON s.changeset = c.id ORDER BY c.ordinal"
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let mut history = History::default();
    for row in rows {
        let version: Option<i64> = row.get(0)?;
        let version = version.ok_or_else(|| {
            Failure::new(FailureKind::Database, format!("the ledger in `{ledger}` has no recorded version"))
                .help(format!("it was changed manually: the table {l}.meta must have the row `version`"))
        })?;
        history.version = u32::try_from(version).unwrap_or(u32::MAX);
        history.now = row.get(1)?;
        history.environment = row.get(18)?;
        if let (true, Some(policies)) = (history.policies.is_empty(), row.get::<Option<&str>>(19)?) {
            history.policies = serde_json::from_str(policies).map_err(|e| damaged("meta", &e.to_string()))?;
        }
        let Some(id) = row.get::<Option<String>>(2)? else { continue };
        let recorded = recorded(&row).map_err(|why| damaged(&id, &why))?;
        history.changesets.insert(id, recorded);
    }
    if history.version > schema::VERSION {
        return Err(Failure::new(
            FailureKind::Database,
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

/// A row of the ledger. Its constraints may have been dropped by hand.
fn recorded(row: &Row) -> Result<Recorded, String> {
    let word: String = row.try_get(3)?;
    let status = RecordedStatus::from_word(&word).ok_or_else(|| format!("its status is `{word}`"))?;
    let segments: Vec<SegmentState> = match row.try_get::<Option<String>>(17)? {
        Some(text) => serde_json::from_str(&text).map_err(|e| e.to_string())?,
        None => Vec::new(),
    };
    Ok(Recorded {
        status,
        ordinal: row.try_get(4)?,
        checksum: row.try_get(5)?,
        digest: row.try_get(6)?,
        description: row.try_get(7)?,
        repeatable: row.try_get(8)?,
        versions: u32::try_from(row.try_get::<i64>(9)?).unwrap_or(u32::MAX),
        run: row.try_get(10)?,
        applied_at: row.try_get(11)?,
        applied_by: row.try_get(12)?,
        duration: row.try_get::<Option<i64>>(13)?.map(|ms| HumanDuration::millis(u64::try_from(ms).unwrap_or(0))),
        reason: row.try_get(14)?,
        error: row.try_get(15)?,
        requires: row.try_get::<Option<Vec<String>>>(16)?.unwrap_or_default(),
        segments,
    })
}

fn damaged(id: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Database, format!("the ledger's row of `{id}` cannot be read: {why}"))
        .help("it was changed manually; " + Operation::History + " shows what was recorded")
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
        "SELECT c.id, c.file, c.author, c.labels, c.body::text AS body, c.forward::text AS forward, c.rollback::text AS rollback, \
         (SELECT s.content -> 'forward' FROM {l}.superseded s WHERE s.changeset = c.id ORDER BY s.version DESC \
         LIMIT 1)::text AS previous FROM {l}.changeset c WHERE c.id IN ({})",
        list.join(", ")
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let id: String = row.get(0)?;
        let stored = texts(&row).map_err(|why| damaged(&id, &why))?;
        found.insert(id, stored);
    }
    Ok(found)
}

fn texts(row: &Row) -> Result<Stored, String> {
    let text = |at: usize| row.try_get::<&str>(at);
    Ok(Stored {
        file: row.try_get(1)?,
        author: row.try_get(2)?,
        labels: row.try_get(3)?,
        body: serde_json::from_str(text(4)?).map_err(|e| e.to_string())?,
        forward: stored::read_forward(text(5)?)?,
        rollback: stored::read_rollback(text(6)?)?,
        previous: row.try_get::<Option<&str>>(7)?.map(stored::read_forward).transpose()?,
    })
}

/// An event of the ledger.
#[derive(Debug, Clone, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEvent {
    /// The number of the event; absent for a refusal that the next run adds to the chain of events.
    pub seq: Option<i64>,
    /// When, in milliseconds since 1970.
    #[serde(skip)]
    pub at_millis: i64,
    /// Its place among all events.
    #[serde(skip)]
    pub place: EventPlace,
    /// The time, as RFC 3339.
    pub at: String,
    /// The kind of the event.
    pub kind: String,
    /// The changeset.
    pub changeset: Option<String>,
    /// The database role.
    pub db_user: String,
    /// The operating system's user and the host of the run; for a run through the service the person and the address.
    pub by: Option<String>,
    /// The address of the client; absent for a local connection.
    pub from: Option<String>,
    /// The request that asked the service for it; absent: it was not asked for through the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The run.
    pub run: Option<String>,
    /// The environment of the run.
    pub environment: Option<String>,
    /// For the start of a run without a recorded end: its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Liveness>,
    /// The hash over this event and its predecessor.
    pub hash: Option<String>,
    /// Further data of the event.
    pub detail: Value,
}

/// Which events; each condition that is there must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// About this changeset.
    pub changeset: Option<String>,
    /// Of one of these kinds; empty: of any.
    pub kinds: Vec<String>,
    /// From this point in time on.
    pub since: Option<Since>,
    /// Of a run whose id begins so.
    pub run: Option<String>,
    /// By this database role, operating system's user, or user@host.
    pub by: Option<String>,
    /// Before the event at this place.
    pub before: Option<EventPlace>,
    /// At most so many, the latest.
    pub limit: u32,
}

/// The place of an event among all events, also of a refusal that has no number yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Microseconds since 1970.
    micros: i64,
    /// Its number.
    seq: Option<i64>,
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.micros, self.seq.map_or_else(String::new, |seq| seq.to_string()))
    }
}

impl FromStr for EventPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.split_once('.').and_then(|(micros, seq)| {
            let seq = if seq.is_empty() { None } else { Some(seq.parse().ok()?) };
            Some(Self { micros: micros.parse().ok()?, seq })
        });
        place.ok_or_else(|| "it is not the `next` of a page".to_owned())
    }
}

impl EventPlace {
    /// The condition that an event with a number comes before it.
    fn is_after(self) -> String {
        let at = self.at();
        match self.seq {
            Some(seq) => format!("(e.at, e.seq) < ({at}, {seq})"),
            None => format!("e.at <= {at}"),
        }
    }

    /// The condition that an event without a number comes before it: of the same moment it would come after it.
    fn is_after_refusal(self) -> String {
        format!("e.at < {}", self.at())
    }

    fn at(self) -> String {
        // the times that the server has, so that no text overflows them
        let micros = self.micros.clamp(0, 100_000_000_000_000_000);
        format!("timestamptz 'epoch' + {micros} * interval '1 microsecond'")
    }
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago, by the server's clock.
    Ago(HumanDuration),
    /// Milliseconds since 1970.
    At(i64),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(at) = time::parse(text) {
            return Ok(Since::At(at));
        }
        text.parse().map(Since::Ago).map_err(|_| "it is neither a duration (7d) nor a date (2026-03-01)".to_owned())
    }
}

/// The longest time ago: a thousand years. The server has no times that are much earlier.
const LONGEST: HumanDuration = HumanDuration::secs(1000 * 365 * 24 * 60 * 60);

/// Who ran it, or who asked: as the history says it, of runs of earlier versions as their row does.
pub(super) const WHO: &str = "coalesce(s.detail ->> 'by', r.os_user || '@' || r.host, e.detail ->> 'by')";

/// The database role: of a refusal that the next run took over, whose it was.
const ROLE: &str =
    "coalesce(CASE WHEN e.kind = 'refused' AND starts_with(e.hash, 'e2:') THEN e.detail ->> 'role' END, e.db_user)";

impl Filter {
    /// The condition on the event `e` of the run `r`; `is_before`: that it comes before a place.
    fn sql(&self, is_before: fn(EventPlace) -> String) -> String {
        let who = WHO;
        let kinds: Vec<String> = self.kinds.iter().map(|k| quote_literal(k)).collect();
        let conditions = [
            self.before.map(is_before),
            self.changeset.as_ref().map(|id| format!("e.changeset = {}", quote_literal(id))),
            (!kinds.is_empty()).then(|| format!("e.kind IN ({})", kinds.join(", "))),
            self.since.map(|since| match since {
                Since::Ago(span) => {
                    let millis = span.millis.min(LONGEST.millis);
                    format!("e.at >= clock_timestamp() - {millis} * interval '1 ms'")
                }
                Since::At(millis) => format!("e.at >= to_timestamp({millis} / 1000.0)"),
            }),
            self.run.as_ref().map(|run| format!("starts_with(e.run::text, {})", quote_literal(run))),
            self.by.as_ref().map(|by| {
                let by = quote_literal(by);
                // a person's name may have an `@` of its own
                format!("({by} IN ({ROLE}, {who}) OR starts_with({who}, {by} || '@'))")
            }),
        ];
        let all: Vec<String> = conditions.into_iter().flatten().collect();
        if all.is_empty() { String::new() } else { format!("WHERE {}", all.join(" AND ")) }
    }
}

/// The latest events that fit, oldest first; `version` is that of the ledger.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn events(
    connection: &Connection,
    server: &Server,
    version: u32,
    ledger: &Ident,
    filter: &Filter,
) -> Result<Vec<LedgerEvent>, Failure> {
    if !server.has_ledger {
        return Ok(Vec::new());
    }
    let l = ledger.sql();
    let (limit, liveness) = (filter.limit, unfinished::liveness(ledger));
    let of = |rows: &str, order: &str, only: &str| {
        format!(
            "(SELECT e.seq, e.at, e.kind, e.changeset, {ROLE} AS db_user, {WHO} AS who, e.run::text, coalesce(s.detail ->> \
             'environment', r.environment, e.detail ->> 'environment') AS environment, e.detail::text, coalesce(s.detail ->> \
             'from', host(r.client_addr), e.detail ->> 'from') AS address, CASE WHEN e.kind = 'runStarted' THEN {liveness} \
             END AS liveness, e.hash, coalesce(s.detail -> 'origin', e.detail -> 'origin')::text AS origin FROM {rows} e LEFT JOIN {l}.run r ON r.id = e.run LEFT JOIN LATERAL (SELECT b.detail \
             FROM {l}.event b WHERE b.run = e.run AND b.kind = 'runStarted' AND b.detail ? 'by' LIMIT 1) s ON true {only} \
             ORDER BY e.{order} DESC LIMIT {limit})"
        )
    };
    let mut rows = of(&format!("{l}.event"), "seq", &filter.sql(EventPlace::is_after));
    if version >= schema::CHAINED {
        let apart = format!(
            "(SELECT NULL::bigint AS seq, at, 'refused'::text AS kind, NULL::text AS changeset, db_user, NULL::uuid AS run, \
             jsonb_strip_nulls(detail - ARRAY['role', 'at', 'from'] || jsonb_build_object('from', host(client_addr))) AS detail, NULL::text AS hash \
             FROM {l}.refusal)"
        );
        rows = format!("{rows} UNION ALL {}", of(&apart, "at", &filter.sql(EventPlace::is_after_refusal)));
    }
    let sql = format!(
        "SELECT seq, (extract(epoch FROM at) * 1000)::int8, kind, changeset, db_user, who, run, environment, detail, address, \
         liveness, hash, origin, (extract(epoch FROM at) * 1000000)::int8 FROM (SELECT * FROM ({rows}) x ORDER BY at DESC, seq DESC LIMIT {limit}) y ORDER BY at, seq"
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let event = |row: &Row| {
        Ok(LedgerEvent {
            seq: row.get(0)?,
            place: EventPlace { micros: row.get(13)?, seq: row.get(0)? },
            at_millis: row.get(1)?,
            at: time::rfc3339(row.get(1)?),
            kind: row.get(2)?,
            changeset: row.get(3)?,
            db_user: row.get(4)?,
            by: row.get(5)?,
            run: row.get(6)?,
            environment: row.get(7)?,
            detail: serde_json::from_str(row.get(8)?).unwrap_or_default(),
            from: row.get(9)?,
            liveness: Liveness::of(row.get(10)?),
            hash: row.get(11)?,
            // what another version wrote, or somebody by hand, is in the detail all the same
            origin: row.get::<Option<&str>>(12)?.and_then(|text| serde_json::from_str(text).ok()),
        })
    };
    rows.iter().map(event).collect()
}
