//! Runs in the background: a caller leaves an order, a thread of its own carries it out by the sequence of the command
//! line ([`crate::ops::perform`]), and the caller may wait for it or not. One run at a time in an environment; across
//! services and command lines the lock in the database decides. What is here is memory of this process: the truth of a
//! run is the ledger.

pub mod key;
pub mod listener;
pub mod log;
pub mod order;
pub mod past;
pub mod progress;
pub mod registry;
pub mod state;
pub mod thread;
pub mod view;

pub use key::Repeat;
pub use order::{IfBusy, Order, What};
pub use progress::Progress;
pub use registry::{Asked, Registry, Turned};
pub use state::{Live, Phase, State};
pub use view::Run;
