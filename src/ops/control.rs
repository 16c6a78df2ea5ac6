//! Pausing, resuming and cancelling from another process.

use super::Target;
use super::run::install;
use crate::base::{Failure, FailureKind, Operation};
use crate::history::RunKind;
use crate::ledger::schema;
use crate::pg::Database;
use crate::pg::ledger::request::{self, Pause, Running};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;

/// A request that backfills pause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Paused {
    /// Whether backfills are paused: true.
    pub paused: bool,
    /// The reason.
    pub reason: Option<String>,
    /// The run in progress; null: none.
    pub running: Option<Running>,
}

/// A request that backfills resume.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Resumed {
    /// Whether backfills are paused: false.
    pub paused: bool,
    /// The pause that ended; null: none.
    pub was: Option<Pause>,
}

/// A request that a run stops.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Cancelled {
    /// The run.
    pub cancelled: Running,
    /// The reason.
    pub reason: Option<String>,
}

/// Requests that current and future backfills of the environment's database pause.
///
/// # Errors
/// If the ledger cannot be written.
pub async fn pause(target: &Target, reason: Option<&str>, observer: &mut dyn Observer) -> Result<Paused, Failure> {
    let mut db = target.connect(observer).await?;
    db.check_writable()?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    if history.version < schema::VERSION {
        install(target, &mut db).await?;
    }
    request::pause(&db.connection, target.ledger(), &target.actor, reason).await?;
    let running = request::running(&db.connection, target.ledger()).await?;
    db.close().await?;
    Ok(Paused { paused: true, reason: reason.map(str::to_owned), running })
}

/// Removes the request to pause.
///
/// # Errors
/// If the ledger cannot be written.
pub async fn resume(target: &Target, observer: &mut dyn Observer) -> Result<Resumed, Failure> {
    let mut db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let was = request::paused(&db.connection, history.version, target.ledger()).await?;
    if was.is_some() {
        db.check_writable()?;
        if history.version < schema::VERSION {
            install(target, &mut db).await?;
        }
        request::resume(&db.connection, target.ledger(), &target.actor).await?;
    }
    db.close().await?;
    Ok(Resumed { paused: false, was })
}

/// A run that can be cancelled.
pub struct Cancellation<'a> {
    target: &'a Target,
    /// The database of the run.
    pub db: Database,
    /// The run.
    pub running: Running,
}

/// Finds the run in progress.
///
/// # Errors
/// If no run is in progress, or if a psql script is running.
pub async fn prepare_cancel<'a>(target: &'a Target, observer: &mut dyn Observer) -> Result<Cancellation<'a>, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let running = match history.version {
        0 => None,
        _ => request::running(&db.connection, target.ledger()).await?,
    };
    let Some(running) = running else {
        return Err(Failure::new(
            FailureKind::Refused,
            "no run is in progress on this database; nothing was cancelled",
        )
        .help(Operation::Status + " shows what is done"));
    };
    if running.kind == Some(RunKind::Script) {
        return Err(Failure::new(
            FailureKind::Refused,
            "a psql script is running, which cannot be cancelled from here",
        )
        .help("interrupt psql instead; " + Operation::Status + " shows what it has done"));
    }
    Ok(Cancellation { target, db, running })
}

impl Cancellation<'_> {
    /// Requests that the run stops: it cancels and rolls back its current statement and records its state.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub async fn ask(self, reason: Option<&str>) -> Result<Cancelled, Failure> {
        request::cancel(&self.db.connection, self.target.ledger(), &self.target.actor, reason, &self.running).await?;
        self.db.close().await?;
        Ok(Cancelled { cancelled: self.running, reason: reason.map(str::to_owned) })
    }
}
