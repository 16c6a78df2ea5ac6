//! The contents of the ledger as values: changesets with their states, approvals, attic entries, and the words for
//! events and runs. It contains no SQL: `ledger` writes these values, and `pg` reads them.

pub mod approval;
pub mod attic;
pub mod event;
pub mod recorded;
pub mod run;

pub use approval::{Approval, ApprovalVerdict};
pub use event::EventKind;
pub use recorded::{Direction, History, Recorded, RecordedStatus, Renamed, SegmentState};
pub use run::{RunKind, RunStatus};
