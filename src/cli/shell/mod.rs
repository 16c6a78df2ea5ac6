//! What the commands share: options, streams, questions, signals, progress.

pub(crate) mod about;
pub(crate) mod audit;
pub(crate) mod by_hand;
pub(crate) mod complete;
pub(crate) mod database;
pub(crate) mod everywhere;
pub(crate) mod file;
pub(crate) mod gating;
pub(crate) mod global;
pub(crate) mod left;
pub(crate) mod look;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod rehearsal;
pub(crate) mod running;
pub(crate) mod seal;
pub(crate) mod sealed;
pub(crate) mod session;
