//! Renders a graph of changesets, given as plain nodes and edges. All pictures flow from a dependency to its dependents,
//! in the order of execution.

mod dot;
mod json;
mod layout;
mod mermaid;
pub mod svg;
mod tree;
mod view;

use super::lines::Rendered;
use view::Link;
pub use view::{EdgeOrigin, GraphEdge, GraphNode, GraphOptions, GraphView};

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// For a terminal.
    Tree,
    /// For Graphviz.
    Dot,
    /// For Markdown on GitHub and GitLab.
    Mermaid,
    /// For programs.
    Json,
    /// A picture.
    Svg,
}

impl GraphFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[GraphFormat] =
        &[GraphFormat::Tree, GraphFormat::Dot, GraphFormat::Mermaid, GraphFormat::Json, GraphFormat::Svg];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            GraphFormat::Tree => "tree",
            GraphFormat::Dot => "dot",
            GraphFormat::Mermaid => "mermaid",
            GraphFormat::Json => "json",
            GraphFormat::Svg => "svg",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Draws `graph`. The same graph gives the same text.
    #[must_use]
    pub fn render(self, graph: &GraphView, options: GraphOptions) -> Rendered {
        Rendered::Document(match self {
            GraphFormat::Tree => return Rendered::Text(tree::render(graph, options)),
            GraphFormat::Dot => dot::render(graph),
            GraphFormat::Mermaid => mermaid::render(graph),
            GraphFormat::Json => json::render(graph),
            GraphFormat::Svg => svg::render(graph),
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
