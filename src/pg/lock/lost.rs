//! What a run hears when its lock or its connection is gone.

use crate::base::{Cause, Failure, FailureKind, Operation};
use crate::pg::connect::ServerError;

/// The name of the session that holds the lock, as the server shows it.
pub(super) const APPLICATION: &str = "dagmar lock";

/// Whether a run ended because one of its connections was lost.
#[must_use]
pub fn is_lost(failure: &Failure) -> bool {
    failure.cause == Some(Cause::ConnectionLost)
}

/// The connection is gone in the middle of a run.
pub(crate) fn connection_lost(failure: &ServerError) -> Failure {
    Failure::new(FailureKind::Database, format!("the connection was lost: {}", failure.message))
        .because(Cause::ConnectionLost)
        .note("committed changes are recorded; the server rolled back the others")
        .help("run " + Operation::Status + ", then the same command again: it continues where this one stopped")
}

/// Another run has the lock that this one had; `by`: who it is, where that is known.
#[must_use]
pub fn taken_over(by: Option<&str>) -> Failure {
    let failure = Failure::new(FailureKind::Locked, "this run lost its lock and another run has taken over");
    let failure = match by {
        Some(by) => failure.note(format!("the other run: {by}")),
        None => failure,
    };
    failure
        .note("the committed changes of this run are recorded; it cannot commit any more")
        .help(Operation::Status + " shows what the other run does; " + session())
}

/// The session that held the lock is gone, or does not answer.
pub(crate) fn lock_lost(why: &str) -> Failure {
    Failure::new(FailureKind::Locked, format!("this run lost its lock: {why}"))
        .note("the committed changes of this run are recorded; the others are rolled back")
        .help(Operation::Status + " shows what is done; run the command again to continue; " + session())
}

fn session() -> String {
    format!("find out what ended the session `{APPLICATION}`")
}
