//! Pausing, resuming and cancelling from another process.

use super::Target;
use super::run::install;
use crate::base::{Failure, Kind};
use crate::history::RunKind;
use crate::ledger::schema;
use crate::pg::Database;
use crate::pg::ledger::request::{self, Pause, Running};
use crate::run::Observer;

/// Asks the backfills of the environment's database to pause, those of now and those to come. Gives the
/// run that is on its way.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn pause(
    target: &Target,
    reason: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<Option<Running>, Failure> {
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
    Ok(running)
}

/// Lets the backfills go on. Gives the pause that is over; absent: there was none.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn resume(target: &Target, observer: &mut dyn Observer) -> Result<Option<Pause>, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let was = request::paused(&db.connection, history.version, target.ledger()).await?;
    if was.is_some() {
        db.check_writable()?;
        request::resume(&db.connection, target.ledger(), &target.actor).await?;
    }
    db.close().await?;
    Ok(was)
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
        return Err(Failure::new(Kind::Refused, "nothing runs on this database; nothing was cancelled")
            .help("`dagmar status` shows what is done"));
    };
    if running.kind == Some(RunKind::Script) {
        return Err(Failure::new(Kind::Refused, "a psql script is running, which cannot be cancelled from here")
            .help("interrupt psql; `dagmar status` shows what it has done"));
    }
    Ok(Cancellation { target, db, running })
}

impl Cancellation<'_> {
    /// Asks the run to stop: its current statement is cancelled and undone, its state is recorded.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn ask(self, reason: Option<&str>) -> Result<Running, Failure> {
        request::cancel(&self.db.connection, self.target.ledger(), &self.target.actor, reason, &self.running).await?;
        self.db.close().await?;
        Ok(self.running)
    }
}
