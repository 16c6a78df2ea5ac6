//! Tests of a project as values: what a query returned compared with what was expected, and how the tests ended.
//! Nothing runs here.

pub mod compare;
pub mod decimal;
pub mod difference;
pub mod literal;
pub mod outcome;
mod result;

pub use compare::{Mismatch, compare};
pub use difference::{DiffLine, Difference, Sign};
pub use outcome::{Counts, TestFailure, TestResult, TestStatus};
pub use result::ResultSet;
