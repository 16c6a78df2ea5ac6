//! The graph for Markdown on GitHub and GitLab. Both draw up to 500 edges.

use super::{GraphView, dot::colours};
use crate::base::text::{clip, line};
use crate::report::style::Tone;
use std::fmt::Write;

/// The classes, by tone.
const CLASSES: [(Tone, &str); 5] =
    [(Tone::Good, "good"), (Tone::Next, "next"), (Tone::Warn, "warn"), (Tone::Bad, "bad"), (Tone::Plain, "plain")];

pub(super) fn render(graph: &GraphView) -> String {
    let mut out = String::from("flowchart LR\n");
    for (i, node) in graph.nodes.iter().enumerate() {
        let mut label = text(&line(&node.id));
        if let Some(description) = &node.label {
            let _ = write!(label, "<br/>{}", text(&clip(&line(description), 40)));
        }
        let _ = writeln!(out, "    n{i}[\"{label}\"]");
    }
    for link in graph.links() {
        let _ = match link.soak {
            Some(soak) => writeln!(out, "    n{} -.->|\"{}\"| n{}", link.needed, text(&line(soak)), link.dependent),
            None => writeln!(out, "    n{} --> n{}", link.needed, link.dependent),
        };
    }
    for (tone, name) in CLASSES {
        let members: Vec<String> = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| Tone::of_state(node.state.as_deref().unwrap_or_default()) == tone)
            .map(|(i, _)| format!("n{i}"))
            .collect();
        if !members.is_empty() {
            let (border, fill) = colours(tone);
            let _ = writeln!(out, "    classDef {name} fill:{fill},stroke:{border},color:#1f2328");
            let _ = writeln!(out, "    class {} {name}", members.join(","));
        }
    }
    out
}

/// Text between double quotes: Mermaid writes entities with `#`, a backtick would start
/// Markdown, and an empty text is a mistake.
fn text(raw: &str) -> String {
    if raw.is_empty() {
        return " ".to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '#' | '"' | '&' | '<' | '>' | '`' | ';' | '|' | '\\' => {
                let _ = write!(out, "#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
