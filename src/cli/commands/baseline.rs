//! `dagmar baseline`: changesets whose effect a database already has.

use crate::base::count;
use crate::cli::shell::counted::Counted;
use crate::cli::shell::global::Global;
use crate::cli::shell::manual::ManualArgs;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{complete, open, progress};
use crate::ops::generate::{self, Baseline, Baselined};
use crate::ops::manual::mark::{self, Mark, MarkRequest};
use crate::ops::progress::Progress;
use crate::ops::refusal::{Attempt, recorded};

/// Marks pending changesets as applied, after a comparison: the database must have exactly what they make.
///
/// The recorded and the pending changesets are applied to an empty database on a private server. If its catalog equals that
/// of the environment, the pending changesets are marked as applied, without running anything there. This is the way into
/// dagmar for a database that exists: `generate`, `check`, `baseline`. Rows are not compared: a changeset that does not
/// change the catalog is named and stays pending, unless --include-data is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar baseline --env production --reason 'was there before dagmar'
  dagmar baseline --env production +012-invoices --reason 'made by hand in June, CHG-1042'
  dagmar baseline --env production --include-data --reason 'the rows are there, too'")]
pub struct Args {
    /// Only these changesets, with what they depend on: id, +id, id+, label:x
    #[arg(value_name = "SELECTOR", add = complete::selectors())]
    selectors: Vec<String>,
    /// Marks also changesets that do not change the catalog, such as inserted rows and backfills
    #[arg(long)]
    include_data: bool,
    #[command(flatten)]
    manual: ManualArgs,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let options = args.manual.options()?;
    let target = open::target(global)?;
    let result = block_on(async {
        let result = async {
            let stop = stop_on_signals();
            let bar = Counted::new(global, out);
            let mut hear = |at: Progress<'_>| bar.at(at.what, at.changeset, at.done, at.of);
            let same = generate::baseline(&target, &args.selectors, out, &stop, &mut hear).await;
            drop(bar);
            let same = same?;
            let ids = same.to_mark(args.include_data)?;
            let unseen = without_effect(&same, args.include_data);
            unseen.iter().for_each(|line| out.say(line.clone()));
            confirm(global, &format!("Mark {} as applied on {}?", count(ids.len(), "changeset"), same.database))?;
            let request =
                MarkRequest { state: Mark::Applied, selectors: &ids, options: &options, since: Some(&same.history) };
            let prepared = mark::prepare(&target, &request, out).await?;
            let marked = prepared.write(progress::waiting(global, out).as_mut(), &stop).await?;
            Ok(Baselined { marked, without_effect: same.without_effect })
        };
        let result = result.await;
        recorded(result, Attempt { operation: "baseline", plan: None }, &target, out).await
    });
    let done = result?;
    match form {
        Form::Json => out.json(&done),
        Form::Text => {
            let marked = done.marked.changesets.join(", ");
            out.data(format!("the database has what they make; marked as applied: {marked}"));
        }
    }
    Ok(())
}

/// Changesets that are named before the question.
const MOST_NAMED: usize = 20;

/// Names the changesets of whose effect a catalog says nothing.
fn without_effect(same: &Baseline, included: bool) -> Option<String> {
    let unseen = &same.without_effect;
    let what = if included {
        "nothing tells whether the database has their effect, and --include-data marks them"
    } else {
        "nothing tells whether the database has their effect, and they stay pending; --include-data marks them"
    };
    let named = unseen.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = unseen.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!unseen.is_empty()).then(|| format!("without an effect on the catalog: {named}{more}: {what}"))
}
