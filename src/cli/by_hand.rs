//! What is said by hand: rows of the ledger, written under the lock; nothing is run.

use super::global::Global;
use super::output::{Form, Output};
use super::progress;
use super::running::{Signing, confirm, locked, stop_on_signals};
use super::session::{Remote, Session, holder};
use crate::base::{Failure, Span};
use crate::ledger::record::{Recorder, RunRef, RunStart};
use crate::ledger::repair::ByHand;
use crate::ledger::{History, RunKind};
use crate::pg::ledger::audit;
use crate::pg::unanswered;

/// The options of what is said by hand.
#[derive(Debug, clap::Args)]
pub struct Words {
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Waits this long for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub lock_wait: Span,
    #[command(flatten)]
    pub signing: Signing,
}

/// What is said.
pub struct Said<'a> {
    /// The kind of the run in the ledger.
    pub kind: RunKind,
    /// How many changesets it is about.
    pub steps: usize,
    /// Asked before the lock is taken.
    pub question: &'a str,
    /// Why, and how long another run is waited for.
    pub words: &'a Words,
}

/// Asks, takes the lock, reads the ledger again, and writes the rows that are to follow from it.
pub async fn say(
    said: &Said<'_>,
    session: &Session,
    mut remote: Remote,
    global: &Global,
    out: &Output,
    rows: impl FnOnce(&History, &Recorder) -> Result<Vec<String>, Failure>,
) -> Result<(), Failure> {
    // one that cannot be used is told before anything is written
    let key = said.words.signing.key()?;
    confirm(global, said.question)?;
    let stop = stop_on_signals();
    // as text also where the answer is JSON, of which there is one
    let mut observer = progress::observer(Form::Text, global, out);
    let lock = locked(session, &mut remote, said.words.lock_wait, observer.as_mut(), &stop).await?;
    drop(observer);
    let history = remote.history(session.ledger()).await?;
    let recorder = Recorder::new(session.ledger(), RunRef::Id(lock.run.clone()));
    let mut written = match rows(&history, &recorder) {
        Ok(rows) => {
            let who = holder();
            let start = RunStart {
                kind: said.kind,
                environment: &session.environment,
                steps: said.steps,
                os_user: &who.os_user,
                host: &who.host,
                policy: Some(&session.policy()),
            };
            let run = ByHand { epoch: lock.epoch, start };
            let written = remote.connection.execute(&recorder.by_hand(&run, rows)).await;
            written.map_err(|e| unanswered(&format!("cannot write the {}", said.kind.word()), &e))
        }
        Err(refused) => Err(refused),
    };
    if let (Ok(()), Some(key)) = (&written, key) {
        written = audit::sign_head(&remote.connection, session.ledger(), &lock.run, &key).await;
    }
    lock.release().await?;
    remote.close().await?;
    written
}
