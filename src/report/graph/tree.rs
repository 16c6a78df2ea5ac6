//! The graph for a terminal, in the manner of `cargo tree`: what is needed stands above
//! what needs it. Each changeset is shown once with all that follows from it; where it is
//! mentioned again it is marked with `(*)`. A changeset with one follower does not indent
//! it: long histories are mostly chains.

use super::{GraphNode, GraphOptions, GraphView};
use crate::report::style::{Style, Tone};
use crate::report::text::line;
use std::fmt::Write;

struct Signs {
    branch: &'static str,
    last: &'static str,
    bar: &'static str,
    then: &'static str,
}

const UNICODE: Signs = Signs { branch: "├── ", last: "└── ", bar: "│   ", then: "↓ " };
const ASCII: Signs = Signs { branch: "|-- ", last: "`-- ", bar: "|   ", then: "v " };
const BLANK: &str = "    ";

/// A mention of a changeset that is still to be written.
struct Mention<'a> {
    node: usize,
    soak: Option<&'a str>,
    /// What stands before its sign, and before its followers' signs.
    before: String,
    below: String,
    sign: &'static str,
}

pub(super) fn render(graph: &GraphView, options: GraphOptions) -> String {
    let signs = if options.ascii { &ASCII } else { &UNICODE };
    let links = graph.links();
    let mut followers: Vec<Vec<(usize, Option<&str>)>> = vec![Vec::new(); graph.nodes.len()];
    let mut is_root = vec![true; graph.nodes.len()];
    for link in &links {
        followers[link.needed].push((link.dependent, link.soak));
        is_root[link.dependent] = false;
    }
    let mut seen = vec![false; graph.nodes.len()];
    let mut out = String::new();
    // what only a cycle leads to comes after everything that has a beginning
    let roots = (0..graph.nodes.len()).filter(|n| is_root[*n]);
    for root in roots.chain(0..graph.nodes.len()) {
        if seen[root] {
            continue;
        }
        // a stack of our own: the depth of a graph is not bounded by anything
        let first = Mention { node: root, soak: None, before: String::new(), below: String::new(), sign: "" };
        let mut open = vec![first];
        while let Some(mention) = open.pop() {
            let again = std::mem::replace(&mut seen[mention.node], true);
            let node = &graph.nodes[mention.node];
            let _ = write!(out, "{}{}", mention.before, mention.sign);
            write_node(&mut out, node, mention.soak, again, options.style);
            if again {
                continue;
            }
            let next = &followers[mention.node];
            if let [(only, soak)] = next[..]
                && !seen[only]
            {
                let before = mention.below.clone();
                open.push(Mention { node: only, soak, before, below: mention.below, sign: signs.then });
                continue;
            }
            for (i, &(node, soak)) in next.iter().enumerate().rev() {
                let last = i + 1 == next.len();
                let below = format!("{}{}", mention.below, if last { BLANK } else { signs.bar });
                let sign = if last { signs.last } else { signs.branch };
                open.push(Mention { node, soak, before: mention.below.clone(), below, sign });
            }
        }
    }
    out
}

fn write_node(out: &mut String, node: &GraphNode, soak: Option<&str>, again: bool, style: Style) {
    let id = line(&node.id);
    let _ = write!(out, "{}", if again { style.paint(Tone::Muted, &id) } else { style.paint(Tone::Strong, &id) });
    if let Some(soak) = soak {
        let _ = write!(out, " {}", style.paint(Tone::Warn, &format!("[after {}]", line(soak))));
    }
    if again {
        let _ = writeln!(out, " {}", style.paint(Tone::Muted, "(*)"));
        return;
    }
    if let Some(state) = &node.state {
        let state = line(state);
        let _ = write!(out, " {}", style.paint(Tone::of_state(&state), &format!("[{state}]")));
    }
    if let Some(label) = &node.label {
        let _ = write!(out, "  {}", style.paint(Tone::Muted, &line(label)));
    }
    out.push('\n');
}
