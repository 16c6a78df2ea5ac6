//! Ensures one run at a time: a session-level advisory lock on a separate connection, which never runs a changeset and is
//! never in a transaction, and a lease with an epoch, which fences off a run that lost the lock (`lease.rs`).
//!
//! The lock is polled: a session that blocks in `pg_advisory_lock` holds a snapshot, and a concurrent index build of the
//! holder would wait for it.

pub(crate) mod lease;
pub mod lost;
pub(crate) mod orphans;
pub mod pooler;
mod wait;

use super::connect::error;
use super::connect::server::Server;
use super::connect::settings::Settings;
use super::connect::{self, Connection};
use super::stop::Stop;
use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, FailureKind, Ident, Operation};
use crate::ledger::record::{Recorder, RunRef};
use crate::ledger::schema;
use crate::run::Observer;
use crate::source::LedgerConfig;
use lease::Keeper;
use lost::{APPLICATION, lock_lost, taken_over};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wait::LockWait;

/// The first half of the lock's key.
const CLASS: i32 = schema::LOCK_CLASS;

/// The lock, held until it is released, dropped, or its connection ends.
#[derive(Debug)]
pub struct Lock {
    keeper: Keeper,
    key: i32,
    /// The number of this holder: no holder before can commit any more.
    pub epoch: i64,
    /// A new id for the run, given by the server.
    pub run: String,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the lock's own connection goes.
    pub settings: &'a Settings,
    /// The ledger that is locked.
    pub ledger: &'a LedgerConfig,
    /// Who asks.
    pub actor: &'a Actor,
    /// How long another run is waited for.
    pub wait: Duration,
    /// The epoch of the lock that this run had and lost: when another run has come after it,
    /// there is nothing to wait for.
    pub lost: Option<i64>,
}

/// Takes the lock: waits up to `wait` for another run to end, and for what a killed one left
/// running on the server; makes or upgrades the ledger, takes the next epoch. From then on the
/// lease is kept alive, and `stop` hears when the lock is lost.
///
/// # Errors
/// When another run keeps it, or the ledger cannot be made.
pub async fn acquire(
    request: &Request<'_>,
    worker: &mut Connection,
    server: &mut Server,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
) -> Result<Lock, Failure> {
    let Request { settings, ledger: config, actor, wait, lost } = *request;
    let ledger = &config.schema;
    let settings = settings.clone().with_application_name(APPLICATION);
    let mut connection = connect::connect(&settings, Duration::ZERO).await?;
    pooler::refuse(&mut connection, worker).await?;
    let key = schema::lock_key(ledger);
    let mut patience = LockWait { deadline: Instant::now() + wait, said: false, observer, stop };
    // the role's own settings must not end the session that keeps the lock, nor hold up a beat
    let mut sql = String::from(
        "SET idle_session_timeout = 0; SET statement_timeout = 0; SET lock_timeout = '2s'; \
         SET default_transaction_read_only = off; SET default_transaction_isolation = 'read committed'; ",
    );
    loop {
        sql.push_str(&format!("SELECT pg_catalog.pg_try_advisory_lock({CLASS}, {key})"));
        let rows = connection.texts(&sql).await.map_err(|e| error::query_failed("cannot acquire the lock", &e))?;
        sql.clear();
        let got = rows.iter().flatten().any(|got| got.as_deref() == Some("t"));
        if let Some(epoch) = lost
            && let Some(by) = lease::successor(&connection, &ledger.sql(), epoch).await
        {
            return Err(taken_over(Some(&by)));
        }
        if got {
            break;
        }
        if patience.should_report() {
            let who = holder_of(&connection, ledger, key).await;
            patience.report("another run holds the lock of this database", "waiting for another run to end", &who)?;
        }
        patience.pause().await?;
    }
    // known to a successor from here on, whatever becomes of this process
    orphans::register_session(worker, key).await?;
    // another run may have made it; or somebody else something of its name
    *server = Server::ask(worker, config).await?;
    let (epoch, run) = if server.has_ledger {
        // first the epoch: what an earlier run still has in a message is fenced off
        let lease = lease::take(worker, ledger, actor, key, &mut patience).await?;
        orphans::wait_for_orphans(worker, key, &mut patience).await?;
        install(worker, server, ledger).await?;
        lease
    } else {
        orphans::wait_for_orphans(worker, key, &mut patience).await?;
        install(worker, server, ledger).await?;
        lease::take(worker, ledger, actor, key, &mut patience).await?
    };
    server.has_ledger = true;
    Ok(Lock { keeper: Keeper::start(connection, ledger, epoch, stop), key, epoch, run })
}

impl Lock {
    /// Writes the ledger's rows of the run that holds the lock.
    #[must_use]
    pub fn recorder(&self, ledger: &Ident) -> Recorder {
        Recorder::new(ledger, RunRef::Id(self.run.clone()))
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// When it was lost before: then another run may have worked at the same time, which the
    /// fence has kept from doing harm.
    pub async fn release(self) -> Result<(), Failure> {
        let connection = self.keeper.end().await?;
        let sql = format!("SELECT pg_catalog.pg_advisory_unlock({CLASS}, {})", self.key);
        let asked = connection.query("the lock's connection was lost", &sql);
        let Ok(answer) = tokio::time::timeout(lease::UNANSWERED, asked).await else {
            return Err(lock_lost(lease::SILENCE));
        };
        let held = answer?.first().is_some_and(|row| row.try_get(0) == Ok(true));
        if held {
            Ok(())
        } else {
            Err(Failure::new(FailureKind::Locked, "the lock was lost during the run")
                .help("a pooler in transaction mode cannot keep a session's lock: connect to the server directly"))
        }
    }
}

/// Who holds the lock: its session, and what the lease says of its process.
async fn holder_of(connection: &Connection, ledger: &Ident, key: i32) -> String {
    let sql = format!(
        "SELECT format('pid %s (user %s, from %s, for %s)', a.pid, a.usename, coalesce(host(a.client_addr), 'this host'), \
         date_trunc('second', clock_timestamp() - a.backend_start)), a.backend_start::text FROM pg_catalog.pg_locks l JOIN \
         pg_catalog.pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.classid = {CLASS} AND l.objid = {key} \
         AND l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    );
    let rows = connection.try_query(&sql).await.unwrap_or_default();
    let Some(Ok(text)) = rows.first().map(|row| row.try_get::<String>(0)) else {
        return "its session has just ended".to_owned();
    };
    let session = format!("held by {text}");
    // of another role's session its beginning is not known (manual, chapter 28.2.3)
    let Some(Ok(Some(began))) = rows.first().map(|row| row.try_get::<Option<String>>(1)) else { return session };
    // absent until the first run has made it; a lease that is older than the session is another's
    let sql = format!(
        "SELECT format('%s since %s', holder, to_char(taken_at, 'YYYY-MM-DD HH24:MI:SS TZ')) FROM {}.lease \
         WHERE taken_at >= {}::timestamptz",
        ledger.sql(),
        quote_literal(&began)
    );
    let rows = connection.try_query(&sql).await.unwrap_or_default();
    match rows.first().map(|row| row.try_get::<String>(0)) {
        Some(Ok(holder)) => format!("{session}: {holder}"),
        _ => session,
    }
}

/// Makes the ledger, or upgrades it, in one transaction. Under the lock: nobody
/// else does the same.
async fn install(worker: &Connection, server: &Server, ledger: &Ident) -> Result<(), Failure> {
    let mut from = 0;
    if server.has_ledger {
        let version = format!("SELECT value::int8 FROM {}.meta WHERE key = 'version'", ledger.sql());
        let rows = worker.query("cannot create the ledger", &version).await?;
        let version: i64 = rows.first().map(|row| row.get(0)).transpose()?.unwrap_or(0);
        from = u32::try_from(version).unwrap_or(0);
    }
    if from >= schema::VERSION {
        return Ok(());
    }
    let sql = format!("BEGIN;\n{}\nCOMMIT;", schema::upgrade(ledger, from));
    worker.execute(&sql).await.map_err(|e| match (from, e.sqlstate.as_str()) {
        (0, _) => error::query_failed("cannot create the ledger", &e),
        (_, "42501") => Failure::new(
            FailureKind::Database,
            format!(
                "the ledger in `{ledger}` has version {from}, this dagmar needs {}, and `{}` may not upgrade it: {}",
                schema::VERSION,
                server.user,
                e.message
            ),
        )
        .help("run " + Operation::LedgerInstall + " as the role that owns the ledger"),
        _ => error::query_failed("cannot upgrade the ledger", &e),
    })
}
