//! How a plan is run, as text: what is sent for each step, in which order, and what each statement
//! is. No server, no clock: whoever runs a plan, writes it down or tries it prints the same frames.
//!
//! [`frames`]: a step as [`Frame`]s. [`printer`]: for whom they are printed, and in what these differ.
//! [`dry_run`]: a plan as one transaction that is rolled back. [`durability`]: which COMMITs wait for the disk. [`schedule`]: which step is next.

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
