//! `dagmar prove`: whether changesets, their rollbacks and their order are right.

use crate::cli::shell::complete;
use crate::cli::shell::counted::Counted;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, choose};
use crate::cli::shell::running::stop_on_signals;
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::prove::{self, Proof, ProveOptions, Which};
use crate::report::ProofFormat;

/// Proves rollbacks on a throw-away database: up, down and up again, with rows; and the order of changesets.
///
/// Each changeset is applied, rolled back and applied again, in the order of the graph. After the rollback the catalog and
/// the rows must be what they were before, after the second time what they were after the first. Each changeset also runs
/// on nothing but its dependencies, and what is not ordered runs in both orders. No environment is changed: the databases
/// are on a private server, which is removed in the end. Without --all and --base, the changesets that are pending in the
/// environment are proven. Ends with exit code 10 if one is not proven.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar prove
  dagmar prove --all
  dagmar prove --base origin/main --format markdown > comment.md
  dagmar prove --all --select label:billing --strict
  dagmar prove --all --shadow postgres://prover@localhost:5433/postgres

Formats: text, json, junit, markdown, html.
Rows are generated; `prove.fixtures` in dagmar.yaml names files with rows of your own, see docs/prove.md.")]
pub struct Args {
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// All changesets of the files, also those that are applied; connects to no environment
    #[arg(long, conflicts_with = "base")]
    all: bool,
    /// Only changesets that are new or changed since this commit, branch or tag; connects to no environment
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Also fails for warnings: a column that comes back in another position, a rollback that fails once rows were written
    #[arg(long)]
    strict: bool,
    /// Without rows: compares only the catalog
    #[arg(long)]
    no_data: bool,
    /// Does not run changesets on nothing but their dependencies, and not in other orders
    #[arg(long)]
    no_order: bool,
    /// Records in the ledger of the environment what is proven, for the gate `proven`
    #[arg(long)]
    record: bool,
    /// Uses this server instead of a private one; it must be empty: databases are made and removed there
    #[arg(long, value_name = "URL")]
    shadow: Option<String>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let known: Vec<(&str, ProofFormat)> = ProofFormat::ALL.iter().map(|format| (format.name(), *format)).collect();
    let format = choose(global, &known)?;
    let target = open::target(global)?;
    let which = match (&args.base, args.all) {
        (Some(revision), _) => Which::Since(revision.clone()),
        (None, true) => Which::All,
        (None, false) => Which::Pending,
    };
    let options = ProveOptions {
        which,
        selectors: args.select.clone(),
        shadow: args.shadow.clone(),
        without_data: args.no_data,
        without_order: args.no_order,
        strict: args.strict,
        record: args.record,
    };
    block_on(async {
        let stop = stop_on_signals();
        let bar = Counted::new(global, out);
        let mut hear = |at: prove::Progress<'_>| bar.at(at.what, at.changeset, at.done, at.of);
        let proof = prove::prove(&target, &options, out, &stop, &mut hear).await;
        drop(bar);
        let Proof { answer, warnings } = proof?;
        out.warnings(&warnings);
        let failure = answer.failure();
        out.verdict(format.render(&answer));
        failure.map_or(Ok(()), Err)
    })
}
