//! `dagmar pause`: asks backfills to pause.

use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::control;
use crate::ops::refusal::{Attempt, recorded};

/// Pauses the backfills of the environment's database.
///
/// A running backfill pauses within two seconds. Its run keeps the lock and waits for `dagmar resume`. The
/// pause also holds for later runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar pause
  dagmar pause --env production --reason 'the shop is busy until noon'
  dagmar pause --format json")]
pub struct Args {
    /// The reason; shown by waiting runs, kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let reason = args.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let paused = block_on(async {
        let result = control::pause(&target, reason, out).await;
        recorded(result, Attempt { operation: "pause", plan: None }, &target, out).await
    })?;
    match (form, &paused.running) {
        (Form::Json, _) => out.json(&paused),
        (Form::Text, Some(run)) => {
            out.data(format!("the backfills of the run of {} pause within two seconds", run.holder));
        }
        (Form::Text, None) => {
            out.data("no run is in progress; the backfills of the next run will wait for `dagmar resume`")
        }
    }
    Ok(())
}
