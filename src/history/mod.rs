//! What the database remembers, as values: changesets with their states, approvals, the attic's entries,
//! and the words for events and runs. No SQL; `ledger` writes what is here, `pg` reads it.

pub mod approval;
pub mod attic;
pub mod event;
pub mod recorded;
pub mod run;

pub use approval::{Approval, ApprovalVerdict};
pub use event::EventKind;
pub use recorded::{Direction, History, Recorded, RecordedStatus, Renamed, SegmentState};
pub use run::{RunKind, RunStatus};
