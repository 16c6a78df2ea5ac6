//! The sequences in which changesets run on nothing but their dependencies, as a tree: what several begin with is in it
//! once.

use std::collections::BTreeMap;

/// Sequences of positions.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    /// The first one is before all sequences.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    at: usize,
    /// How many are before it.
    height: usize,
    is_end: bool,
    next: BTreeMap<usize, usize>,
}

/// A turn of the walk: a changeset on those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// The position of the changeset.
    pub at: usize,
    /// How many are before it.
    pub height: usize,
    /// Whether a sequence ends with it.
    pub is_end: bool,
}

impl Sequences {
    /// A tree of these sequences.
    pub(super) fn of(sequences: impl IntoIterator<Item = Vec<usize>>) -> Self {
        let mut nodes = vec![Node::default()];
        for sequence in sequences {
            let mut here = 0;
            for (height, at) in sequence.into_iter().enumerate() {
                let new = nodes.len();
                here = *nodes[here].next.entry(at).or_insert(new);
                if here == new {
                    nodes.push(Node { at, height, ..Node::default() });
                }
            }
            nodes[here].is_end = true;
        }
        Self { nodes }
    }

    /// The turns, each behind that of the changeset before it, and before all others that do not begin with both.
    pub(super) fn turns(&self) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<usize> =
            self.nodes.first().into_iter().flat_map(|root| root.next.values().rev()).copied().collect();
        while let Some(node) = open.pop().map(|at| &self.nodes[at]) {
            turns.push(Turn { at: node.at, height: node.height, is_end: node.is_end });
            open.extend(node.next.values().rev());
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sequences_begin_with_has_one_turn() {
        // two chains, one after the other in the files: 1 3 5 and 2 4
        let sequences = Sequences::of([vec![1], vec![2], vec![1, 3], vec![2, 4], vec![1, 3, 5], vec![1, 2, 6]]);
        let turns = sequences.turns();
        let seen: Vec<_> = turns.iter().map(|turn| (turn.height, turn.at, turn.is_end)).collect();
        let expected =
            [(0, 1, true), (1, 2, false), (2, 6, true), (1, 3, true), (2, 5, true), (0, 2, true), (1, 4, true)];
        assert_eq!(seen, expected);
    }
}
