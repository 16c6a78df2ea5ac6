//! The graph for a terminal, in the manner of `cargo tree`: what is needed stands above
//! what needs it. Each changeset is shown once with all that follows from it; where it is
//! mentioned again it is marked with `(*)`. A changeset with one follower does not indent
//! it: long histories are mostly chains.

use super::{GraphNode, GraphOptions, GraphView};
use crate::base::text::{clip, line};
use crate::report::lines::{Line, Text};
use crate::report::style::Tone;

/// A description that would be cut to less than this is left out.
const NARROW: usize = 12;

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

pub(super) fn render(graph: &GraphView, options: GraphOptions) -> Text {
    let signs = if options.ascii { &ASCII } else { &UNICODE };
    let links = graph.links();
    let mut followers: Vec<Vec<(usize, Option<&str>)>> = vec![Vec::new(); graph.nodes.len()];
    let mut is_root = vec![true; graph.nodes.len()];
    for link in &links {
        followers[link.needed].push((link.dependent, link.soak));
        is_root[link.dependent] = false;
    }
    let mut seen = vec![false; graph.nodes.len()];
    let mut out = Text::new();
    let mut used = Used::default();
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
            let head = Line::from(format!("{}{}", mention.before, mention.sign));
            out.line(node_line(head, node, mention.soak, again, options.limit));
            used.again |= again;
            used.then |= mention.sign == signs.then;
            used.soak |= mention.soak.is_some();
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
    used.legend(&mut out, signs);
    out
}

/// The signs that stand in the tree.
#[derive(Default)]
struct Used {
    then: bool,
    again: bool,
    soak: bool,
}

impl Used {
    fn legend(&self, out: &mut Text, signs: &Signs) {
        let signs = [
            (self.then, signs.then.trim_end(), "depends on the entry above it, at the same indentation"),
            (self.again, "(*)", "already listed above, with its dependents"),
            (self.soak, "[after ...]", "waits for this time after its dependency was applied"),
        ];
        if signs.iter().any(|(used, ..)| *used) {
            out.gap();
        }
        for (_, sign, meaning) in signs.iter().filter(|(used, ..)| *used) {
            out.line(Line::new().paint(Tone::Muted, format!("{sign} {meaning}")));
        }
    }
}

fn node_line(head: Line, node: &GraphNode, soak: Option<&str>, again: bool, limit: Option<usize>) -> Line {
    let mut text = head.paint(if again { Tone::Muted } else { Tone::Strong }, line(&node.id)).whole();
    if let Some(soak) = soak {
        text = text.plain(" ").paint(Tone::Warn, format!("[after {}]", line(soak)));
    }
    if again {
        return text.paint(Tone::Muted, " (*)");
    }
    if let Some(state) = &node.state {
        let state = line(state);
        text = text.plain(" ").paint(Tone::of_state(&state), format!("[{state}]"));
    }
    if let Some(label) = &node.label {
        let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(text.width() + 2));
        if room >= NARROW {
            text = text.paint(Tone::Muted, format!("  {}", clip(&line(label), room)));
        }
    }
    text
}
