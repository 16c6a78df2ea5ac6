//! `dagmar graph`: the graph as a picture.

use crate::base::{Failure, FailureKind};
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::task::{Outcome, block_on};
use crate::graph::select;
use crate::ops::origins;
use crate::plan::states::{self, StateRow};
use crate::report::{GraphEdge, GraphFormat, GraphNode, GraphOptions, GraphView, edges};
use std::collections::BTreeMap;

/// Draws the graph of changesets: tree, dot, mermaid, json, svg.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar graph
  dagmar graph --select +010-user-preferences-contract
  dagmar graph --edges
  dagmar graph --format svg > graph.svg
  dagmar graph --format mermaid --against --env staging")]
pub struct Args {
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// Colours changesets by their state in the environment's database
    #[arg(long)]
    against: bool,
    /// Lists the edges with their reasons: declared, found in the SQL, or both
    #[arg(long)]
    edges: bool,
    /// Draws the tree with ASCII characters only
    #[arg(long)]
    ascii: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let mut known: Vec<(&str, GraphFormat)> = GraphFormat::ALL.iter().map(|f| (f.name(), *f)).collect();
    known.push(("text", GraphFormat::Tree));
    let format = choose(global, &known)?;
    if args.edges && !matches!(format, GraphFormat::Tree | GraphFormat::Json) {
        return Err(Failure::new(FailureKind::Usage, "`--edges` has the formats text and json")
            .help("the pictures show the edges without reasons"));
    }
    let target = open::target(global)?;
    let view = target.view()?;
    let states: BTreeMap<String, StateRow> = if args.against {
        let history = block_on(async {
            let db = target.connect(out).await?;
            let history = db.history().await?;
            db.close().await?;
            Ok(history)
        })?;
        let sources = &target.workspace().loaded.sources;
        let rows = states::states(&view.changelog, &view.graph, sources, &history, &target.environment);
        rows.into_iter().map(|row| (row.id.clone(), row)).collect()
    } else {
        BTreeMap::new()
    };
    let chosen = if args.select.is_empty() {
        None
    } else {
        let chosen = select::select(&args.select, &view.changelog, &view.graph);
        Some(chosen.map_err(|why| Failure::new(FailureKind::Usage, why))?)
    };
    let mut picture = GraphView::default();
    for &position in view.graph.order() {
        if chosen.as_ref().is_some_and(|c| !c.contains(&position)) {
            continue;
        }
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
    if args.edges {
        let checked = view.check()?;
        origins::explain(&view, &checked.comparison, &mut picture);
        if format == GraphFormat::Tree {
            out.data(edges(&picture, out.limit()));
            return Ok(());
        }
    }
    let options = GraphOptions { limit: out.limit(), ascii: args.ascii };
    out.report(format.render(&picture, options));
    Ok(())
}
