//! The graph for programs.

use super::GraphView;
use crate::report::json;

/// `{"nodes": [...], "edges": [...]}`, pretty; edges go from the dependent to what it needs.
pub(super) fn render(graph: &GraphView) -> String {
    json::pretty(graph)
}
