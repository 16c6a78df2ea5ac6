//! Why a step did not come to its end.

use crate::base::Failure;
use crate::exec::Mark;
use crate::pg::connect::error::SqlFailure;

/// The values of a row, as text.
pub use crate::pg::connect::query::Texts as Row;

/// A statement that the server refused.
#[derive(Debug)]
pub struct Fault {
    /// What it was.
    pub mark: Mark,
    /// What the server said; its position is one within the statement.
    pub failure: SqlFailure,
}

/// Why a step did not come to its end.
pub(super) enum Trouble {
    /// The server refused a statement.
    Fault(Fault),
    /// Stopped by a signal, or because another step failed.
    Stopped,
    /// The connection is gone, or another run has taken over: nothing more can be recorded.
    Lost(Failure),
}
