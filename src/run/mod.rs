//! What a run is, as values: the events that everybody listens to.

pub mod event;

pub use event::{Event, Observer, StepError};
