//! Databases as changesets: a whole database (`generate`), what differs between two (`diff`), what somebody changed by
//! hand (`drift`). What is generated is tried on a private server: it must make the catalog that it is for.

mod baseline;
mod bodies;
mod diff;
mod drift;
mod edges;
mod effects;
mod expected;
mod shadow;
mod side;
mod verify;
mod whole;

pub use baseline::{Baseline, Baselined, baseline};
pub use diff::{DiffAnswer, DiffOptions, diff};
pub use drift::{DriftAnswer, DriftOptions, Ignored, Resolution, drift};
pub use side::{PROJECT, Side};
pub use verify::Verified;
pub use whole::{GenerateAnswer, GenerateOptions, generate};

use crate::base::{Failure, FailureKind};
use crate::pg::Stop;

/// Does the work unless a signal asks to stop.
async fn unless_stopped<T>(stop: &Stop, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = stop.requested() => Err(Failure::new(FailureKind::Interrupted, "the comparison was stopped by a signal")
            .note("nothing was written; no environment was changed")),
    }
}
