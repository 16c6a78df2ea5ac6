//! Manual changes: rows of the ledger that an operation writes under the lock. No SQL of a changeset runs.

pub mod adopt;
pub mod clear;
pub mod mark;
pub mod policy;

use super::Target;
use super::run::lock;
use crate::base::{Failure, HumanDuration};
use crate::history::{History, RunKind};
use crate::ledger::record::Recorder;
use crate::ledger::repair::ByHand;
use crate::ledger::start::RunStart;
use crate::pg::ledger::audit;
use crate::pg::run::ready::UnderLock;
use crate::pg::{Database, Stop, query_failed};
use crate::plan::signature::PrivateKey;
use crate::run::Observer;
use std::sync::Arc;

/// A change by hand.
struct ManualChange<'a> {
    /// The kind of the run in the ledger.
    kind: RunKind,
    /// How many changesets it is about.
    steps: usize,
    /// How it is written.
    options: &'a ManualOptions,
}

/// The options of a manual change.
#[derive(Debug, Clone)]
pub struct ManualOptions {
    /// The reason; the history keeps it.
    pub reason: String,
    /// How long to wait for another run.
    pub lock_wait: HumanDuration,
    /// The key that signs the history.
    pub sign: Option<Arc<PrivateKey>>,
}

/// Takes the lock, reads the ledger again, and writes the rows that are to follow from what it says.
///
/// # Errors
/// When another run keeps the lock, `rows` refuses, or the ledger cannot be written.
async fn write(
    change: &ManualChange<'_>,
    target: &Target,
    mut db: Database,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    rows: impl FnOnce(&History, &Recorder) -> Result<Vec<String>, Failure>,
) -> Result<(), Failure> {
    let lock = lock(target, &mut db, change.options.lock_wait, None, observer, stop).await?;
    let now = UnderLock::read(&lock, &db).await?;
    let recorder = lock.recorder(target.ledger());
    let mut written = match rows(now.history(), &recorder) {
        Ok(rows) => {
            let start = RunStart {
                kind: change.kind,
                environment: &target.environment,
                steps: change.steps,
                actor: &target.actor,
                policy: Some(&target.policy()),
            };
            let run = ByHand { epoch: lock.epoch, start };
            let written = db.connection.execute(&recorder.by_hand(&run, rows)).await;
            written.map_err(|e| query_failed(&format!("cannot write the {}", change.kind.word()), &e))
        }
        Err(refused) => Err(refused),
    };
    if let (Ok(()), Some(key)) = (&written, &change.options.sign) {
        written = audit::sign_head(&db.connection, target.ledger(), &lock.run, key).await;
    }
    lock.release().await?;
    db.close().await?;
    written
}
