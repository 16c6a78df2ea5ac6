//! `dagmar mark`: says by hand what a changeset is.

use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{complete, open, progress};
use crate::ops::manual::mark::{self, MarkRequest, Marked, Unmarked};
use crate::ops::refusal::{Attempt, recorded};

/// Marks changesets as applied, skipped, held or pending without running anything.
///
/// applied: the database already has the effect; for an applied changeset that was edited: accepts the
/// edit, the database matches the file, and the rollback is that of the file. skipped: never runs here,
/// dependents may run. held: neither it nor its dependents run. pending: removes such a mark.
///
/// Changesets that a selector such as `001+` adds are left out if they are not for the environment or
/// already have that state; for changesets named by id this is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar mark applied 001-platform-schema --reason 'was there before dagmar'
  dagmar mark applied 001-platform-schema+ --reason 'all of it was there before dagmar'
  dagmar mark applied 002-billing --reason 'only a comment was edited, CHG-1042'
  dagmar mark held 007-row-level-security --reason 'waits for the security review'
  dagmar mark pending 007-row-level-security --reason 'reviewed'")]
pub struct Args {
    /// The new state
    #[arg(value_name = "STATE")]
    state: Mark,
    /// The changesets: id, +id, id+, label:x
    #[arg(value_name = "SELECTOR", required = true, add = complete::selectors())]
    selectors: Vec<String>,
    #[command(flatten)]
    manual: ManualArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mark {
    /// Counts as applied, without having been run
    Applied,
    /// Never runs here; dependents may run
    Skipped,
    /// Must not run, nor may its dependents
    Held,
    /// Removes the mark
    Pending,
}

impl Mark {
    fn state(self) -> mark::Mark {
        match self {
            Mark::Applied => mark::Mark::Applied,
            Mark::Skipped => mark::Mark::Skipped,
            Mark::Held => mark::Mark::Held,
            Mark::Pending => mark::Mark::Pending,
        }
    }
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let options = args.manual.options()?;
    let target = open::target(global)?;
    let state = args.state.state();
    let request = MarkRequest { state, selectors: &args.selectors, options: &options, since: None };
    let result = block_on(async {
        let result = async {
            let prepared = mark::prepare(&target, &request, out).await?;
            let (names, place) = (prepared.changesets().join(", "), prepared.db.describe());
            confirm(global, &format!("Mark {names} as {} on {place}?", state.word()))?;
            prepared.write(progress::waiting(global, out).as_mut(), &stop_on_signals()).await
        };
        let result = result.await;
        recorded(result, Attempt { operation: "mark", plan: None }, &target, out).await
    });
    let done = result?;
    let Marked { changesets, accepted_edits, left_out, .. } = &done;
    match form {
        Form::Json => out.json(&done),
        Form::Text => {
            if changesets.is_empty() {
                out.data("nothing was marked");
            } else {
                out.data(format!("marked as {}: {}", state.word(), changesets.join(", ")));
            }
            if !accepted_edits.is_empty() {
                out.data(format!("accepted as edited: {}", accepted_edits.join(", ")));
            }
            for Unmarked { id, why } in left_out {
                out.data(format!("left out: {id}, {why}"));
            }
        }
    }
    Ok(())
}
