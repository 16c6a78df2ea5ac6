//! Cycles, each with its whole path.

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{HashMap, HashSet, VecDeque};

/// One shortest cycle of every knot of the graph, starting at the changeset that is declared
/// first; each position depends on the next one. Iterative throughout: a chain of 100,000
/// changesets overflows the stack of a recursive search.
pub fn all<E>(graph: &DiGraph<usize, E>) -> Vec<Vec<usize>> {
    let mut cycles: Vec<Vec<usize>> = kosaraju_scc(graph)
        .into_iter()
        .filter(|knot| knot.len() > 1)
        .map(|knot| {
            let members: HashSet<NodeIndex> = knot.iter().copied().collect();
            let first = knot.into_iter().min().expect("a knot has members");
            shortest(graph, first, &members)
        })
        .collect();
    cycles.sort();
    cycles
}

/// Breadth first along dependencies, inside of the knot, until the start is reached again.
fn shortest<E>(graph: &DiGraph<usize, E>, start: NodeIndex, members: &HashSet<NodeIndex>) -> Vec<usize> {
    let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for next in graph.neighbors_directed(node, Direction::Incoming).filter(|n| members.contains(n)) {
            if next == start {
                let mut path = vec![node.index()];
                let mut at = node;
                while at != start {
                    at = came_from[&at];
                    path.push(at.index());
                }
                path.reverse();
                return path;
            }
            if next != start && !came_from.contains_key(&next) {
                came_from.insert(next, node);
                open.push_back(next);
            }
        }
    }
    vec![start.index()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_path_of_each_knot() {
        let mut g = DiGraph::new();
        (0..9).for_each(|i| {
            g.add_node(i);
        });
        // dependency -> dependent: 0 needs 5, 5 needs 6, 6 needs 0; 2 needs 6, 5 needs 2
        for (to, from) in [(5, 0), (6, 5), (0, 6), (6, 2), (2, 5), (8, 7), (7, 8)] {
            g.add_edge(NodeIndex::new(to), NodeIndex::new(from), ());
        }
        assert_eq!(all(&g), [vec![0, 5, 6], vec![7, 8]]);
    }

    #[test]
    fn long_chains_do_not_overflow_the_stack() {
        let n = 200_000;
        let mut g = DiGraph::new();
        (0..n).for_each(|i| {
            g.add_node(i);
        });
        for i in 0..n {
            g.add_edge(NodeIndex::new(i), NodeIndex::new((i + 1) % n), ());
        }
        assert_eq!(all(&g)[0].len(), n);
    }
}
