//! `dagmar adopt`: takes over a ledger that came from another environment.

use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{open, progress};
use crate::ops::manual::adopt;
use crate::ops::refusal::{Attempt, recorded};

/// Takes over a ledger that was restored from a dump of another environment.
///
/// A ledger stores the name of its environment, and dagmar refuses to run another environment on it.
/// `adopt` gives the ledger this environment's name and a new identity: sealed plans and approvals of
/// the other database are not valid here, and a pause requested there ends. Recorded changesets and
/// the history stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar adopt --env staging --reason 'refreshed from the dump of production of Monday'
  dagmar adopt --env staging --url postgres://localhost/copy --reason 'a copy to rehearse on' --yes")]
pub struct Args {
    #[command(flatten)]
    manual: ManualArgs,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let options = args.manual.options()?;
    let target = open::target(global)?;
    let here = target.environment.as_str();
    let result = block_on(async {
        let result = async {
            let prepared = adopt::prepare(&target, &options, out).await?;
            let of = prepared.from.as_deref().map_or("nobody".to_owned(), |e| format!("`{e}`"));
            out.say(format!("the ledger belongs to {of}"));
            out.say(format!("it will belong to `{here}`, with a new identity; the recorded state is kept"));
            out.say(format!("an event `adopted` records: {}", options.reason));
            confirm(global, &format!("Adopt the ledger on {} for `{here}`?", prepared.db.describe()))?;
            prepared.write(progress::waiting(global, out).as_mut(), &stop_on_signals()).await
        };
        let result = result.await;
        recorded(result, Attempt { operation: "adopt", plan: None }, &target, out).await
    });
    let adopted = result?;
    match form {
        Form::Json => out.json(&adopted),
        Form::Text => out.data(format!("the ledger belongs to {here} now")),
    }
    Ok(())
}
