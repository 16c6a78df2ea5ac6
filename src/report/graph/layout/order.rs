//! The order of the boxes within each layer.

use super::Layered;

/// Orders every layer so that few edges cross: sweeps over the layers, each vertex at the
/// mean position of its neighbours, then swaps of neighbours. The best order is kept.
pub(super) fn arrange(graph: &mut Layered) {
    let size = graph.vertices.len();
    let sweeps = if size < 2_000 { 24 } else { 6 };
    let mut position = positions(graph);
    let mut best = (crossings(graph), graph.layers.clone());
    for sweep in 0..sweeps {
        if best.0 == 0 {
            break;
        }
        let count = graph.layers.len();
        for step in 0..count {
            let (layer, to_left) = if sweep % 2 == 0 { (step, true) } else { (count - 1 - step, false) };
            let neighbours = if to_left { &graph.left } else { &graph.right };
            let mut keyed: Vec<(f64, usize)> = graph.layers[layer]
                .iter()
                .map(|v| (mean(&neighbours[*v], &position).unwrap_or(position[*v] as f64), *v))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            graph.layers[layer] = keyed.into_iter().map(|(_, v)| v).collect();
            for (i, v) in graph.layers[layer].iter().enumerate() {
                position[*v] = i;
            }
        }
        if size < 600 {
            swap_neighbours(graph, &mut position);
        }
        let now = crossings(graph);
        if now < best.0 {
            best = (now, graph.layers.clone());
        }
    }
    graph.layers = best.1;
}

fn positions(graph: &Layered) -> Vec<usize> {
    let mut position = vec![0; graph.vertices.len()];
    for layer in &graph.layers {
        for (i, v) in layer.iter().enumerate() {
            position[*v] = i;
        }
    }
    position
}

fn mean(of: &[usize], position: &[usize]) -> Option<f64> {
    let sum: usize = of.iter().map(|v| position[*v]).sum();
    (!of.is_empty()).then(|| sum as f64 / of.len() as f64)
}

/// Swaps two that stand beside each other wherever that saves a crossing.
fn swap_neighbours(graph: &mut Layered, position: &mut [usize]) {
    for layer in 0..graph.layers.len() {
        for i in 1..graph.layers[layer].len() {
            let (a, b) = (graph.layers[layer][i - 1], graph.layers[layer][i]);
            let cross = |upper: usize, lower: usize| -> usize {
                [&graph.left, &graph.right]
                    .iter()
                    .map(|side| {
                        let below = &side[lower];
                        side[upper]
                            .iter()
                            .map(|u| below.iter().filter(|w| position[**w] < position[*u]).count())
                            .sum::<usize>()
                    })
                    .sum()
            };
            if cross(b, a) < cross(a, b) {
                graph.layers[layer].swap(i - 1, i);
                position[a] = i;
                position[b] = i - 1;
            }
        }
    }
}

/// How many pairs of links cross, counted layer by layer with a Fenwick tree.
pub(super) fn crossings(graph: &Layered) -> usize {
    let position = positions(graph);
    let mut total = 0;
    for pair in graph.layers.windows(2) {
        let mut sums = vec![0usize; pair[1].len() + 1];
        let mut seen = 0;
        for v in &pair[0] {
            let ends: Vec<usize> = graph.right[*v].iter().map(|w| position[*w]).collect();
            for &end in &ends {
                let mut not_beyond = 0;
                let mut i = end + 1;
                while i > 0 {
                    not_beyond += sums[i];
                    i &= i - 1;
                }
                total += seen - not_beyond;
            }
            for &end in &ends {
                seen += 1;
                let mut i = end + 1;
                while i < sums.len() {
                    sums[i] += 1;
                    i += i & i.wrapping_neg();
                }
            }
        }
    }
    total
}
