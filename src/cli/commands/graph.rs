//! `dagmar graph`: the graph as a picture.

use crate::base::{Failure, FailureKind};
use crate::cli::shell::complete;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::graph::{GraphRequest, graph};
use crate::report::{GraphFormat, GraphOptions, edges};

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
    let request = GraphRequest { select: args.select.clone(), around: None, against: args.against, edges: args.edges };
    let picture = block_on(graph(&target, &request, out))?;
    if args.edges && format == GraphFormat::Tree {
        out.data(edges(&picture, out.limit()));
        return Ok(());
    }
    let options = GraphOptions { limit: out.limit(), ascii: args.ascii };
    out.report(format.render(&picture, options));
    Ok(())
}
