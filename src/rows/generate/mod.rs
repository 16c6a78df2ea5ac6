//! Rows for tables: deterministic, so that the same tables get the same rows.
//!
//! `values` has the values of each type, `hints` reads values from the expressions of constraints, `factors` joins
//! columns whose values depend on each other, `row` chooses.

mod domains;
mod factors;
mod hints;
mod known;
mod pattern;
mod row;
mod values;

pub use domains::{DomainProbe, inner_domains};
pub use factors::{Probe, Rows};
pub use known::Known;
pub use row::{Generator, Insert};
