//! What an earlier run left on the server: the session of a killed process goes on with its
//! statement, and nothing of the ledger shows it when that is outside of a transaction.
//!
//! Every session that runs changesets holds an advisory lock in shared mode for as long as it
//! lives. Its holders are the sessions of earlier runs, whatever they are called.

use super::wait::LockWait;
use crate::base::Failure;
use crate::ledger::schema::WORKER_CLASS;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use std::time::{Duration, Instant};

/// What a session gets to end that has nothing to do, whatever `--lock-wait` says.
const GOING: Duration = Duration::from_secs(10);

/// Makes this session known as one that runs changesets.
pub async fn register_session(worker: &Connection, key: i32) -> Result<(), Failure> {
    let sql = format!("SELECT pg_catalog.pg_advisory_lock_shared({WORKER_CLASS}, {key})");
    worker.execute(&sql).await.map_err(|e| error::query_failed("cannot register the session", &e))
}

/// Waits until no session of an earlier run is left. One that is idle is ended: its process
/// was paused or is cut off, and must not come back to it.
pub(crate) async fn wait_for_orphans(worker: &Connection, key: i32, wait: &mut LockWait<'_>) -> Result<(), Failure> {
    let grace = Instant::now() + GOING;
    loop {
        let found = sessions(worker, key).await?;
        if found.is_empty() {
            return Ok(());
        }
        for session in found.iter().filter(|s| s.idle) {
            // without the right to, it is waited for
            let _ = worker.execute(&format!("SELECT pg_catalog.pg_terminate_backend({})", session.pid)).await;
        }
        let busy: Vec<&str> = found.iter().filter(|s| !s.idle).map(|s| s.text.as_str()).collect();
        if !busy.is_empty() && wait.should_report() {
            wait.report(
                "a statement of an earlier run is still running on the server",
                "waiting for a statement of an earlier run, which is still running",
                &busy.join(", "),
            )?;
        } else if wait.is_over() && Instant::now() >= grace {
            let all: Vec<&str> = found.iter().map(|s| s.text.as_str()).collect();
            wait.report("a session of an earlier run is still connected", "", &all.join(", "))?;
        }
        wait.pause().await?;
    }
}

/// The sessions of earlier runs, for messages.
pub(crate) async fn busy(worker: &Connection, key: i32) -> Result<String, Failure> {
    let found = sessions(worker, key).await?;
    Ok(found.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(", "))
}

struct Session {
    pid: i32,
    idle: bool,
    text: String,
}

async fn sessions(worker: &Connection, key: i32) -> Result<Vec<Session>, Failure> {
    let sql = format!(
        "SELECT a.pid, coalesce(a.state LIKE 'idle%', false), format('pid %s (user %s, application %s, %s for %s); \
         `SELECT pg_terminate_backend(%s)` ends it', a.pid, a.usename, coalesce(nullif(a.application_name, ''), '-'), \
         coalesce(a.state, 'busy'), date_trunc('second', clock_timestamp() - coalesce(a.query_start, a.backend_start)), \
         a.pid) FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' \
         AND l.classid = {WORKER_CLASS} AND l.objid = {key} AND l.granted AND l.pid <> pg_catalog.pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) ORDER BY a.pid"
    );
    let rows = worker.query("cannot query for sessions of earlier runs", &sql).await?;
    rows.iter().map(|r| Ok(Session { pid: r.get(0)?, idle: r.get(1)?, text: r.get(2)? })).collect()
}
