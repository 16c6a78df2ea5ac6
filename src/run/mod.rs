//! What a run is, as values: the events that everybody listens to.

pub mod event;
pub mod finding;

pub use event::{Event, HookOutcome, Listener, Observer, StepError};
pub use finding::{Finding, FindingSeverity};
