//! The operations, for the command line and for programs that embed dagmar.
//!
//! [`Project::open`] reads a project, and [`Project::target`] names an environment and the actor. An operation that changes
//! a database is prepared first: its plan, the verdicts of the gates, the findings of the preflight. The caller confirms it
//! by its digest and runs it; under the lock, everything is read and checked again.
//!
//! No operation writes to a stream, asks a question, reads an environment variable or ends the process, and the room does
//! not import `cli`.

pub mod about;
pub mod address;
pub mod approval;
pub mod attic;
pub mod changeset;
pub mod check;
pub mod compile;
mod connect;
pub mod control;
pub mod digest;
pub mod event_words;
pub mod execution;
pub mod gates;
pub mod generate;
mod git;
pub mod graph;
pub mod history;
pub mod keys;
pub mod lines;
pub mod lint;
pub mod manual;
pub mod matrix;
pub mod origins;
pub mod perform;
pub mod plans;
pub mod preflight;
pub mod prepare;
pub mod preview;
pub mod progress;
pub mod promotion;
pub mod proofs;
pub mod prove;
pub mod refusal;
pub mod rehearsal;
pub mod release;
pub mod rollback;
pub mod run;
pub mod runs;
pub mod seal;
mod since;
pub mod source;
pub mod status;
pub mod target;
pub mod test;
pub mod why;

pub use crate::base::Actor;
pub use execution::RunOutcome;
pub use prepare::{Confirmed, Options, Planned, Prepared, prepare};
pub use source::RunSource;
pub use target::{Project, Target, TargetSpec};

/// The time of this machine, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
