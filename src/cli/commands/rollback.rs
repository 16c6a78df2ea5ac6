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
use crate::ops::perform::{Door, perform};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Options, Planned, Prepared, RunOutcome, RunSource};
use crate::pg::Stop;
use crate::pg::run::RunStatus;
use crate::plan::Plan;
use crate::plan::rollback::Target as Which;
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Tone};
use crate::run::Observer;
use std::sync::Arc;

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
    block_on(async {
        if args.plan {
            let planned = Planned::new(&target, &source, &options.overrides, None, out).await?;
            let about = planned.about().await;
            let limits = PlanOptions { limit: out.limit(), detail: Detail::Sql };
            out.report(format.render(&[Preview::new(&planned.plan, &about, worded)], limits));
            return planned.close().await;
        }
        if args.dry.dry_run() {
            let operation = "rollback --dry-run";
            let dry_run = async {
                let planned = Planned::new(&target, &source, &options.overrides, None, out).await?;
                rehearsal::dry_run(&planned, operation, &args.dry, &args.running, form, global, out).await?;
                planned.close().await
            };
            let result = dry_run.await;
            return match args.dry.shadow {
                true => result,
                false => recorded(result, Attempt { operation, plan: None }, &target, out).await,
            };
        }
        let attempt = Attempt { operation: "rollback", plan: None };
        let mut terminal = Terminal { running: &args.running, form, global, out };
        perform(&target, &source, None, &options, attempt, &mut terminal).await
    })
}

/// The run as the command line shows it.
struct Terminal<'a> {
    running: &'a Running,
    form: Form,
    global: &'a Global,
    out: &'a mut Output,
}

impl Door for Terminal<'_> {
    fn listener(&mut self) -> &mut dyn Observer {
        self.out
    }

    async fn planned(&mut self, _: &Planned<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn prepared(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let about = prepared.planned().about().await;
        if self.form == Form::Text {
            self.running.announce(&Preview::new(prepared.plan(), &about, worded), self.global, self.out);
        }
        show_findings(prepared.findings(), self.form, self.global, self.out);
        Ok(())
    }

    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure> {
        let place = prepared.planned().db.describe();
        confirm(self.global, &format!("Roll back {} on {place}?", count(prepared.plan().steps.len(), "changeset")))?;
        Ok(prepared.digest())
    }

    fn stop(&mut self) -> Arc<Stop> {
        stop_on_signals()
    }

    fn observer(&mut self) -> Box<dyn Observer + '_> {
        progress::observer(self.form, self.global, self.out)
    }

    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure> {
        finish(&outcome.planned.plan, &outcome.done, outcome.status(), self.form, self.out);
        Ok(())
    }
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
