//! One run at a time: a session advisory lock on a connection of its own, which never runs a
//! changeset and is never in a transaction, and a numbered lease that fences off a runner
//! that lost it.
//!
//! The lock is polled, not waited for: a session that waits inside of `pg_advisory_lock`
//! holds a snapshot, and a concurrent index build of the holder would wait for it.

use super::connect::{self, Connection};
use super::error;
use super::pooler;
use super::run::stop::Stop;
use super::server::Server;
use super::settings::Settings;
use crate::base::name::quote_literal;
use crate::base::{Failure, Ident, Kind};
use crate::ledger::schema;
use crate::run::{Event, Observer};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The first half of the lock's key.
const CLASS: i32 = schema::LOCK_CLASS;

/// The lock, held until it is released or its connection ends.
#[derive(Debug)]
pub struct Lock {
    connection: Connection,
    key: i32,
    /// The number of this holder: no holder before can commit any more.
    pub epoch: i64,
    /// A new id for the run, given by the server.
    pub run: String,
}

/// Who asks for the lock.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The operating system's user.
    pub os_user: String,
    /// The host's name.
    pub host: String,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the lock's own connection goes.
    pub settings: &'a Settings,
    /// The ledger that is locked.
    pub ledger: &'a Ident,
    /// Who asks.
    pub holder: &'a Holder,
    /// How long another run is waited for.
    pub wait: Duration,
}

/// Takes the lock: waits up to `wait` for another run to end, makes or upgrades the ledger,
/// takes the next epoch.
///
/// # Errors
/// When another run keeps it, or the ledger cannot be made.
pub async fn acquire(
    request: &Request<'_>,
    worker: &mut Connection,
    server: &mut Server,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Lock, Failure> {
    let Request { settings, ledger, holder, wait } = *request;
    let settings = settings.clone().with_application_name("dagmar lock");
    let mut connection = connect::connect(&settings, Duration::ZERO).await?;
    pooler::refuse(&mut connection, worker).await?;
    let key = schema::lock_key(ledger);
    let began = Instant::now();
    let mut said = false;
    // the role's own timeouts must not end the session that keeps the lock
    let mut sql = String::from("SET idle_session_timeout = 0; SET statement_timeout = 0; ");
    loop {
        sql.push_str(&format!("SELECT pg_catalog.pg_try_advisory_lock({CLASS}, {key})"));
        let messages =
            connection.client.simple_query(&sql).await.map_err(|e| error::unanswered("cannot ask for the lock", &e))?;
        sql.clear();
        let got = messages.iter().any(|m| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
            _ => false,
        });
        if got {
            break;
        }
        let who = holder_of(&connection, key).await;
        if began.elapsed() >= wait {
            return Err(Failure::new(Kind::Locked, "another run holds the lock of this database")
                .note(who)
                .help("wait for it to end, or let this command wait longer with `--lock-wait 5m`"));
        }
        if !said {
            said = true;
            observer.on(&Event::Waiting { message: format!("waiting for another run to end: {who}") });
        }
        let chance = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::from(d.subsec_nanos()));
        if stop.sleep(Duration::from_millis(100 + chance % 400)).await {
            return Err(Failure::new(Kind::Interrupted, "stopped by a signal while waiting for the lock"));
        }
    }
    install(worker, ledger).await?;
    server.has_ledger = true;
    let (epoch, run) = lease(worker, ledger, holder).await?;
    Ok(Lock { connection, key, epoch, run })
}

impl Lock {
    /// Gives the lock back.
    ///
    /// # Errors
    /// When it was lost before: then another run may have worked at the same time, which the
    /// fence has kept from doing harm.
    pub async fn release(self) -> Result<(), Failure> {
        let sql = format!("SELECT pg_catalog.pg_advisory_unlock({CLASS}, {})", self.key);
        let rows = self
            .connection
            .client
            .query_typed(&sql, &[])
            .await
            .map_err(|e| error::unanswered("the lock's connection was lost", &e))?;
        let held: bool = rows.first().is_some_and(|r| r.get(0));
        if held {
            Ok(())
        } else {
            Err(Failure::new(Kind::Locked, "the lock was lost during the run")
                .help("a pooler in transaction mode cannot keep a session's lock: connect to the server directly"))
        }
    }
}

async fn holder_of(connection: &Connection, key: i32) -> String {
    let sql = format!(
        "SELECT format('pid %s (user %s, from %s, for %s)', a.pid, a.usename, coalesce(host(a.client_addr), 'this host'), \
         date_trunc('second', clock_timestamp() - a.backend_start)) FROM pg_catalog.pg_locks l JOIN \
         pg_catalog.pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.classid = {CLASS} AND l.objid = {key} \
         AND l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    );
    let rows = connection.client.query_typed(&sql, &[]).await.unwrap_or_default();
    rows.first()
        .map_or_else(|| "its session has just ended".to_owned(), |row| format!("held by {}", row.get::<_, String>(0)))
}

/// Makes the ledger, or brings it up to date, in one transaction. Under the lock: nobody
/// else does the same.
async fn install(worker: &Connection, ledger: &Ident) -> Result<(), Failure> {
    let l = ledger.sql();
    let exists = format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", quote_literal(&format!("{l}.meta")));
    let wrong = |e: tokio_postgres::Error| error::unanswered("cannot make the ledger", &e);
    let rows = worker.client.query_typed(&exists, &[]).await.map_err(wrong)?;
    let mut from = 0;
    if rows.first().is_some_and(|r| r.get(0)) {
        let version = format!("SELECT value::int8 FROM {l}.meta WHERE key = 'version'");
        let rows = worker.client.query_typed(&version, &[]).await.map_err(wrong)?;
        from = rows.first().map_or(0, |r| u32::try_from(r.get::<_, i64>(0)).unwrap_or(0));
    }
    if from >= schema::VERSION {
        return Ok(());
    }
    let sql = format!("BEGIN;\n{}\nCOMMIT;", schema::upgrade(ledger, from));
    worker.client.batch_execute(&sql).await.map_err(wrong)
}

/// Takes the next epoch and an id for the run.
async fn lease(worker: &Connection, ledger: &Ident, holder: &Holder) -> Result<(i64, String), Failure> {
    let sql = format!(
        "UPDATE {l}.lease SET epoch = epoch + 1, holder = {who}, backend_pid = pg_backend_pid(), \
         taken_at = clock_timestamp(), heartbeat_at = clock_timestamp() RETURNING epoch, gen_random_uuid()::text",
        l = ledger.sql(),
        who = quote_literal(&format!("{}@{} pid {}", holder.os_user, holder.host, std::process::id())),
    );
    let rows = worker
        .client
        .query_typed(&sql, &[])
        .await
        .map_err(|e| error::unanswered("cannot take the ledger's lease", &e))?;
    let row = rows.first().ok_or_else(|| {
        Failure::new(Kind::Database, format!("the table {}.lease is empty", ledger.sql()))
            .help("it was changed by hand: it must hold one row")
    })?;
    Ok((row.get(0), row.get(1)))
}
