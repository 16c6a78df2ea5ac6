//! A plan as the SQL that is sent: the frames of each step, their order, and the kind of each statement. It uses no server
//! and no clock; the executor, the psql script and the dry run print the same frames.
//!
//! [`frames`]: a step as [`Frame`]s. [`printer`]: the three printers and their differences. [`dry_run`]: a plan as one
//! transaction that is rolled back. [`durability`]: which COMMITs wait for the WAL flush. [`schedule`]: the order of steps.

pub mod batches;
pub mod dry_run;
pub mod durability;
pub mod frames;
mod locks;
pub mod message;
pub mod printer;
pub mod schedule;
pub mod script;
pub mod session;
mod whole;

pub use durability::Level;
pub use frames::{BatchFrames, Frame, Writer, is_single};
pub use printer::Printer;
pub use script::{Script, StatementTag};
pub use whole::check as check_whole;
