//! What depends on each other in a circle, and the order of the rest.

use super::order::kahn;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeSet;

/// The nodes in an order in which each comes after those that it needs; those that need each other are together. Where
/// the needs leave a choice, the lower number comes first.
#[must_use]
pub fn components(needs: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let edges = needs.iter().enumerate().flat_map(|(node, needed)| needed.iter().map(move |other| (*other, node)));
    let graph = graph_of(needs.len(), edges.clone());
    let mut knots: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .map(|knot| {
            let mut knot: Vec<usize> = knot.into_iter().map(NodeIndex::index).collect();
            knot.sort_unstable();
            knot
        })
        .collect();
    knots.sort();
    let mut knot_of = vec![0; needs.len()];
    for (number, knot) in knots.iter().enumerate() {
        knot.iter().for_each(|node| knot_of[*node] = number);
    }
    let between = edges.map(|(other, node)| (knot_of[other], knot_of[node])).filter(|(other, node)| other != node);
    let between = graph_of(knots.len(), between);
    let order = kahn(&between);
    order.into_iter().map(|number| std::mem::take(&mut knots[number])).collect()
}

fn graph_of(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> DiGraph<usize, ()> {
    let mut graph = DiGraph::new();
    for node in 0..nodes {
        graph.add_node(node);
    }
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
    }
    graph
}

/// The needs without those that follow from others. The nodes are in an order in which each comes after those that it
/// needs.
#[must_use]
pub fn reduced(needs: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let words = needs.len().div_ceil(64);
    let mut all: Vec<Vec<u64>> = Vec::with_capacity(needs.len());
    let mut reduced = Vec::with_capacity(needs.len());
    for needed in needs {
        let mut reached = vec![0; words];
        let mut kept = BTreeSet::new();
        // the latest first: it may lead to the others
        for other in needed.iter().rev().filter(|other| **other < all.len()) {
            if reached[other / 64] & (1 << (other % 64)) == 0 {
                kept.insert(*other);
                reached[other / 64] |= 1 << (other % 64);
                reached.iter_mut().zip(&all[*other]).for_each(|(word, more)| *word |= more);
            }
        }
        all.push(reached);
        reduced.push(kept);
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(all: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        all.iter().map(|needed| needed.iter().copied().collect()).collect()
    }

    #[test]
    fn circles_stay_together_and_the_rest_is_in_order() {
        let found = components(&needs(&[&[3], &[], &[4], &[2], &[3], &[0, 1]]));
        assert_eq!(found, [vec![1], vec![2, 3, 4], vec![0], vec![5]]);
    }

    #[test]
    fn what_follows_from_others_goes() {
        let found = reduced(&needs(&[&[], &[0], &[0, 1], &[0], &[0, 1, 2, 3]]));
        assert_eq!(found, needs(&[&[], &[0], &[1], &[0], &[2, 3]]));
    }
}
