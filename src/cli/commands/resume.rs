//! `dagmar resume`: lets backfills go on.

use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::control;
use crate::ops::refusal::{Attempt, recorded};

/// Resumes backfills that `dagmar pause` has paused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar resume
  dagmar resume --env production
  dagmar resume --format json")]
pub struct Args {}

pub fn run(_: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let resumed = block_on(async {
        let result = control::resume(&target, out).await;
        recorded(result, Attempt { operation: "resume", plan: None }, &target, out).await
    })?;
    match (form, &resumed.was) {
        (Form::Json, _) => out.json(&resumed),
        (Form::Text, Some(was)) => {
            out.data(format!("backfills continue; they were paused by {} at {}", was.by, was.at))
        }
        (Form::Text, None) => out.data("nothing to do: backfills are not paused"),
    }
    Ok(())
}
