//! Decides: compiles graph and history to a complete plan, so that no later stage decides anything. It uses no clock,
//! no randomness and no files, and imports neither `ledger` nor `pg`.

pub mod about;
pub mod again;
pub mod attic;
pub mod compile;
mod facts;
pub mod hazard;
pub mod impact;
pub mod matrix;
pub mod model;
mod new_objects;
pub mod origin;
pub mod reasons;
mod render_context;
mod resolve;
pub mod rollback;
pub mod sealed;
pub mod secrets;
mod segments;
pub mod session;
#[cfg(feature = "pg")]
pub mod signature;
pub mod states;
pub mod step;
pub mod stored;
mod waves;
mod work;
pub mod writing;

pub use about::{About, Commit, Destination, Maker, Size};
pub use compile::{CompileError, Compiled, Decision, Edited, Request, decide, forward, renamed};
pub use hazard::{Destructive, Hazard};
pub use impact::{HeldBy, Impact, Impacts, Live};
pub use model::*;
pub use resolve::resolve;
pub use session::{Session, TableLock};
pub use waves::plan as of_steps;
pub use waves::{WaveDelay, late, order};
pub use work::{Work, worked_on};
