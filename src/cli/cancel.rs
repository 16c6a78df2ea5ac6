//! `dagmar cancel`: asks the run to stop.

use super::audit::{Tried, audited};
use super::global::Global;
use super::output::{Form, Output, form};
use super::running::confirm;
use super::session::{Session, holder};
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::ledger::RunKind;
use crate::pg::ledger::request;
use serde_json::json;

/// Asks the run on the environment's database to stop, from anywhere.
///
/// As with a signal, its current statement is cancelled and undone, what was done before is
/// recorded, and the next apply goes on. The run ends with exit code 9.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar cancel --yes
  dagmar cancel --env production --reason 'wrong day for this'
  dagmar cancel --yes --format json")]
pub struct Args {
    /// Why; shown to who runs it, kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let reason = args.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        session.check_bound(&history)?;
        let running = match history.version {
            0 => None,
            _ => request::running(&remote.connection, session.ledger()).await?,
        };
        let Some(run) = running else {
            return Err(Failure::new(Kind::Refused, "nothing runs on this database; nothing was cancelled")
                .help("`dagmar status` shows what is done"));
        };
        if run.kind == Some(RunKind::Script) {
            return Err(Failure::new(
                Kind::Refused,
                "the run is a script in psql, which cannot be cancelled from here",
            )
            .help("interrupt psql; `dagmar status` shows what it has done"));
        }
        confirm(global, &format!("Cancel the run of {} on {}?", run.holder, remote.describe()))?;
        request::cancel(&remote.connection, session.ledger(), &holder(), reason, &run).await?;
        remote.close().await?;
        Ok(run)
    });
    let run = audited(result, Tried { command: "cancel", plan: None }, &session, global, out)?;
    match form {
        Form::Json => out.json(&json!({ "cancelled": run, "reason": reason })),
        Form::Text => out.data(format!("the run of {} was asked to stop", run.holder)),
    }
    Ok(())
}
