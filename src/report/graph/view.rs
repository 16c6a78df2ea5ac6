//! A graph of changesets as plain values.

use crate::plan::{Direction, Plan};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// A graph of changesets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct GraphView {
    /// The changesets, each after its dependencies.
    pub nodes: Vec<GraphNode>,
    /// The dependencies. An edge to a changeset that is not a node is not drawn.
    pub edges: Vec<GraphEdge>,
}

/// A changeset of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct GraphNode {
    /// The id.
    pub id: String,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The phase: expand, migrate or contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The state in an environment (`applied`, `pending`, …) or the hazard; known words have a colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The wave, from 1, if the graph has waves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
}

/// A dependency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphEdge {
    /// The dependent changeset.
    pub from: String,
    /// The changeset that it depends on.
    pub to: String,
    /// The minimum time since that one was applied (`30d`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<String>,
    /// Why the edge is there, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<EdgeOrigin>,
    /// The objects that the dependent changeset uses and the other one makes, if that was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// Another dependency of the changeset from which this one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows_from: Option<String>,
}

/// Why an edge is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EdgeOrigin {
    /// It is declared; nothing in the SQL needs it.
    Declared,
    /// It is declared, and the SQL needs it.
    Both,
    /// The SQL needs it, and it is not declared.
    Found,
}

impl EdgeOrigin {
    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            EdgeOrigin::Declared => "declared",
            EdgeOrigin::Both => "declared, found in the SQL",
            EdgeOrigin::Found => "found in the SQL, not declared",
        }
    }
}

/// What a picture of a graph can be adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GraphOptions {
    /// How many columns the terminal has: the tree's descriptions are cut off there; `None`: it is none.
    pub limit: Option<usize>,
    /// Draws the tree with ASCII characters only.
    pub ascii: bool,
}

impl GraphView {
    /// The steps of a plan in the order in which they run: for a rollback the arrows go
    /// from the dependents, which are taken back first, to what they depended on. The state
    /// is the worst hazard of the step.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        let mut graph = Self::default();
        for step in &plan.steps {
            let hazards = plan.hazards(step);
            graph.nodes.push(GraphNode {
                id: step.changeset.clone(),
                label: step.description.clone(),
                labels: step.labels.clone(),
                phase: step.phase.clone(),
                state: Some(hazards.first().map_or("no hazard", |hazard| hazard.words()).to_owned()),
                wave: Some(step.wave),
            });
            for required in &step.requires {
                let (from, to) = match plan.direction {
                    Direction::Rollback => (required, &step.changeset),
                    _ => (&step.changeset, required),
                };
                graph.edges.push(GraphEdge { from: from.clone(), to: to.clone(), ..GraphEdge::default() });
            }
        }
        graph
    }

    /// The edges as positions (needed, dependent) with their soak; in the order of the
    /// dependents, each pair once.
    pub(super) fn links(&self) -> Vec<Link<'_>> {
        let mut at: HashMap<&str, usize> = HashMap::new();
        for (i, node) in self.nodes.iter().enumerate() {
            at.entry(&node.id).or_insert(i);
        }
        let mut links: Vec<Link<'_>> = self
            .edges
            .iter()
            .filter_map(|edge| {
                let (needed, dependent) = (*at.get(edge.to.as_str())?, *at.get(edge.from.as_str())?);
                (needed != dependent).then_some(Link { needed, dependent, soak: edge.soak.as_deref() })
            })
            .collect();
        links.sort_by_key(|link| (link.dependent, link.needed));
        links.dedup_by_key(|link| (link.dependent, link.needed));
        links
    }
}

/// An edge whose ends are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    pub needed: usize,
    pub dependent: usize,
    pub soak: Option<&'a str>,
}

impl GraphNode {
    /// All that is known of it, a line each, for the small window under the mouse.
    pub(super) fn tooltip(&self) -> String {
        let mut lines = vec![self.id.clone()];
        lines.extend(self.label.clone());
        lines.extend(self.state.as_ref().map(|state| format!("state: {state}")));
        lines.extend(self.phase.as_ref().map(|phase| format!("phase: {phase}")));
        lines.extend(self.wave.map(|wave| format!("wave: {wave}")));
        if !self.labels.is_empty() {
            lines.push(format!("labels: {}", self.labels.join(", ")));
        }
        lines.join("\n")
    }
}
