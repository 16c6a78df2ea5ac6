//! Lays out the boxes of a graph from left to right: layers by the longest path from a root, the order within a layer by
//! barycenters (Sugiyama, Tagawa and Toda 1981), heights by least squares that keep the order. Edges over several layers
//! share a trunk with the other long edges of their box.

mod layered;
mod order;
mod place;

use layered::{GAP, Layered, Vertex};

/// Space between two layers, at least.
const COLUMN_GAP: f64 = 56.0;
/// Height that is kept free for a trunk.
const LANE: f64 = 10.0;
/// Trunk pieces of one picture; the long edges beyond that go straight.
const MAX_LANES: usize = 20_000;

/// A point of the picture.
pub(super) type Point = (f64, f64);

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The size of the whole.
    pub size: Point,
    /// The upper left corners of the boxes.
    pub boxes: Vec<Point>,
    /// The trunks: points in pairs, straight within a pair, curved between pairs.
    pub trunks: Vec<Vec<Point>>,
    /// For each edge its way, in the same form; the last point is at the dependent's box.
    pub ways: Vec<Vec<Point>>,
}

/// Lays out boxes of these sizes with these edges (needed, dependent), from the left to the right; in these
/// layers, if they are given, else as far to the left as the edges let them.
pub(super) fn layout(sizes: &[Point], edges: &[(usize, usize)], layers: Option<Vec<usize>>) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let layers = layers.unwrap_or_else(|| longest_ways(sizes.len(), edges));
    let mut graph = layered(sizes, edges, &layers);
    order::arrange(&mut graph);
    let middle = place::heights(&graph);
    draw(sizes, edges, &graph, &middle)
}

impl Layout {
    /// The same from the top to the bottom; the sizes of its boxes were turned before.
    pub fn turned(mut self) -> Self {
        let turn = |points: &mut Vec<Point>| points.iter_mut().for_each(|(x, y)| std::mem::swap(x, y));
        self.size = (self.size.1, self.size.0);
        turn(&mut self.boxes);
        self.trunks.iter_mut().chain(&mut self.ways).for_each(turn);
        self
    }
}

fn layered(sizes: &[Point], edges: &[(usize, usize)], layer: &[usize]) -> Layered {
    let n = sizes.len();
    let mut graph = Layered {
        vertices: (0..n).map(|i| Vertex { layer: layer[i], height: sizes[i].1, lane: false }).collect(),
        left: vec![Vec::new(); n],
        right: vec![Vec::new(); n],
        layers: Vec::new(),
        trunks: vec![Vec::new(); n],
    };
    let mut reach = layer.to_vec();
    for &(from, to) in edges {
        reach[from] = reach[from].max(layer[to]);
    }
    for from in 0..n {
        let lanes = reach[from].saturating_sub(layer[from] + 1);
        if graph.vertices.len() - n + lanes > MAX_LANES {
            continue;
        }
        let mut last = from;
        for step in 1..=lanes {
            let lane = graph.vertices.len();
            graph.vertices.push(Vertex { layer: layer[from] + step, height: LANE, lane: true });
            graph.left.push(Vec::new());
            graph.right.push(Vec::new());
            graph.link(last, lane);
            graph.trunks[from].push(lane);
            last = lane;
        }
    }
    for &(from, to) in edges {
        if let Some(before) = graph.before(from, to) {
            graph.link(before, to);
        }
    }
    graph.layers = vec![Vec::new(); layer.iter().max().map_or(0, |l| l + 1)];
    for (v, vertex) in graph.vertices.iter().enumerate() {
        graph.layers[vertex.layer].push(v);
    }
    graph
}

/// The layer of each box. A cycle is cut at its first box.
fn longest_ways(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut followers = vec![Vec::new(); n];
    let mut open = vec![0usize; n];
    for &(from, to) in edges {
        followers[from].push(to);
        open[to] += 1;
    }
    let mut layer = vec![0; n];
    let mut done = vec![false; n];
    let mut ready: Vec<usize> = (0..n).rev().filter(|i| open[*i] == 0).collect();
    let mut forced = 0;
    loop {
        let Some(node) = ready.pop() else {
            while forced < n && done[forced] {
                forced += 1;
            }
            if forced == n {
                return layer;
            }
            ready.push(forced);
            continue;
        };
        if std::mem::replace(&mut done[node], true) {
            continue;
        }
        for &next in &followers[node] {
            if !done[next] {
                layer[next] = layer[next].max(layer[node] + 1);
                open[next] -= 1;
                if open[next] == 0 {
                    ready.push(next);
                }
            }
        }
    }
}

fn draw(sizes: &[Point], edges: &[(usize, usize)], graph: &Layered, middle: &[f64]) -> Layout {
    // columns: as wide as their widest box; the gap grows with the height that edges climb
    let mut columns: Vec<(f64, f64)> = Vec::new();
    let mut x = 0.0;
    for layer in &graph.layers {
        let wide = layer.iter().filter(|v| **v < sizes.len()).map(|v| sizes[*v].0).fold(0.0, f64::max);
        columns.push((x, x + wide));
        let climb = layer
            .iter()
            .flat_map(|v| graph.right[*v].iter().map(|w| (middle[*v] - middle[*w]).abs()))
            .fold(0.0, f64::max);
        x += wide + COLUMN_GAP + (climb * 0.08).min(120.0);
    }
    let column = |v: usize| columns[graph.vertices[v].layer];
    let boxes: Vec<Point> = (0..sizes.len()).map(|i| (column(i).0, middle[i] - sizes[i].1 / 2.0)).collect();
    // from a box straight to the end of its column, so that curves stay between columns
    let leave = |i: usize| [(boxes[i].0 + sizes[i].0, middle[i]), (column(i).1, middle[i])];
    let lane = |v: usize| [(column(v).0, middle[v]), (column(v).1, middle[v])];
    let trunks = (0..sizes.len())
        .filter(|i| !graph.trunks[*i].is_empty())
        .map(|i| leave(i).into_iter().chain(graph.trunks[i].iter().flat_map(|v| lane(*v))).collect())
        .collect();
    let ways = edges
        .iter()
        .map(|&(from, to)| {
            let start = match graph.before(from, to) {
                Some(v) if v >= sizes.len() => vec![lane(v)[1]],
                _ => leave(from).to_vec(),
            };
            start.into_iter().chain([(boxes[to].0, middle[to])]).collect()
        })
        .collect();
    let height = (0..sizes.len()).map(|i| middle[i] + sizes[i].1 / 2.0).fold(0.0, f64::max);
    let lowest = graph.vertices.iter().zip(middle).map(|(v, m)| m + v.height / 2.0).fold(height, f64::max);
    Layout { size: (columns.last().map_or(0.0, |c| c.1), lowest), boxes, trunks, ways }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_layer_never_overlap() {
        let sizes: Vec<Point> = (0..60).map(|i| (50.0 + f64::from(i), 20.0 + f64::from(i % 7))).collect();
        let edges: Vec<(usize, usize)> =
            (1..60).flat_map(|i| [(i / 2, i), (i / 5, i)]).filter(|(a, b)| a != b).collect();
        let drawn = layout(&sizes, &edges, None);
        for i in 0..60 {
            let (x, y) = drawn.boxes[i];
            assert!(x >= 0.0 && y >= 0.0 && x + sizes[i].0 <= drawn.size.0 && y + sizes[i].1 <= drawn.size.1 + 1e-6);
            for j in 0..i {
                let (a, b) = drawn.boxes[j];
                let apart = x + sizes[i].0 <= a
                    || a + sizes[j].0 <= x
                    || y + sizes[i].1 <= b + 1e-6
                    || b + sizes[j].1 <= y + 1e-6;
                assert!(apart, "{i} over {j}");
            }
        }
        for (&(from, to), way) in edges.iter().zip(&drawn.ways) {
            assert!(drawn.boxes[from].0 < drawn.boxes[to].0);
            assert!((way[way.len() - 1].0 - drawn.boxes[to].0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_tree_has_no_crossing() {
        // declared so that the order of declaration would cross
        let edges = [(0, 3), (0, 4), (1, 5), (1, 6), (2, 0), (2, 1), (3, 9), (5, 8), (4, 7)];
        let graph = {
            let mut graph = layered(&[(10.0, 10.0); 10], &edges, &longest_ways(10, &edges));
            order::arrange(&mut graph);
            graph
        };
        assert_eq!(order::crossings(&graph), 0);
    }

    #[test]
    fn cycles_and_nothing_are_drawn_too() {
        assert_eq!(layout(&[], &[], None).boxes.len(), 0);
        let drawn = layout(&[(10.0, 10.0); 3], &[(0, 1), (1, 2), (2, 0)], None);
        assert_eq!((drawn.boxes.len(), drawn.ways.len()), (3, 3));
    }

    #[test]
    fn long_chains_with_shortcuts_stay_small() {
        let n = 1500;
        let edges: Vec<(usize, usize)> = (1..n).flat_map(|i| [(i - 1, i), (0, i), (i / 2, i)]).collect();
        let drawn = layout(&vec![(50.0, 20.0); n], &edges, None);
        let points: usize = drawn.trunks.iter().chain(&drawn.ways).map(Vec::len).sum();
        assert!(points < 100_000, "{points}");
    }
}
