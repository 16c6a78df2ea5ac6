//! The height of every box and trunk, in the order that was chosen.

use super::{GAP, Layered};

/// How often the layers are gone through.
const PASSES: usize = 24;

/// The middle of every vertex; the smallest upper edge is at 0.
pub(super) fn heights(graph: &Layered) -> Vec<f64> {
    let mut middle = vec![0.0; graph.vertices.len()];
    for layer in &graph.layers {
        let mut y = 0.0;
        for (i, v) in layer.iter().enumerate() {
            if i > 0 {
                y += distance(graph, layer[i - 1], *v);
            }
            middle[*v] = y;
        }
    }
    let count = graph.layers.len();
    for pass in 0..PASSES {
        for step in 0..count {
            let layer = if pass % 2 == 0 { step } else { count - 1 - step };
            let both = pass + 2 >= PASSES;
            let wishes: Vec<(f64, f64)> = graph.layers[layer]
                .iter()
                .map(|v| wish(graph, *v, &middle, both || pass % 2 == 0, both || pass % 2 == 1))
                .collect();
            settle(graph, &graph.layers[layer], &wishes, &mut middle);
        }
    }
    let top = graph.vertices.iter().zip(&middle).map(|(v, m)| m - v.height / 2.0).fold(f64::INFINITY, f64::min);
    middle.iter().map(|m| m - top).collect()
}

fn distance(graph: &Layered, above: usize, below: usize) -> f64 {
    let (above, below) = (&graph.vertices[above], &graph.vertices[below]);
    let gap = if above.lane && below.lane { 0.0 } else { GAP };
    (above.height + below.height) / 2.0 + gap
}

/// Where a vertex wants to be, and how much: trunks want to be straight.
fn wish(graph: &Layered, v: usize, middle: &[f64], left: bool, right: bool) -> (f64, f64) {
    let (mut sum, mut weight) = (0.0, 0.0);
    let sides = [(left, &graph.left[v]), (right, &graph.right[v])];
    for w in sides.iter().filter(|(on, _)| *on).flat_map(|(_, side)| side.iter()) {
        let pull = match (graph.vertices[v].lane, graph.vertices[*w].lane) {
            (true, true) => 8.0,
            (false, false) => 1.0,
            _ => 2.0,
        };
        sum += middle[*w] * pull;
        weight += pull;
    }
    if weight == 0.0 { (middle[v], 0.05) } else { (sum / weight, weight) }
}

/// The places nearest to the wishes (least squares) that keep order and distances: pools
/// of neighbours that push each other share their mean.
fn settle(graph: &Layered, layer: &[usize], wishes: &[(f64, f64)], middle: &mut [f64]) {
    // pool: weighted sum of wishes less offsets, weight, members
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (i, v) in layer.iter().enumerate() {
        if i > 0 {
            offset += distance(graph, layer[i - 1], *v);
        }
        offsets.push(offset);
        let (at, weight) = wishes[i];
        let mut pool = ((at - offset) * weight, weight, 1);
        while let Some(last) = pools.last().copied() {
            if last.0 / last.1 <= pool.0 / pool.1 {
                break;
            }
            pools.pop();
            pool = (pool.0 + last.0, pool.1 + last.1, pool.2 + last.2);
        }
        pools.push(pool);
    }
    let mut members = layer.iter().zip(&offsets);
    for (sum, weight, count) in pools {
        for (v, offset) in members.by_ref().take(count) {
            middle[*v] = sum / weight + offset;
        }
    }
}
