//! The lease: the row that names the holder of the lock, and the beat that keeps it fresh.
//!
//! Nobody takes a lease because it is old: the advisory lock decides who runs, and its session
//! ends with its process. The beat shows others that the holder lives, and shows the holder
//! at once that it has lost the lock.

use super::lost::lock_lost;
use super::orphans;
use super::wait::LockWait;
use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, FailureKind, Ident};
use crate::pg::connect::Connection;
use crate::pg::connect::error::{self, ServerError};
use crate::pg::connect::query::Texts;
use crate::pg::ledger::request;
use crate::pg::stop::Stop;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// The time between two beats.
const BEAT: Duration = Duration::from_secs(3);

/// The time between two looks for somebody's request to cancel the run. Each look takes a
/// processor for a moment, which is felt on a server that has few.
const LOOK: Duration = Duration::from_secs(2);

/// What is not answered for so long the network swallows. Longer than a busy server takes.
pub(crate) const UNANSWERED: Duration = Duration::from_secs(15);

/// How that is said.
pub(crate) const SILENCE: &str = "the server has not answered for some time";

/// Takes the next epoch and an id for the run. A transaction of an earlier run that is still
/// going on holds the row; it is waited for.
pub(crate) async fn take(
    worker: &Connection,
    ledger: &Ident,
    actor: &Actor,
    key: i32,
    wait: &mut LockWait<'_>,
) -> Result<(i64, String), Failure> {
    let sql = format!(
        "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = 0; \
         UPDATE {l}.lease SET epoch = epoch + 1, holder = {who}, backend_pid = pg_backend_pid(), \
         taken_at = clock_timestamp(), heartbeat_at = clock_timestamp() RETURNING epoch, gen_random_uuid()::text",
        l = ledger.sql(),
        who = quote_literal(&format!("{actor} pid {}", std::process::id())),
    );
    loop {
        let rows = match worker.texts(&sql).await {
            Ok(rows) => rows,
            Err(e) if e.sqlstate == "55P03" => {
                if wait.should_report() {
                    let who = orphans::busy(worker, key).await?;
                    wait.report(
                        "a transaction of an earlier run is still open",
                        "waiting for a transaction of an earlier run to end",
                        &who,
                    )?;
                }
                wait.pause().await?;
                continue;
            }
            Err(e) => return Err(error::query_failed("cannot take the ledger's lease", &e)),
        };
        let row = rows.iter().find_map(|row| match row.as_slice() {
            [Some(epoch), Some(run)] => Some((epoch.parse().ok()?, run.clone())),
            _ => None,
        });
        return row.ok_or_else(|| {
            Failure::new(FailureKind::Database, format!("the table {}.lease is empty", ledger.sql()))
                .help("it was changed manually: it must hold one row")
        });
    }
}

/// Who has taken over from the holder of this epoch; `None`: nobody, or nobody knows. The
/// ledger's schema is given as an identifier of SQL.
pub(crate) async fn successor(connection: &Connection, ledger: &str, epoch: i64) -> Option<String> {
    let sql = format!(
        "SELECT format('%s since %s', coalesce(holder, '?'), to_char(taken_at, 'YYYY-MM-DD HH24:MI:SS TZ')) \
         FROM {ledger}.lease WHERE epoch > {epoch}"
    );
    let rows = connection.try_query(&sql).await.unwrap_or_default();
    rows.first().and_then(|row| row.try_get(0).ok())
}

/// Keeps the lease fresh until it is ended; dropping it ends the lock's session.
#[derive(Debug)]
pub(crate) struct Keeper {
    task: JoinHandle<Option<Connection>>,
    end: Option<oneshot::Sender<()>>,
    stop: Arc<Stop>,
}

impl Keeper {
    /// Starts the beat on the lock's own connection.
    pub(crate) fn start(connection: Connection, ledger: &Ident, epoch: i64, stop: &Arc<Stop>) -> Self {
        let (end, ended) = oneshot::channel();
        let sql = format!(
            "UPDATE {}.lease SET heartbeat_at = clock_timestamp() WHERE epoch = {epoch} RETURNING 1",
            ledger.sql()
        );
        let cancelled = request::cancelled(ledger, epoch);
        let own = Arc::clone(stop);
        let task = tokio::spawn(async move {
            match keep(connection, &sql, &cancelled, &own, ended).await {
                Ok(connection) => Some(connection),
                Err(why) => {
                    own.lose(why);
                    None
                }
            }
        });
        Self { task, end: Some(end), stop: Arc::clone(stop) }
    }

    /// Ends the beat; the connection still holds the lock.
    pub(crate) async fn end(mut self) -> Result<Connection, Failure> {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        match (&mut self.task).await {
            Ok(Some(connection)) => Ok(connection),
            _ => Err(self.stop.loss().unwrap_or_else(|| lock_lost("its task ended"))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Beats until it is told to end, and hands on a request to cancel the run, for which this
/// connection is free while a statement runs; `Err`: the lock is lost.
async fn keep(
    mut connection: Connection,
    beat: &str,
    cancelled: &str,
    stop: &Stop,
    mut ended: oneshot::Receiver<()>,
) -> Result<Connection, Failure> {
    let mut last = Instant::now();
    loop {
        tokio::select! {
            _ = &mut ended => return Ok(connection),
            // the driver of the connection has ended, and with it the session
            notice = connection.notices.recv() => if notice.is_none() {
                let why = connection.end().map_or("its connection was closed", |end| &end.message);
                return Err(lock_lost(why));
            },
            () = sleep(LOOK) => {
                let due = last.elapsed() >= BEAT;
                if due {
                    last = Instant::now();
                } else if stop.is_requested() {
                    continue;
                }
                match ask(&connection, if due { beat } else { cancelled }).await {
                    None => return Err(lock_lost(SILENCE)),
                    Some(Ok(rows)) if due => {
                        if rows.is_empty() {
                            return Err(lock_lost("another run has taken over"));
                        }
                    }
                    Some(Ok(rows)) => {
                        if let Some(who) = rows.into_iter().flatten().flatten().next() {
                            stop.request_by(who);
                        }
                    }
                    Some(Err(e)) if e.is_connection_lost() => return Err(lock_lost(&e.message)),
                    // one that could not be written leaves the lock as it is
                    Some(Err(_)) => {}
                }
            },
        }
    }
}

/// One question; `None`: no answer. Several short waits instead of a long one: when this process
/// was stopped or busy, the answer that came meanwhile is still read.
async fn ask(connection: &Connection, sql: &str) -> Option<Result<Vec<Texts>, ServerError>> {
    let mut answer = pin!(connection.texts(sql));
    for _ in 0..UNANSWERED.as_secs() / BEAT.as_secs() {
        if let Ok(answer) = timeout(BEAT, &mut answer).await {
            return Some(answer);
        }
    }
    None
}
