//! Runs that did not say how they ended. The row of a run says `running` until the run itself,
//! or the next one, writes something else: only its lock shows that it is still there.

use crate::base::time::rfc3339;
use crate::base::{Failure, Ident};
use crate::history::RunKind;
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::connect::query::{Row, millis};
use crate::pg::connect::server::Server;
use schemars::JsonSchema;
use serde::Serialize;

/// A run whose row has the status `running`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnfinishedRun {
    /// The id of the run.
    pub run: String,
    /// The kind of the run; absent if the row was changed manually.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RunKind>,
    /// The operating system's user and host of the run.
    pub by: String,
    /// The start time, as RFC 3339.
    pub started_at: String,
    /// Whether the run is still in progress; absent: this server cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Liveness>,
}

/// The state of a run without a recorded end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunLiveness")]
pub enum Liveness {
    /// The run holds the lock.
    Running,
    /// Nobody holds the run's lock: it was killed or disconnected.
    Terminated,
}

impl Liveness {
    /// The ending by the word of the query.
    #[must_use]
    pub fn of(word: Option<&str>) -> Option<Self> {
        match word {
            Some("running") => Some(Self::Running),
            Some("terminated") => Some(Self::Terminated),
            _ => None,
        }
    }
}

/// Whether somebody holds the lock of the ledger, as an SQL expression.
pub(crate) fn is_locked(ledger: &Ident) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {} AND l.objid = {} AND \
         l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))",
        schema::LOCK_CLASS,
        schema::lock_key(ledger),
    )
}

/// What became of the run `r`, as an SQL expression: `running`, `terminated`, NULL. Who holds the
/// lock began after taking it. A standby does not know the locks of its primary.
pub(crate) fn liveness(ledger: &Ident) -> String {
    let l = ledger.sql();
    format!(
        "CASE WHEN r.status = 'running' AND pg_catalog.pg_is_in_recovery() THEN NULL \
         WHEN r.status = 'running' AND {} AND r.started_at >= (SELECT max(taken_at) FROM {l}.lease) THEN 'running' \
         WHEN r.status = 'running' OR r.status = 'interrupted' AND NOT EXISTS (SELECT FROM {l}.event f WHERE f.run = r.id \
         AND f.kind = 'runFinished') THEN 'terminated' END",
        is_locked(ledger)
    )
}

/// The runs whose rows say that they run, the latest last.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn unfinished_runs(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
) -> Result<Vec<UnfinishedRun>, Failure> {
    if !server.has_ledger {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT r.id::text, r.kind, coalesce(r.os_user || '@' || r.host, r.db_user), \
         {}, {} FROM {}.run r WHERE r.status = 'running' ORDER BY r.started_at",
        millis("r.started_at"),
        liveness(ledger),
        ledger.sql()
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let unfinished_runs = |row: &Row| {
        Ok(UnfinishedRun {
            run: row.get(0)?,
            kind: RunKind::from_word(row.get(1)?),
            by: row.get(2)?,
            started_at: rfc3339(row.get(3)?),
            liveness: Liveness::of(row.get(4)?),
        })
    };
    rows.iter().map(unfinished_runs).collect()
}
