//! Reads the catalog of a database as a [`Snapshot`](crate::inspect::Snapshot).
//!
//! `sql` has one query for each class of objects; `classes.rs` is their table. All of them go in one message and run
//! under settings of their own, so that definitions have the same text in every session. [`delta`] reads again only
//! what the open transaction changed: `changed.rs` asks the server for it.

mod changed;
mod classes;
mod delta;
mod message;
mod read;
mod scope;
mod snapshot;

pub use delta::delta;
pub use scope::Scope;
pub use snapshot::snapshot;
