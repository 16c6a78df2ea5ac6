//! Ids to nodes, edges checked: unknown, duplicate and self dependencies, cycles.

use super::{cycle, order};
use crate::base::{Code, Diagnostic, Diagnostics, HumanDuration, diag::nearest};
use crate::source::Changelog;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{BTreeSet, HashMap};

/// A dependency between two changesets, by their positions in the changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The changeset that depends.
    pub from: usize,
    /// The changeset that must be applied first.
    pub to: usize,
    /// For how long it must have been applied.
    pub soak: HumanDuration,
}

/// The graph: acyclic by construction.
#[derive(Debug)]
pub struct Graph {
    /// Edges point from a dependency to what depends on it.
    graph: DiGraph<usize, HumanDuration>,
    ids: HashMap<String, usize>,
    order: Vec<usize>,
}

/// For so many unknown dependencies a near id is looked for, among all of them.
const MOST_SUGGESTIONS: usize = 50;

/// Builds the graph. Edges that are wrong are reported and left out; with a cycle there is
/// no order and no graph.
pub fn build(changelog: &Changelog, out: &mut Diagnostics) -> Option<Graph> {
    let changesets = &changelog.changesets;
    let mut graph = DiGraph::with_capacity(changesets.len(), changesets.len());
    let mut ids = HashMap::with_capacity(changesets.len());
    for (i, changeset) in changesets.iter().enumerate() {
        graph.add_node(i);
        ids.insert(changeset.id.clone(), i);
    }
    let earlier: HashMap<&str, &str> =
        changesets.iter().flat_map(|c| c.aka.iter().map(|old| (old.id.as_str(), c.id.as_str()))).collect();
    let mut suggestions = MOST_SUGGESTIONS;
    for (i, changeset) in changesets.iter().enumerate() {
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for (n, dependency) in changeset.depends_on.iter().enumerate() {
            let at = || dependency.place.clone();
            let Some(&to) = ids.get(&dependency.id) else {
                // a file that cannot be read may declare it
                if changelog.unseen || changelog.unread.contains(&dependency.id) {
                    continue;
                }
                if let Some(renamed) = earlier.get(dependency.id.as_str()) {
                    out.push(
                        Diagnostic::error(
                            Code::UnknownDependency,
                            format!("`{}` depends on `{}`", changeset.id, dependency.id),
                        )
                        .at(at())
                        .help(format!("it is called `{renamed}` now")),
                    );
                    continue;
                }
                let known = changesets.iter().map(|c| c.id.as_str()).filter(|id| *id != changeset.id);
                let known = known.chain(changelog.unread.iter().map(String::as_str));
                let near = if suggestions > 0 { nearest(&dependency.id, known) } else { None };
                suggestions = suggestions.saturating_sub(1);
                out.push(
                    Diagnostic::error(
                        Code::UnknownDependency,
                        format!("`{}` depends on `{}`, which does not exist", changeset.id, dependency.id),
                    )
                    .at(at())
                    .help(near.map_or_else(
                        || "write that changeset, or remove it from `dependsOn`".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    )),
                );
                continue;
            };
            if to == i {
                out.push(
                    Diagnostic::error(Code::OwnDependency, format!("`{}` depends on itself", changeset.id))
                        .at(at())
                        .help("remove this line"),
                );
                continue;
            }
            if let Some(first) = seen.insert(to, n) {
                out.push(
                    Diagnostic::error(
                        Code::DependencyTwice,
                        format!("`{}` names `{}` twice", changeset.id, dependency.id),
                    )
                    .at(at())
                    .related(changeset.depends_on[first].place.clone(), "first here")
                    .help("remove one of them"),
                );
                continue;
            }
            graph.add_edge(NodeIndex::new(to), NodeIndex::new(i), dependency.soak);
        }
    }
    let order = order::kahn(&graph);
    if order.len() < changesets.len() {
        for path in cycle::all(&graph) {
            out.push(cycle_problem(changelog, &path));
        }
        return None;
    }
    Some(Graph { graph, ids, order })
}

/// A cycle with its whole path: each hop at the line that makes it.
fn cycle_problem(changelog: &Changelog, path: &[usize]) -> Diagnostic {
    let id = |i: usize| changelog.changesets[i].id.as_str();
    let mut names: Vec<String> = path.iter().map(|i| format!("`{}`", id(*i))).collect();
    names.push(names[0].clone());
    let mut problem = Diagnostic::error(Code::Cycle, format!("the dependencies form a cycle: {}", names.join(" -> ")))
        .help("remove one of these edges, or divide a changeset so that none is needed");
    for (k, &from) in path.iter().enumerate() {
        let to = path[(k + 1) % path.len()];
        let Some(edge) = changelog.changesets[from].depends_on.iter().find(|d| d.id == id(to)) else { continue };
        let label = format!("`{}` depends on `{}`", id(from), id(to));
        problem = if k == 0 {
            problem.at(edge.place.clone()).label(label)
        } else {
            problem.related(edge.place.clone(), label)
        };
    }
    problem
}

impl Graph {
    /// The positions of all changesets: dependencies first, otherwise as declared.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Where each changeset, by its position, stands in [`Graph::order`].
    #[must_use]
    pub fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![0; self.order.len()];
        for (rank, &position) in self.order.iter().enumerate() {
            ranks[position] = rank;
        }
        ranks
    }

    /// The position of the changeset of this id.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// What this changeset depends on directly.
    pub fn dependencies(&self, position: usize) -> impl Iterator<Item = Edge> {
        self.graph.edges_directed(NodeIndex::new(position), Direction::Incoming).map(|e| Edge {
            from: e.target().index(),
            to: e.source().index(),
            soak: *e.weight(),
        })
    }

    /// What depends on this changeset directly.
    pub fn dependents(&self, position: usize) -> impl Iterator<Item = usize> {
        self.graph.neighbors_directed(NodeIndex::new(position), Direction::Outgoing).map(NodeIndex::index)
    }

    /// These changesets with all that they depend on, directly or not.
    #[must_use]
    pub fn with_ancestors(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        self.closure(of, Direction::Incoming)
    }

    /// These changesets with all that depends on them, directly or not.
    #[must_use]
    pub fn with_dependents(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        self.closure(of, Direction::Outgoing)
    }

    fn closure(&self, of: impl IntoIterator<Item = usize>, direction: Direction) -> BTreeSet<usize> {
        let mut open: Vec<usize> = of.into_iter().collect();
        let mut found: BTreeSet<usize> = open.iter().copied().collect();
        while let Some(next) = open.pop() {
            for other in self.graph.neighbors_directed(NodeIndex::new(next), direction) {
                if found.insert(other.index()) {
                    open.push(other.index());
                }
            }
        }
        found
    }
}
