//! Rows as values: what tables contain, what differs between two moments, and which rows can be generated for tables.
//! It reads no server; `pg/rows` does.

mod compare;
mod contents;
mod difference;
mod filled;
mod fixture;
pub mod generate;
pub mod table;

pub use compare::compare;
pub use contents::{Contents, TableContents, Value};
pub use difference::{RowDifference, RowDifferenceKind, RowSample};
pub use filled::{Filled, Style};
pub use fixture::{Fixture, FixtureRow, FixtureTable, FixtureText};
