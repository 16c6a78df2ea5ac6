//! `dagmar clear`: the state of a changeset after a fix by hand.

use crate::base::count;
use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{complete, open, progress};
use crate::history::{Recorded, RecordedStatus};
use crate::ops::manual::clear::{self, ClearRequest, Cleared, ClearedState};
use crate::ops::refusal::{Attempt, recorded};
use crate::report::{Line, Text};

/// Sets the state of a failed or partly applied changeset after a repair by hand.
///
/// Runs nothing; the ledger records what you state. By default: nothing of the changeset is in the
/// database, and the next apply runs all of it. With --applied: all of it is there. Prefer `dagmar apply`
/// or `dagmar rollback` where they can continue or undo it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar clear 009-project-limits --reason 'dropped the half built index by hand'
  dagmar clear 009-project-limits --applied --reason 'finished by hand, incident 4711'
  dagmar clear 009-project-limits --as-recorded --reason 'rollback mended by hand, see CHG-1042'
  dagmar clear 009-project-limits --env production --reason 'see incident 4711' --yes")]
pub struct Args {
    /// The changeset
    #[arg(value_name = "ID", add = complete::changesets())]
    id: String,
    /// The whole changeset is in the database: it was completed by hand
    #[arg(long, conflicts_with = "as_recorded")]
    applied: bool,
    /// The ledger's row was changed manually and is correct as it is now, including its rollback
    #[arg(long)]
    as_recorded: bool,
    #[command(flatten)]
    manual: ManualArgs,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let options = args.manual.options()?;
    let target = open::target(global)?;
    let to = match args {
        Args { applied: true, .. } => Cleared::Applied,
        Args { as_recorded: true, .. } => Cleared::AsRecorded,
        _ => Cleared::Pending,
    };
    let id = args.id.as_str();
    let request = ClearRequest { id, to, options: &options };
    let result = block_on(async {
        let result = async {
            let prepared = clear::prepare(&target, &request, out).await?;
            out.say(what(args, prepared.recorded.as_ref()));
            confirm(global, &format!("Clear `{id}` on {}?", prepared.db.describe()))?;
            prepared.write(progress::waiting(global, out).as_mut(), &stop_on_signals()).await
        };
        let result = result.await;
        recorded(result, Attempt { operation: "clear", plan: None }, &target, out).await
    });
    let cleared = result?;
    let ClearedState { from, to, .. } = cleared;
    match form {
        Form::Json => out.json(&cleared),
        Form::Text if args.as_recorded => out.data(format!("cleared {id}: {from}, as it is recorded now")),
        Form::Text => out.data(format!("cleared {id}: {to}, was {from}")),
    }
    Ok(())
}

/// What will be noted, exactly.
fn what(args: &Args, recorded: Option<&Recorded>) -> Text {
    let Some(recorded) = recorded else {
        let mut text = Text::new();
        text.line(format!("`{}` is not applied; the history will record what the attic keeps for it now", args.id));
        text.line(format!("an event `cleared` records: {}", args.manual.reason));
        return text;
    };
    let done = recorded.segments.iter().filter(|s| s.done).count();
    let begun = recorded.segments.len() - done;
    let progress = match recorded.status {
        RecordedStatus::Partly if !recorded.segments.is_empty() => {
            format!(" ({}: {} done, {begun} begun)", recorded.segments[0].direction.word(), count(done, "segment"))
        }
        _ => String::new(),
    };
    let error = recorded.error.as_ref().map_or_else(String::new, |e| format!(", with: {e}"));
    let note = if args.as_recorded {
        "the history will record its row as it is now: `dagmar rollback` runs the SQL in that row"
    } else if args.applied {
        "it will be recorded as applied manually by you: only confirm this if it is applied completely; `dagmar rollback` can then roll it back"
    } else {
        "its row and progress will be removed: only confirm this if nothing of it is applied; the next apply runs all of it"
    };
    let mut text = Text::new();
    text.message(Line::new(), &format!("`{}` is {}{progress}{error}", args.id, recorded.status.word()));
    text.line(note);
    text.line(format!("an event `cleared` records: {}", args.manual.reason));
    text
}
