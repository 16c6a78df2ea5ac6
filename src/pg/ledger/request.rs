//! What a second process asks of a run, through the ledger: to pause its backfills, to go on,
//! to stop. The run looks at it with every batch, and beside long statements on its lock's
//! connection.

use super::unfinished;
use crate::base::name::quote_literal;
use crate::base::time::rfc3339;
use crate::base::{Actor, Failure, FailureKind, Ident, Operation};
use crate::history::{EventKind, RunKind};
use crate::ledger::json::jsonb;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::connect::query::{Row, millis};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The version of the ledger that has requests.
const SINCE: u32 = 2;

/// The version since which their table is called `request`; before it was `wish`.
const RENAMED: u32 = 5;

/// A pause of backfills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// The operating system's user and host that requested it.
    pub by: String,
    /// The reason.
    pub reason: Option<String>,
    /// The start time.
    pub at: String,
}

/// The run that holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunningRun")]
pub struct Running {
    /// Its epoch.
    #[serde(skip)]
    pub epoch: i64,
    /// The process and user that hold the lock.
    pub holder: String,
    /// The id of the run; absent if it has only just started.
    pub run: Option<String>,
    /// The kind of the run, if known.
    pub kind: Option<RunKind>,
}

/// The pause that is in force. A ledger of an earlier version has none.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn paused(connection: &Connection, version: u32, ledger: &Ident) -> Result<Option<Pause>, Failure> {
    if version < SINCE {
        return Ok(None);
    }
    let table = if version < RENAMED { "wish" } else { "request" };
    let sql =
        format!("SELECT made_by, reason, {} FROM {}.{table} WHERE kind = 'pause'", millis("made_at"), ledger.sql());
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let pause = |row: &Row| Ok(Pause { by: row.get(0)?, reason: row.get(1)?, at: rfc3339(row.get(2)?) });
    rows.first().map(pause).transpose()
}

/// The run that is on its way. Without the lock it is over, whatever its row says.
///
/// # Errors
/// When the server does not answer.
pub async fn running(connection: &Connection, ledger: &Ident) -> Result<Option<Running>, Failure> {
    let sql = format!(
        "SELECT e.epoch, coalesce(e.holder, '?'), r.id::text, r.kind FROM {l}.lease e LEFT JOIN LATERAL (SELECT id, kind \
         FROM {l}.run WHERE status = 'running' AND started_at >= e.taken_at ORDER BY started_at DESC LIMIT 1) r ON true \
         WHERE {}",
        unfinished::is_locked(ledger),
        l = ledger.sql(),
    );
    let rows = connection.query("cannot read the running run", &sql).await?;
    let running = |row: &Row| {
        let kind = row.get::<Option<&str>>(3)?.and_then(RunKind::from_word);
        Ok(Running { epoch: row.get(0)?, holder: row.get(1)?, run: row.get(2)?, kind })
    };
    rows.first().map(running).transpose()
}

/// Asks backfills to pause, those of now and those to come.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn pause(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let request = format!(
        "INSERT INTO {}.request (kind, reason, made_by) VALUES ('pause', {}, {}) ON CONFLICT (kind) DO UPDATE SET reason = \
         excluded.reason, made_at = excluded.made_at, made_by = excluded.made_by, db_user = excluded.db_user",
        ledger.sql(),
        reason.map_or("NULL".to_owned(), quote_literal),
        quote_literal(&actor.to_string()),
    );
    write(connection, &[request, event(ledger, EventKind::Paused, actor, reason, None)]).await
}

/// Lets backfills go on.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn resume(connection: &Connection, ledger: &Ident, actor: &Actor) -> Result<(), Failure> {
    let request = format!("DELETE FROM {}.request WHERE kind = 'pause'", ledger.sql());
    write(connection, &[request, event(ledger, EventKind::Resumed, actor, None, None)]).await
}

/// Asks a run to stop as a signal would.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn cancel(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    reason: Option<&str>,
    run: &Running,
) -> Result<(), Failure> {
    let request = format!(
        "INSERT INTO {}.request (kind, epoch, reason, made_by) VALUES ('cancel', {}, {}, {}) ON CONFLICT (kind) DO UPDATE SET \
         epoch = excluded.epoch, reason = excluded.reason, made_at = excluded.made_at, made_by = excluded.made_by, db_user = \
         excluded.db_user",
        ledger.sql(),
        run.epoch,
        reason.map_or("NULL".to_owned(), quote_literal),
        quote_literal(&actor.to_string()),
    );
    write(connection, &[request, event(ledger, EventKind::CancelAsked, actor, reason, run.run.as_deref())]).await
}

/// The query that finds the request to stop the run of this epoch: who asked and why.
pub(crate) fn cancelled(ledger: &Ident, epoch: i64) -> String {
    format!(
        "SELECT 'cancelled by ' || made_by || coalesce(': ' || reason, '') FROM {}.request WHERE kind = 'cancel' AND epoch = \
         {epoch}",
        ledger.sql()
    )
}

/// An event of nobody's run: that who asked is in it keeps it apart from who runs.
fn event(ledger: &Ident, kind: EventKind, actor: &Actor, reason: Option<&str>, run: Option<&str>) -> String {
    let mut detail = json!({ "reason": reason, "of": run });
    actor.sign(&mut detail);
    format!(
        "INSERT INTO {}.event (kind, detail) VALUES ('{}', jsonb_strip_nulls({}))",
        ledger.sql(),
        kind.word(),
        jsonb(&detail)
    )
}

/// Notes that something was refused.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn refused(connection: &Connection, ledger: &Ident, actor: &Actor, mut detail: Value) -> Result<(), Failure> {
    actor.sign(&mut detail);
    // a run that writes an event may hold this one up: it is not worth a wait
    let patience = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'".to_owned();
    let event = format!("SELECT {}.note_refusal({})", ledger.sql(), jsonb(&detail));
    write(connection, &[patience, event]).await
}

async fn write(connection: &Connection, statements: &[String]) -> Result<(), Failure> {
    let text = format!("BEGIN;\n{};\nCOMMIT", statements.join(";\n"));
    match connection.execute(&text).await {
        Ok(()) => Ok(()),
        Err(e) => Err(match &e {
            f if f.sqlstate == "42P01" => Failure::new(
                FailureKind::Database,
                "the ledger has an older version, which cannot store a pause or a cancellation",
            )
            .help("the next " + Operation::Apply + " upgrades it"),
            _ => error::query_failed("cannot write into the ledger", &e),
        }),
    }
}
