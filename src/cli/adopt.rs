//! `dagmar adopt`: takes over a ledger that came from another environment.

use super::audit::{Tried, audited};
use super::by_hand::{Said, Words, say};
use super::global::Global;
use super::output::{Form, Output, form};
use super::running::given;
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::ledger::RunKind;
use serde_json::json;

/// Makes a ledger that was restored from a dump of another environment this one's.
///
/// A ledger knows its environment, and runs of another one are refused. What is applied stays
/// as it is recorded, and the history is kept; the ledger gets the environment's name and a
/// new identity, so that plans and approvals of the other database are none here, and a pause
/// that somebody there asked for is over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar adopt --env staging --reason 'refreshed from the dump of production of Monday'
  dagmar adopt --env staging --url postgres://localhost/copy --reason 'a copy to rehearse on' --yes")]
pub struct Args {
    #[command(flatten)]
    words: Words,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    given(&args.words.reason)?;
    let session = Session::open(global)?;
    let here = session.environment.clone();
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        if !remote.server.has_ledger {
            return Err(Failure::new(Kind::Refused, "this database has no ledger to adopt")
                .help("`dagmar apply` makes one; check where you are connected"));
        }
        let shown = remote.history(session.ledger()).await?.environment;
        if shown.as_deref() == Some(here.as_str()) {
            return Err(Failure::new(
                Kind::Refused,
                format!("the ledger belongs to `{here}` already; nothing was changed"),
            )
            .help("name the environment that it shall belong to with `--env`"));
        }
        out.say(format!(
            "the ledger belongs to {}",
            shown.as_deref().map_or("nobody".to_owned(), |e| format!("`{e}`"))
        ));
        out.say(format!("it will belong to `{here}`, with a new identity; what is recorded as applied stays"));
        out.say(format!("an event `adopted` keeps: {}", args.words.reason));
        let question = format!("Adopt the ledger on {} for `{here}`?", remote.describe());
        let said = Said { kind: RunKind::Adopt, steps: 0, question: &question, words: &args.words };
        say(&said, &session, remote, global, out, |history, recorder| {
            if history.environment != shown {
                return Err(Failure::new(
                    Kind::Drift,
                    "another run has changed the ledger meanwhile; nothing was adopted",
                )
                .help("run the command again and look at what it says"));
            }
            Ok(recorder.adopt(shown.as_deref(), &here, &args.words.reason))
        })
        .await?;
        Ok(shown)
    });
    let from = audited(result, Tried { command: "adopt", plan: None }, &session, global, out)?;
    match form {
        Form::Json => out.json(&json!({ "from": from, "to": here, "reason": args.words.reason })),
        Form::Text => out.data(format!("the ledger belongs to {here} now")),
    }
    Ok(())
}
