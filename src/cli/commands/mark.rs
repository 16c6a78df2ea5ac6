//! `dagmar mark`: says by hand what a changeset is.

use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, stop_on_signals};
use crate::cli::shell::{complete, open, progress};
use crate::cli::{Outcome, block_on};
use crate::ops::manual::mark::{self, MarkRequest, Marked, Unmarked};
use crate::ops::refusal::{Attempt, recorded};

/// Marks changesets as applied, skipped, held or pending without running anything.
///
/// applied: its effect is there already (an adopted database); of a changeset that was applied and
/// edited since: the edit is accepted, the database is as the file says now, and its way back is that
/// of the file. skipped: it shall not run here; what depends on it may. held: neither it nor what
/// depends on it runs. pending: takes such a mark back.
///
/// What a selector like `001+` brings along is left out where it is not for the environment or has
/// that state already; what is named itself is refused then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar mark applied 001-platform-schema --reason 'was there before dagmar'
  dagmar mark applied 001-platform-schema+ --reason 'all of it was there before dagmar'
  dagmar mark applied 002-billing --reason 'only a comment was edited, CHG-1042'
  dagmar mark held 007-row-level-security --reason 'waits for the security review'
  dagmar mark pending 007-row-level-security --reason 'reviewed'")]
pub struct Args {
    /// What they are
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
    /// Counts as done, without having been run
    Applied,
    /// Shall not run here; what depends on it may
    Skipped,
    /// Must not run, nor what depends on it
    Held,
    /// As if never marked
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
    let request = MarkRequest { state, selectors: &args.selectors, options: &options };
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
