//! The directed acyclic graph of changesets: a total order with reasons, cycles, closures and selectors. It imports
//! neither `plan` nor anything right of it; only this room names petgraph.

mod build;
mod components;
mod cycle;
mod order;
pub mod select;

pub use build::{Edge, Graph, build};
pub use components::{components, reduced};
