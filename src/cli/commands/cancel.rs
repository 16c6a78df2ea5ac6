//! `dagmar cancel`: asks the run to stop.

use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::confirm;
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::control;
use crate::ops::refusal::{Attempt, recorded};

/// Cancels the run on the environment's database, from any machine.
///
/// As with a signal, the server cancels the current statement and rolls it back. The ledger has the
/// state, and the next apply continues. The run ends with exit code 9.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar cancel --yes
  dagmar cancel --env production --reason 'wrong day for this'
  dagmar cancel --yes --format json")]
pub struct Args {
    /// The reason; shown by the run, kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let reason = args.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let asked = block_on(async {
        let result = async {
            let found = control::prepare_cancel(&target, out).await?;
            confirm(global, &format!("Cancel the run of {} on {}?", found.running.holder, found.db.describe()))?;
            found.ask(reason).await
        };
        let result = result.await;
        recorded(result, Attempt { operation: "cancel", plan: None }, &target, out).await
    })?;
    match form {
        Form::Json => out.json(&asked),
        Form::Text => out.data(format!("requested the run of {} to stop", asked.cancelled.holder)),
    }
    Ok(())
}
