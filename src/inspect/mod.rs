//! The catalog of a database as a value that can be compared: what is in it, object by object and property by
//! property, and nothing that differs between two databases with the same schema (oids, file numbers, counters).
//!
//! [`Snapshot`]: all objects. [`Delta`]: those that a transaction changed. [`compare`]: the [`Difference`]s of two
//! snapshots. [`Snapshot::fingerprint`]: equal for equal schemas. `pg::inspect` reads them from a server.

mod alike;
mod compare;
mod ddl;
mod delta;
mod fingerprint;
mod kind;
mod object;
mod privileges;

mod snapshot;
mod words;

#[cfg(test)]
mod tests;

pub use compare::{Change, Difference, compare};
pub use ddl::{create_object, cuts, ddl, drop_default, drop_object, finish_sequence, own_sequence, set_default};
pub use delta::{Delta, compare_deltas};
pub use kind::ObjectKind;
pub use object::{Address, Object, ObjectKey};
pub use privileges::{Grant, OWNER, privileges_of};
pub use snapshot::{NotCompared, Snapshot};
pub use words::words;
