//! `dagmar pause`: asks backfills to pause.

use crate::base::{Failure, Span};
use crate::cli::shell::audit::{Tried, audited};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{locked, stop_on_signals};
use crate::cli::shell::session::{Remote, Session, holder};
use crate::cli::{Outcome, block_on};
use crate::ledger::{History, schema};
use crate::pg::ledger::request;
use serde_json::json;

/// Asks the backfills of the environment's database to pause.
///
/// The one that runs pauses within two seconds: its run goes on to hold the lock, and
/// waits for `dagmar resume`. A pause stays in force for later runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar pause
  dagmar pause --env production --reason 'the shop is busy until noon'
  dagmar pause --format json")]
pub struct Args {
    /// Why; shown to who waits, kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let reason = args.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let result = block_on(async {
        let mut remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let history = remote.history(session.ledger()).await?;
        session.check_bound(&history)?;
        up_to_date(&session, &mut remote, &history).await?;
        request::pause(&remote.connection, session.ledger(), &holder(), reason).await?;
        let running = request::running(&remote.connection, session.ledger()).await?;
        remote.close().await?;
        Ok(running)
    });
    let running = audited(result, Tried { command: "pause", plan: None }, &session, global, out)?;
    match (form, running) {
        (Form::Json, running) => out.json(&json!({ "paused": true, "reason": reason, "running": running })),
        (Form::Text, Some(run)) => {
            out.data(format!("the backfills of the run of {} pause within two seconds", run.holder));
        }
        (Form::Text, None) => out.data("nothing runs; the backfills of the next run will wait for `dagmar resume`"),
    }
    Ok(())
}

/// Makes the ledger, or brings it up to date, where it has no place yet for what is to be said.
pub async fn up_to_date(session: &Session, remote: &mut Remote, history: &History) -> Result<(), Failure> {
    if history.version >= schema::VERSION {
        return Ok(());
    }
    let lock = locked(session, remote, Span::default(), &mut (), &stop_on_signals()).await?;
    lock.release().await
}
