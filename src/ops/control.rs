//! Pausing, resuming and cancelling from another process.

use super::Target;
use super::run::install;
use crate::base::{Failure, FailureKind};
use crate::history::RunKind;
use crate::ledger::schema;
use crate::pg::Database;
use crate::pg::ledger::request::{self, Pause, Running};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;

/// Backfills were asked to pause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Paused {
    /// Whether backfills pause now: true.
    pub paused: bool,
    /// Why.
    pub reason: Option<String>,
    /// The run that is on its way; null: none is.
    pub running: Option<Running>,
}

/// Backfills may go on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Resumed {
    /// Whether backfills pause now: false.
    pub paused: bool,
    /// The pause that is over; null: there was none.
    pub was: Option<Pause>,
}

/// A run was asked to stop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Cancelled {
    /// The run.
    pub cancelled: Running,
    /// Why.
    pub reason: Option<String>,
}

/// Asks the backfills of the environment's database to pause, those of now and those to come.
///
/// # Errors
/// When the ledger cannot be written.
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

/// Lets the backfills go on.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn resume(target: &Target, observer: &mut dyn Observer) -> Result<Resumed, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let was = request::paused(&db.connection, history.version, target.ledger()).await?;
    if was.is_some() {
        db.check_writable()?;
        request::resume(&db.connection, target.ledger(), &target.actor).await?;
    }
    db.close().await?;
    Ok(Resumed { paused: false, was })
}

/// A run that may be cancelled.
pub struct Cancellation<'a> {
    target: &'a Target,
    /// Its database.
    pub db: Database,
    /// The run.
    pub running: Running,
}

/// Looks for the run that is on its way.
///
/// # Errors
/// When nothing runs, or what runs is a script in psql.
pub async fn prepare_cancel<'a>(target: &'a Target, observer: &mut dyn Observer) -> Result<Cancellation<'a>, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let running = match history.version {
        0 => None,
        _ => request::running(&db.connection, target.ledger()).await?,
    };
    let Some(running) = running else {
        return Err(Failure::new(FailureKind::Refused, "nothing runs on this database; nothing was cancelled")
            .help("`dagmar status` shows what is done"));
    };
    if running.kind == Some(RunKind::Script) {
        return Err(Failure::new(
            FailureKind::Refused,
            "a psql script is running, which cannot be cancelled from here",
        )
        .help("interrupt psql; `dagmar status` shows what it has done"));
    }
    Ok(Cancellation { target, db, running })
}

impl Cancellation<'_> {
    /// Asks the run to stop: its current statement is cancelled and undone, its state is recorded.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn ask(self, reason: Option<&str>) -> Result<Cancelled, Failure> {
        request::cancel(&self.db.connection, self.target.ledger(), &self.target.actor, reason, &self.running).await?;
        self.db.close().await?;
        Ok(Cancelled { cancelled: self.running, reason: reason.map(str::to_owned) })
    }
}
