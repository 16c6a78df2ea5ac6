//! Reads and writes the ledger of a database over a connection.

pub mod approvals;
pub mod attic;
pub mod audit;
pub mod delivery;
pub mod drift;
pub mod events;
pub mod evidence;
pub mod fingerprint;
pub mod plans;
pub mod read;
pub mod request;
pub mod runs;
pub mod unfinished;
