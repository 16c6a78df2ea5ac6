//! Which changesets come after which: many questions at once.

use crate::graph::Graph;
use std::collections::{HashMap, HashSet};

/// Targets that are looked at together: a bit each, for every changeset.
const BLOCK: usize = 512;

/// Of these pairs those in which the first changeset comes after the second, by edges.
pub(super) fn after(graph: &Graph, pairs: impl IntoIterator<Item = (usize, usize)>) -> HashSet<(usize, usize)> {
    let at = graph.ranks();
    let mut found = HashSet::new();
    let mut open: HashMap<usize, Vec<usize>> = HashMap::new();
    for (from, to) in pairs {
        if at[to] >= at[from] {
            continue;
        }
        if graph.dependencies(from).any(|edge| edge.to == to) {
            found.insert((from, to));
        } else {
            open.entry(to).or_default().push(from);
        }
    }
    let mut targets: Vec<(usize, Vec<usize>)> = open.into_iter().collect();
    targets.sort_unstable_by_key(|(to, _)| at[*to]);
    for block in targets.chunks(BLOCK) {
        let words = block.len().div_ceil(64);
        let mut bits = vec![0u64; words * at.len()];
        for (n, (to, _)) in block.iter().enumerate() {
            bits[to * words + n / 64] |= 1 << (n % 64);
        }
        let first = block.first().map_or(0, |(to, _)| at[*to]);
        for &position in &graph.order()[first..] {
            for edge in graph.dependencies(position) {
                for word in 0..words {
                    bits[position * words + word] |= bits[edge.to * words + word];
                }
            }
        }
        for (n, (to, froms)) in block.iter().enumerate() {
            let is_after = |from: &usize| bits[from * words + n / 64] & (1 << (n % 64)) != 0;
            found.extend(froms.iter().copied().filter(is_after).map(|from| (from, *to)));
        }
    }
    found
}

/// Declared dependencies that follow from others, without a time to wait: the changeset, the dependency, and another
/// dependency of the changeset that leads to it.
#[must_use]
pub fn redundant(graph: &Graph) -> Vec<(usize, usize, usize)> {
    let mut asked = Vec::new();
    for &position in graph.order() {
        let direct: Vec<_> = graph.dependencies(position).collect();
        for edge in direct.iter().filter(|edge| edge.soak.millis == 0) {
            let others = direct.iter().filter(|other| other.to != edge.to);
            asked.extend(others.map(|other| (position, edge.to, other.to)));
        }
    }
    let known = after(graph, asked.iter().map(|(_, to, other)| (*other, *to)));
    let mut seen = HashSet::new();
    asked.retain(|(from, to, other)| known.contains(&(*other, *to)) && seen.insert((*from, *to)));
    asked
}
