//! The graph of changesets as a picture shows it.

use super::{Target, origins};
use crate::base::{Failure, FailureKind};
use crate::graph::Graph;
use crate::pipeline::View;
use crate::plan::states::{self, StateRow};
use crate::report::{GraphEdge, GraphNode, GraphView};
use crate::run::Observer;
use std::collections::{BTreeMap, BTreeSet};

/// What a picture of the graph shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphRequest {
    /// Only the changesets that these selectors match; empty: all.
    pub select: Vec<String>,
    /// Only what is near a changeset.
    pub around: Option<Around>,
    /// Whether the changesets have their states in the environment's database.
    pub against: bool,
    /// Whether the edges have their reasons, with those that are found in the SQL.
    pub edges: bool,
}

/// A changeset, and what is near it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The id of the changeset.
    pub changeset: String,
    /// How many edges away its dependencies and dependents may be.
    pub depth: u32,
}

/// How many edges away what is near a changeset is, unless somebody says otherwise.
pub const NEAR: u32 = 2;

/// Makes the picture. Only `against` connects.
///
/// # Errors
/// Problems in the files, selectors that match nothing, an unknown changeset, a server that cannot be reached.
pub async fn graph(target: &Target, request: &GraphRequest, observer: &mut dyn Observer) -> Result<GraphView, Failure> {
    let view = target.view()?;
    let states = if request.against { states_of(target, &view, observer).await? } else { BTreeMap::new() };
    let selected = view.select(&request.select)?;
    let near = request.around.as_ref().map(|around| near(&view.graph, around)).transpose()?;
    let is_shown = |position: usize| {
        [&selected, &near].into_iter().flatten().all(|positions: &BTreeSet<usize>| positions.contains(&position))
    };
    let mut picture = GraphView::default();
    for &position in view.graph.order().iter().filter(|position| is_shown(**position)) {
        let changeset = &view.changelog.changesets[position];
        picture.nodes.push(GraphNode {
            id: changeset.id.clone(),
            label: changeset.description.as_ref().map(|d| d.trim().to_owned()),
            labels: changeset.labels.clone(),
            phase: changeset.phase.map(|p| p.word().to_owned()),
            state: states.get(&changeset.id).map(|row| row.state.word().to_owned()),
            wave: None,
        });
        for edge in &changeset.depends_on {
            let soak = (edge.soak.millis > 0).then(|| edge.soak.to_string());
            let (from, to) = (changeset.id.clone(), edge.id.clone());
            picture.edges.push(GraphEdge { from, to, soak, ..GraphEdge::default() });
        }
    }
    if request.edges {
        let checked = view.check()?;
        origins::explain(&view, &checked.comparison, &mut picture);
    }
    Ok(picture)
}

async fn states_of(
    target: &Target,
    view: &View<'_>,
    observer: &mut dyn Observer,
) -> Result<BTreeMap<String, StateRow>, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    db.close().await?;
    let sources = &target.workspace().loaded.sources;
    let rows = states::states(&view.changelog, &view.graph, sources, &history, &target.environment);
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// The positions of a changeset and of what is so many edges away from it, in both directions.
fn near(graph: &Graph, around: &Around) -> Result<BTreeSet<usize>, Failure> {
    let id = &around.changeset;
    let start = graph
        .position(id)
        .ok_or_else(|| Failure::new(FailureKind::Usage, format!("the changeset `{id}` does not exist")))?;
    let mut found = BTreeSet::from([start]);
    for next in [needed, dependents] {
        let mut edge = BTreeSet::from([start]);
        for _ in 0..around.depth {
            edge = edge.iter().flat_map(|position| next(graph, *position)).collect();
            if edge.is_empty() {
                break;
            }
            found.extend(&edge);
        }
    }
    Ok(found)
}

fn needed(graph: &Graph, position: usize) -> Vec<usize> {
    graph.dependencies(position).map(|edge| edge.to).collect()
}

fn dependents(graph: &Graph, position: usize) -> Vec<usize> {
    graph.dependents(position).collect()
}
