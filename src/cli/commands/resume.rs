//! `dagmar resume`: lets backfills go on.

use crate::cli::shell::audit::{Tried, audited};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::session::{Session, holder};
use crate::cli::{Outcome, block_on};
use crate::pg::ledger::request;
use serde_json::json;

/// Lets the backfills go on that `dagmar pause` has stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar resume
  dagmar resume --env production
  dagmar resume --format json")]
pub struct Args {}

pub fn run(_: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        session.check_bound(&history)?;
        let was = request::paused(&remote.connection, history.version, session.ledger()).await?;
        if was.is_some() {
            remote.server.check_writable(session.ledger())?;
            request::resume(&remote.connection, session.ledger(), &holder()).await?;
        }
        remote.close().await?;
        Ok(was)
    });
    let was = audited(result, Tried { command: "resume", plan: None }, &session, global, out)?;
    match (form, was) {
        (Form::Json, was) => out.json(&json!({ "paused": false, "was": was })),
        (Form::Text, Some(was)) => out.data(format!("backfills go on; they were paused by {} at {}", was.by, was.at)),
        (Form::Text, None) => out.data("nothing to do: backfills are not paused"),
    }
    Ok(())
}
