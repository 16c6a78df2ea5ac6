//! Renders values to text: diagnostics, graphs, plans, tables. It decides and prints nothing; the caller chooses colours
//! ([`Style`]).
//!
//! To add a format of a graph, matrix or plan: a file in `graph/`, `matrix/` or `plan/`, its `mod` line and its row in
//! the table there, and golden files in `tests/golden/report/`; tests compare them.

pub mod csv;
pub mod diag;
pub mod diff;
mod edges;
pub mod failure;
pub mod gates;
pub mod graph;
pub mod json;
pub mod lint;
pub mod matrix;
pub mod plan;
pub mod preflight;
pub mod proof;
pub mod reference;
pub mod script;
pub mod style;
pub mod table;
pub mod test;

mod escape;
mod findings;
mod junit;
mod lines;
mod page;
mod psql_secrets;

#[cfg(test)]
mod golden;

pub use crate::base::text::{coloured, printable, width};
pub use edges::edges;
pub use failure::FailureAnswer;
pub use graph::{EdgeOrigin, GraphEdge, GraphFormat, GraphNode, GraphOptions, GraphView};
pub use lines::{Line, Rendered, Text};
pub use lint::{LintAnswer, LintFormat};
pub use matrix::{MatrixAnswer, MatrixFormat, MatrixOptions};
pub use plan::{Detail, PlanAnswer, PlanFormat, PlanOptions, Preview, Seal};
pub use proof::{ProofAnswer, ProofFormat};
pub use style::{Style, Tone};
pub use table::{Cell, Table};
pub use test::{TestAnswer, TestFormat};
