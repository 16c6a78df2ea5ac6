//! The directed acyclic graph of changesets. In: a changelog. Out: an order that is total
//! and explained, and questions about it. petgraph stays inside this folder.

mod build;
mod cycle;
mod order;
pub mod select;

pub use build::{Edge, Graph, build};
