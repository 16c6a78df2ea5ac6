//! What a command is: work that ends well or with a failure, on one thread.

use crate::base::{Failure, FailureKind};

/// What a command answers: done, or why not.
pub type Outcome = Result<(), Failure>;

/// A runtime for the commands that talk to a server: one thread is enough for one run.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot start the runtime: {e}")))?
        .block_on(work)
}
