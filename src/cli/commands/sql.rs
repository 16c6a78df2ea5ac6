//! `dagmar sql`: the plan as a script for psql.

use crate::base::{Failure, FailureKind, count};
use crate::cli::shell::file::{self, Existing};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Output, only_text};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{complete, open};
use crate::history::History;
use crate::ops::gates::Overrides;
use crate::ops::{Planned, RunSource, about};
use crate::plan::rollback::Target as Which;
use crate::report;
use std::path::PathBuf;

/// Writes the plan as a script that psql runs on its own, including the ledger's rows.
///
/// For databases where only a DBA with psql has access. The script takes dagmar's lock, refuses a database
/// that does not match the plan, and records what it does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar sql --offline > everything.sql
  dagmar sql --env staging --output release-42.sql
  dagmar sql --rollback 008-active-organization --cascade | psql -X")]
pub struct Args {
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// The rollback of these changesets instead of what is pending
    #[arg(long, value_name = "ID", conflicts_with_all = ["select", "offline"], add = complete::changesets())]
    rollback: Vec<String>,
    /// With --rollback: includes the changesets that depend on them
    #[arg(long, requires = "rollback")]
    cascade: bool,
    /// Without a connection: as if the database were empty
    #[arg(long)]
    offline: bool,
    /// Writes into this file instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With --output: overwrites a file even if it is not a script of dagmar
    #[arg(long, requires = "output")]
    force: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    only_text(global)?;
    let there = Existing::by(args.force, report::script::is_script);
    args.output.as_deref().map(|path| file::check(path, there)).transpose()?;
    let target = open::target(global)?;
    let source = match args.rollback.is_empty() {
        true => RunSource::files(&target, &args.select)?,
        false => RunSource::Rollback { which: Which::Ids(args.rollback.clone()), cascade: args.cascade },
    };
    let (plan, about) = match source.view().filter(|_| args.offline) {
        Some(view) => {
            let plan = view.plan_of(&History::default(), source.selected())?;
            (plan.unwrap_or_else(|_| unreachable!("nothing is applied")), about::offline(&target))
        }
        None => {
            let none = Overrides::default();
            block_on(async {
                let planned = Planned::new(&target, &source, &none, None, out).await?;
                target.check_bound(&planned.history)?;
                let about = planned.about().await;
                let plan = planned.plan.clone();
                planned.close().await?;
                Ok((plan, about))
            })?
        }
    };
    let script = report::script::script(&plan, &about).map_err(|why| Failure::new(FailureKind::Internal, why))?;
    match &args.output {
        None => out.document(&script),
        Some(path) => {
            file::write(path, &script, 0o666, there)?;
            out.say(format!("{}: {}", path.display(), count(plan.steps.len(), "changeset")));
        }
    }
    Ok(())
}
