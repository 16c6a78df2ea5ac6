//! Test files: what a project expects of its changesets.

mod context;
pub mod form;
pub mod model;
mod parts;
pub mod read;
mod results;

pub use context::Context;
pub use model::{
    Action, Chosen, Expected, ExpectedFailure, ExpectedRows, Given, GivenRow, Session, SqlText, Step, Test,
};
pub use read::tests;
