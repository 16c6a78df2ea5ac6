//! Decide: graph and history to a plan. In: values. Out: a plan that is complete, so that
//! nothing is decided after it. No clock, no randomness, no files.

pub mod model;

pub use model::*;
