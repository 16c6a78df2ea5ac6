//! The order: Kahn's algorithm with a tie-break on the declaration, so that the same input
//! gives the same order and an unrelated changeset does not reorder the rest.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Positions, dependencies first. Shorter than the graph when there is a cycle.
pub fn kahn<E>(graph: &DiGraph<usize, E>) -> Vec<usize> {
    let mut waiting: Vec<usize> =
        graph.node_indices().map(|n| graph.neighbors_directed(n, Direction::Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        waiting.iter().enumerate().filter(|(_, n)| **n == 0).map(|(i, _)| Reverse(i)).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(next);
        for dependent in graph.neighbors_directed(NodeIndex::new(next), Direction::Outgoing) {
            waiting[dependent.index()] -= 1;
            if waiting[dependent.index()] == 0 {
                ready.push(Reverse(dependent.index()));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(n: usize, edges: &[(usize, usize)]) -> DiGraph<usize, ()> {
        let mut g = DiGraph::new();
        (0..n).for_each(|i| {
            g.add_node(i);
        });
        edges.iter().for_each(|(a, b)| {
            g.add_edge(NodeIndex::new(*a), NodeIndex::new(*b), ());
        });
        g
    }

    #[test]
    fn ties_are_broken_by_declaration() {
        assert_eq!(kahn(&graph(4, &[])), [0, 1, 2, 3]);
        let order = kahn(&graph(8, &[(0, 5), (3, 1)]));
        assert_eq!(order, [0, 2, 3, 1, 4, 5, 6, 7]);
        // edges in another order, and one more that agrees with the order
        assert_eq!(kahn(&graph(8, &[(3, 1), (6, 7), (0, 5)])), order);
    }

    #[test]
    fn an_unrelated_node_leaves_the_rest_alone() {
        let before = kahn(&graph(5, &[(4, 0), (2, 1)]));
        let mut after = kahn(&graph(6, &[(4, 0), (2, 1)]));
        after.retain(|n| *n != 5);
        assert_eq!(after, before);
    }
}
