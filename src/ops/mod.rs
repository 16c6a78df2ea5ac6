//! The operations: what a door (command line, service, a program that embeds dagmar) asks for.
//!
//! [`Project::open`] reads a project, [`Project::target`] names an environment of it and who acts. What
//! changes a database is prepared first: the plan, what the gates say, what the preflight found. Who
//! has seen that confirms it by its digest, and runs it: under the lock, with everything asked again.
//!
//! Nothing here writes to a stream, asks a question, reads a variable of the process or ends it.

pub mod about;
pub mod address;
pub mod approval;
pub mod attic;
pub mod check;
pub mod compile;
mod connect;
pub mod control;
pub mod execution;
pub mod gates;
pub mod history;
pub mod keys;
pub mod lines;
pub mod manual;
pub mod matrix;
pub mod preflight;
pub mod prepare;
pub mod promotion;
pub mod refusal;
pub mod rehearsal;
pub mod release;
pub mod rollback;
pub mod run;
pub mod seal;
pub mod source;
pub mod status;
pub mod target;
pub mod why;

pub use crate::base::Actor;
pub use execution::RunOutcome;
pub use prepare::{Confirmed, Options, Planned, Prepared, prepare};
pub use source::RunSource;
pub use target::{Project, Target, TargetSpec};

/// The time of this machine, in milliseconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
