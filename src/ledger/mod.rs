//! What the database remembers, as values: read into a [`History`], written as SQL text that
//! the executor and the psql script share. The tables are in `schema/ledger/`.

pub mod approval;
pub mod attic;
pub mod chain;
pub mod code;
pub mod event;
pub mod grants;
pub mod history;
pub mod json;
pub mod record;
pub mod repair;
pub mod run;
pub mod schema;
pub mod walk;

pub use approval::{Approval, Verdict};
pub use event::EventKind;
pub use history::{Direction, History, Recorded, Renamed, SegmentState, Status};
pub use run::{RunKind, RunStatus};
