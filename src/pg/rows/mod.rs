//! The rows of a database: reads them, generates them, loads fixtures.
//!
//! Everything here works in the transaction that is open, and leaves its settings as they were; what fails is taken back
//! to a savepoint. The time depends on the selected tables and those that their foreign keys lead to.

mod contents;
mod describe;
mod fill;
mod fixtures;
mod savepoint;
mod selection;
mod touched;

pub use contents::contents;
pub use describe::describe;
pub use fill::{Round, fill};
pub use fixtures::{Fixtures, LoadedFixture};
pub use selection::Selection;
pub use touched::touched;
