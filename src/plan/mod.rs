//! Decide: graph and history to a plan. In: values. Out: a plan that is complete, so that
//! nothing is decided after it. No clock, no randomness, no files.

pub mod about;
pub mod again;
pub mod attic;
pub mod compile;
mod facts;
pub mod hazard;
pub mod matrix;
pub mod model;
mod new_objects;
pub mod origin;
pub mod reasons;
mod render_context;
pub mod rollback;
pub mod sealed;
pub mod secrets;
mod segments;
#[cfg(feature = "pg")]
pub mod signature;
pub mod states;
pub mod step;
pub mod stored;
mod waves;
pub mod writing;

pub use about::{About, Commit, Destination, Maker, Size};
pub use compile::{CompileError, Compiled, Decision, Edited, Request, decide, forward, renamed};
pub use hazard::{Destructive, Hazard};
pub use model::*;
pub use waves::{WaveDelay, late, order};
