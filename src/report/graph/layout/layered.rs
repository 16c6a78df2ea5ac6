//! The graph in layers, with pieces of trunks where an edge crosses some.

/// Space between two boxes of a layer.
pub(super) const GAP: f64 = 18.0;
/// A box or a piece of a trunk.
#[derive(Debug, Clone)]
pub(super) struct Vertex {
    pub layer: usize,
    pub height: f64,
    pub lane: bool,
}

/// The layered graph: every link goes from one layer to the next.
#[derive(Debug, Default)]
pub(super) struct Layered {
    pub vertices: Vec<Vertex>,
    pub left: Vec<Vec<usize>>,
    pub right: Vec<Vec<usize>>,
    /// The vertices of each layer, top to bottom.
    pub layers: Vec<Vec<usize>>,
    /// For each box the pieces of its trunk, by layer.
    pub trunks: Vec<Vec<usize>>,
}

impl Layered {
    pub fn link(&mut self, from: usize, to: usize) {
        self.right[from].push(to);
        self.left[to].push(from);
    }

    /// The vertex in the layer before `to` from which the edge arrives; none for edges
    /// that have no trunk and for those that run backwards in a cycle.
    pub fn before(&self, from: usize, to: usize) -> Option<usize> {
        let steps = self.vertices[to].layer.checked_sub(self.vertices[from].layer + 1)?;
        if steps == 0 { Some(from) } else { self.trunks[from].get(steps - 1).copied() }
    }
}
