//! `dagmar why`: why a changeset is not there yet.

use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{complete, open};
use crate::ops::why::{Why, why};
use crate::report::{Line, Tone};

/// Explains why a changeset is, or is not yet, applied in an environment.
///
/// Shows its state, missing dependencies, what it waits for and until when, who held or skipped it and
/// why, what failed; and what to do, and who can do it. Only reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar why 010-user-preferences-contract
  dagmar why 010-user-preferences-contract --env production
  dagmar why 010-user-preferences-contract --env production --format json | jq '.reasons[].todo'")]
pub struct Args {
    /// The changeset
    #[arg(value_name = "ID", add = complete::changesets())]
    id: String,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let why = block_on(why(&target, &args.id, &|_| true, out))?;
    let Why { environment, changeset, is, reasons, verdict, broken, .. } = &why;
    match form {
        Form::Json => out.json_with(broken.as_ref(), &why.answer(worded)),
        Form::Text => {
            out.data(Line::new().paint(Tone::Strong, changeset).plain(format!(" is {is} in {environment}")));
            for reason in reasons {
                let until = reason.until.as_ref().map_or_else(String::new, |until| format!(": until {until}"));
                out.data(format!("  {}{until}", reason.message));
                if let Some(todo) = &reason.todo {
                    let who = reason.who.as_ref().map_or_else(String::new, |who| format!(" ({who})"));
                    out.data(format!("    to do: {}{who}", worded(todo)));
                }
            }
            out.data(worded(verdict));
        }
    }
    why.broken.map_or(Ok(()), Err)
}
