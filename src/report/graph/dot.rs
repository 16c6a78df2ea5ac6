//! The graph for Graphviz.

use super::GraphView;
use crate::base::text::{clip, line, printable};
use crate::report::style::Tone;
use std::fmt::Write;

pub(super) fn render(graph: &GraphView) -> String {
    let mut out = String::from(
        "digraph dagmar {\n    rankdir=LR;\n    node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", \
         fontsize=11, color=\"#6e7781\", fillcolor=\"#f6f8fa\"];\n    edge [color=\"#6e7781\", \
         fontname=\"sans-serif\", fontsize=9, arrowsize=0.7];\n",
    );
    for (i, node) in graph.nodes.iter().enumerate() {
        let mut label = line(&node.id);
        if let Some(text) = &node.label {
            label = format!("{label}\n{}", clip(&line(text), 40));
        }
        let (border, fill) = colours(Tone::of_state(node.state.as_deref().unwrap_or_default()));
        let _ = writeln!(
            out,
            "    n{i} [label={}, tooltip={}, color=\"{border}\", fillcolor=\"{fill}\"];",
            string(&label),
            string(&node.tooltip())
        );
    }
    for link in graph.links() {
        let _ = write!(out, "    n{} -> n{}", link.needed, link.dependent);
        if let Some(soak) = link.soak {
            let _ = write!(out, " [label={}, style=dashed]", string(&line(soak)));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

/// A quoted string of the DOT language. Backslashes start escapes (`\N` is the node's
/// name) and `&` starts an entity, so both are written as themselves.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in printable(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Border and filling.
pub(super) fn colours(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Good => ("#1a7f37", "#dafbe1"),
        Tone::Next => ("#0969da", "#ddf4ff"),
        Tone::Warn => ("#9a6700", "#fff8c5"),
        Tone::Bad => ("#cf222e", "#ffebe9"),
        Tone::Plain | Tone::Strong | Tone::Muted => ("#6e7781", "#f6f8fa"),
    }
}
