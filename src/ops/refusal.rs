//! What is refused leaves an event as well: who tried what, from where, and why it was not done.

use super::Target;
use crate::base::{Failure, FailureKind};
use crate::pg::ledger::request;
use crate::run::{Event, Observer};
use serde_json::json;
use std::time::Duration;

/// An attempted operation.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The operation.
    pub operation: &'static str,
    /// The digest of the sealed plan, if there is one.
    pub plan: Option<&'a str>,
}

/// Passes on the result of an operation. If the operation was refused, it records an event in the ledger, if
/// that can be written, over a separate connection, because the operation's own may be in any state.
///
/// # Errors
/// Those of the operation.
pub async fn recorded<T>(
    result: Result<T, Failure>,
    attempt: Attempt<'_>,
    target: &Target,
    observer: &mut dyn Observer,
) -> Result<T, Failure> {
    let Err(failure) = &result else { return result };
    if !failure.recorded
        && matches!(failure.kind, FailureKind::Refused | FailureKind::Drift | FailureKind::Locked)
        && let Err(why) = note(failure, attempt, target).await
    {
        observer.on(&Event::Note { message: format!("it could not be recorded in the ledger: {why}") });
    }
    result
}

/// Records in the ledger, if there is one that can be written, that something was refused.
///
/// # Errors
/// If the database cannot be reached, or the ledger not be written.
pub async fn note(failure: &Failure, attempt: Attempt<'_>, target: &Target) -> Result<(), Failure> {
    // what there is to say on the way was said
    let db = target.connect_within(Duration::ZERO, &mut ()).await?;
    if db.server.has_ledger && db.check_writable().is_ok() {
        let detail = json!({
            "command": attempt.operation,
            "environment": target.environment,
            "plan": attempt.plan,
            "why": failure.message,
            "exitCode": failure.kind.exit_code(),
        });
        request::refused(&db.connection, target.ledger(), &target.actor, detail).await?;
    }
    db.close().await
}
