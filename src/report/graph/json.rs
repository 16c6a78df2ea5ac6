//! The graph for programs.

use super::GraphView;

/// `{"nodes": [...], "edges": [...]}`, pretty; edges go from the dependent to what it needs.
pub(super) fn render(graph: &GraphView) -> String {
    serde_json::to_string_pretty(graph).expect("strings and numbers serialise") + "\n"
}
