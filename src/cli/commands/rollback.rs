//! `dagmar rollback`: takes changesets back.

use crate::base::{Failure, count};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, choose, event, form};
use crate::cli::shell::rehearsal::{self, DryRunArgs};
use crate::cli::shell::running::{Running, confirm, plan_formats, show_findings, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{complete, open, progress};
use crate::ops::lines::{End, RollbackSummary};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Options, Planned, RunSource, Target};
use crate::pg::run::RunStatus;
use crate::plan::Plan;
use crate::plan::rollback::Target as Which;
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Tone};

/// Rolls changesets back, with the SQL that was stored when they were applied.
///
/// Does not need the files. Dependents must be rolled back too: dagmar lists them, and --cascade includes
/// them. Unrelated later changesets stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar rollback --last-run
  dagmar rollback 008-active-organization
  dagmar rollback 003-users-and-permissions --cascade --dry-run
  dagmar rollback --last-run --dry-run --shadow
  dagmar rollback --to 002-billing --env staging --yes
  dagmar rollback --last-run --no-preflight --yes")]
#[command(group(clap::ArgGroup::new("what").required(true).args(["ids", "last_run", "to", "all"])))]
pub struct Args {
    /// These changesets
    #[arg(value_name = "ID", add = complete::changesets())]
    ids: Vec<String>,
    /// Everything that the last run applied
    #[arg(long)]
    last_run: bool,
    /// Everything applied after this changeset
    #[arg(long, value_name = "ID", add = complete::changesets())]
    to: Option<String>,
    /// Everything
    #[arg(long)]
    all: bool,
    /// Also rolls back the changesets that depend on them
    #[arg(long)]
    cascade: bool,
    #[command(flatten)]
    dry: DryRunArgs,
    /// Only shows what would run, with its SQL
    #[arg(long)]
    plan: bool,
    /// Runs even if the preflight reports errors
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    running: Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let format = if args.plan { choose(global, &plan_formats())? } else { PlanFormat::Text };
    let form = if args.plan { Form::Text } else { form(global)? };
    let target = open::target(global)?;
    let which = match args {
        Args { all: true, .. } => Which::All,
        Args { last_run: true, .. } => Which::LastRun,
        Args { to: Some(id), .. } => Which::To(id.clone()),
        Args { ids, .. } => Which::Ids(ids.clone()),
    };
    let source = RunSource::Rollback { which, cascade: args.cascade };
    let options = Options { run: args.running.options()?, skip_preflight: args.no_preflight, ..Options::default() };
    let operation = if args.dry.dry_run() { "rollback --dry-run" } else { "rollback" };
    block_on(async {
        let result = carry_out(args, &target, &source, &options, (form, format), global, out).await;
        match args.plan || args.dry.shadow {
            true => result,
            false => recorded(result, Attempt { operation, plan: None }, &target, out).await,
        }
    })
}

async fn carry_out(
    args: &Args,
    target: &Target,
    source: &RunSource<'_>,
    options: &Options,
    (form, format): (Form, PlanFormat),
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let planned = Planned::new(target, source, &options.overrides, None, out).await?;
    if args.plan {
        let about = planned.about().await;
        let limits = PlanOptions { limit: out.limit(), detail: Detail::Sql };
        out.report(format.render(&[Preview::new(&planned.plan, &about, worded)], limits));
        return planned.close().await;
    }
    if args.dry.dry_run() {
        rehearsal::dry_run(&planned, "rollback --dry-run", &args.dry, &args.running, form, global, out).await?;
        return planned.close().await;
    }
    if planned.plan.steps.is_empty() {
        finish(&planned.plan, &[], RunStatus::Done, form, out);
        return planned.close().await;
    }
    let about = planned.about().await;
    let prepared = planned.prepare(options).await?;
    if form == Form::Text {
        args.running.announce(&Preview::new(prepared.plan(), &about, worded), global, out);
    }
    show_findings(prepared.findings(), form, global, out);
    prepared.check().await?;
    let place = prepared.planned().db.describe();
    confirm(global, &format!("Roll back {} on {place}?", count(prepared.plan().steps.len(), "changeset")))?;
    let digest = prepared.digest();
    let stop = stop_on_signals();
    let mut observer = progress::observer(form, global, out);
    let outcome = prepared.confirmed(&digest).await?.run(observer.as_mut(), &stop).await?;
    drop(observer);
    finish(&outcome.planned.plan, &outcome.done, outcome.status(), form, out);
    outcome.close().await
}

fn finish(plan: &Plan, done: &[String], status: RunStatus, form: Form, out: &mut Output) {
    if form == Form::Json {
        event(&End::Summary(RollbackSummary { status, environment: &plan.environment, rolled_back: done }));
    } else if plan.steps.is_empty() {
        out.data("nothing to roll back");
    } else if done.len() == plan.steps.len() {
        out.data(Line::new().paint(Tone::Good, "rolled back").plain(format!(" {}", count(done.len(), "changeset"))));
    } else {
        out.data(format!("rolled back {} of {}", done.len(), count(plan.steps.len(), "changeset")));
    }
}
