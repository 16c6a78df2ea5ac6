//! `dagmar attic purge` and `restore`: a run of their own.

use super::list::counted;
use crate::base::Failure;
use crate::cli::shell::gates::{self, GateArgs};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, choose, event, form};
use crate::cli::shell::running::{Running, confirm, plan_formats, show_findings, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{open, progress, rehearsal};
use crate::history::attic::Entry;
use crate::ops::attic::AtticWork;
use crate::ops::lines::{AtticSummary, End};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Options, Planned, RunOutcome, RunSource, Target};
use crate::pg::Database;
use crate::pg::ledger::attic;
use crate::pg::run::RunStatus;
use crate::plan::attic::EntrySelection;
use crate::plan::{Direction, Plan};
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Tone};

/// The options of a purge and of a restore.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Only shows what would run, with sizes and locks
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub dry: rehearsal::ServerDryRunArgs,
    /// Runs even if the preflight reports errors
    #[arg(long)]
    pub no_preflight: bool,
    #[command(flatten)]
    pub running: Running,
}

/// What is to be done.
pub struct AtticRequest<'a> {
    /// Purge or restore.
    pub direction: Direction,
    /// Which entries.
    pub which: EntrySelection,
    /// How.
    pub how: &'a ChangeArgs,
}

impl AtticRequest<'_> {
    /// As it was called.
    fn command(&self) -> &'static str {
        match (self.direction, self.how.dry.dry_run) {
            (Direction::Purge, false) => "attic purge",
            (Direction::Purge, true) => "attic purge --dry-run",
            (_, false) => "attic restore",
            (_, true) => "attic restore --dry-run",
        }
    }
}

pub fn change(order: &AtticRequest<'_>, overrides: &GateArgs, global: &Global, out: &mut Output) -> Outcome {
    let format = if order.how.plan { Some(choose(global, &plan_formats())?) } else { None };
    let form = if order.how.plan { Form::Text } else { form(global)? };
    let target = open::target(global)?;
    let work = AtticWork { target: &target, direction: order.direction, which: order.which.clone() };
    let source = RunSource::Attic(work);
    let options = Options {
        overrides: overrides.overrides(),
        run: order.how.running.options()?,
        skip_preflight: order.how.no_preflight,
    };
    block_on(async {
        let result = carry_out(order, &target, &source, &options, (form, format), global, out).await;
        match order.how.plan {
            true => result,
            false => recorded(result, Attempt { operation: order.command(), plan: None }, &target, out).await,
        }
    })
}

/// Shows what would run, asks, and runs it.
async fn carry_out(
    order: &AtticRequest<'_>,
    target: &Target,
    source: &RunSource<'_>,
    options: &Options,
    (form, format): (Form, Option<PlanFormat>),
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let how = order.how;
    let planned = Planned::new(target, source, &options.overrides, None, out).await?;
    let notes = planned.notes().await?;
    let about = planned.about().await;
    if let Some(format) = format {
        let limits = PlanOptions { limit: out.limit(), detail: Detail::Statements };
        out.report(format.render(&[Preview::new(&planned.plan, &about, worded)], limits));
        notes.iter().for_each(|line| out.say(line.as_str()));
        return planned.close().await;
    }
    if planned.plan.steps.is_empty() && !how.dry.dry_run {
        notes.iter().for_each(|line| out.say(line.as_str()));
        finish(order, &planned.plan, &[], RunStatus::Done, form, out);
        return planned.close().await;
    }
    if form == Form::Text {
        how.running.announce(&Preview::new(&planned.plan, &about, worded), global, out);
    }
    notes.iter().for_each(|line| out.say(line.as_str()));
    if how.dry.dry_run {
        rehearsal::on_server(&planned, order.command(), how.dry.dry_run_limit, form, global, out).await?;
        return planned.close().await;
    }
    let prepared = planned.prepare(options).await?;
    gates::show(&prepared, &Preview::new(prepared.plan(), &about, worded), form, false, out);
    show_findings(prepared.findings(), form, global, out);
    prepared.check().await?;
    confirm(global, &question(order, prepared.plan(), &prepared.planned().db))?;
    let digest = prepared.digest();
    let stop = stop_on_signals();
    let mut observer = progress::observer(form, global, out);
    let outcome = prepared.confirmed(&digest).await?.run(observer.as_mut(), &stop).await?;
    drop(observer);
    let RunOutcome { planned, done, .. } = &outcome;
    let did = entries_of(&planned.plan, |id| done.iter().any(|d| d == id));
    let mut entries = attic::entries(&planned.db.connection, &planned.db.server, target.ledger()).await?;
    entries.retain(|e| did.contains(&e.id));
    finish(order, &planned.plan, &entries, outcome.status(), form, out);
    outcome.close().await
}

/// The numbers of the entries of these changesets.
fn entries_of(plan: &Plan, of: impl Fn(&str) -> bool) -> Vec<i64> {
    let steps = plan.steps.iter().filter(|s| of(&s.changeset));
    let entries = steps.flat_map(|s| s.body.value()["entries"].as_array().cloned().unwrap_or_default());
    entries.filter_map(|e| e["entry"].as_i64()).collect()
}

fn question(order: &AtticRequest<'_>, plan: &Plan, db: &Database) -> String {
    let (entries, place) = (counted(entries_of(plan, |_| true).len()), db.describe());
    match order.direction {
        Direction::Purge => format!("Permanently drop {entries} of the attic on {place}?"),
        _ => format!("Restore {entries} of the attic on {place}?"),
    }
}

/// What is to be said at the end of what was done.
fn finish(order: &AtticRequest<'_>, plan: &Plan, done: &[Entry], status: RunStatus, form: Form, out: &mut Output) {
    let all = entries_of(plan, |_| true).len();
    let word = if order.direction == Direction::Purge { "purged" } else { "put back" };
    if form == Form::Json {
        return event(&End::Summary(AtticSummary::of(status, plan, done)));
    }
    if order.direction == Direction::Restore {
        done.iter().filter_map(Entry::outcome).for_each(|line| out.say(line));
    }
    if all == 0 {
        out.data(format!("nothing to {}", order.direction.word()));
    } else if done.len() == all {
        out.data(Line::new().paint(Tone::Good, word).plain(format!(" {}", counted(all))));
    } else {
        out.data(format!("{word} {} of {}", done.len(), counted(all)));
    }
}
