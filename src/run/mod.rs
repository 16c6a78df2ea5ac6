//! The events and findings of a run, as values for observers. It imports neither `exec` nor `pg`.

pub mod event;
pub mod finding;

pub use event::{Event, HookOutcome, Listener, Observer, StepError};
pub use finding::{Finding, FindingSeverity};
