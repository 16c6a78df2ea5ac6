//! The declared dependencies compared with the SQL: which changeset uses what another one makes, and whether it comes
//! after it. It reads no server and decides nothing about a run; `pipeline` turns its findings into problems.

mod check;
mod finding;
mod reach;
mod register;
mod settle;
mod summary;

pub use check::{Compared, Scope, check};
pub use finding::{Finding, Kind, Reason};
pub use reach::redundant;
pub use summary::{Spot, Summary, Use};
