//! What is refused leaves an event as well: who tried what, from where, and why it was not done.

use super::global::Global;
use super::output::Output;
use super::session::{Session, holder};
use crate::base::{Failure, Kind, Span};
use crate::cli::block_on;
use crate::pg::ledger::request;
use serde_json::json;

/// What was tried.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// The command.
    pub command: &'static str,
    /// The digest of the sealed plan that it was about.
    pub plan: Option<&'a str>,
}

/// Hands on how a command ended that was to change something. When it was refused, the ledger
/// gets an event, as far as it can be written; over a connection of its own, since that of the
/// command may be in any state.
pub fn audited<T>(
    result: Result<T, Failure>,
    tried: Tried<'_>,
    session: &Session,
    global: &Global,
    out: &mut Output,
) -> Result<T, Failure> {
    let Err(failure) = &result else { return result };
    if !failure.recorded
        && matches!(failure.kind, Kind::Refused | Kind::Drift | Kind::Locked)
        && let Err(why) = block_on(leave(failure, tried, session, global, out))
        && global.verbose > 0
    {
        out.say(format!("note: the ledger has no event of it: {why}"));
    }
    result
}

async fn leave(
    failure: &Failure,
    tried: Tried<'_>,
    session: &Session,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let global = Global { wait: Span::default(), quiet: true, ..global.clone() };
    let remote = session.connect(&global, out).await?;
    if remote.server.has_ledger && remote.server.check_writable(session.ledger()).is_ok() {
        let detail = json!({
            "command": tried.command,
            "environment": session.environment,
            "plan": tried.plan,
            "why": failure.message,
            "exitCode": failure.kind.exit_code(),
        });
        request::refused(&remote.connection, session.ledger(), &holder(), detail).await?;
    }
    remote.close().await
}
