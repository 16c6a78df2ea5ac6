//! The review: what is likely to go wrong with a change although it can be run. Changesets and their compiled steps go
//! in, findings come out; it decides nothing and prints nothing.
//!
//! To add a rule: its row in `base/rule.rs`; a file in `rules/` with its text, its examples and its check; its `mod` line
//! and its row in `rules/mod.rs`. Rules that squawk finds have their row in `sql/squawk.rs` and in `rules/squawk.rs`. The
//! pages of docs/lint are generated from these; a test says how.

mod definition;
mod finding;
mod ignore;
mod place;
mod project;
mod review;
pub mod rules;
mod safe;
mod schema;
mod subject;

pub use finding::{Counts, Finding, Review, Verdict};
pub use review::{Request, of_steps, review};
