//! Why a step did not come to its end.

use crate::base::Failure;
use crate::exec::StatementTag;
use crate::pg::connect::error::ServerError;

/// The values of a row, as text.
pub use crate::pg::connect::query::Texts as Row;

/// A statement that the server refused.
#[derive(Debug)]
pub struct StatementError {
    /// What it was.
    pub mark: StatementTag,
    /// What the server said; its position is one within the statement.
    pub failure: ServerError,
}

/// Why a step did not come to its end.
pub(super) enum StepEnd {
    /// The server refused a statement.
    Statement(StatementError),
    /// Stopped by a signal, or because another step failed.
    Stopped,
    /// The connection is gone, or another run has taken over: nothing more can be recorded.
    Lost(Failure),
}
