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
use crate::ops::perform::{Door, perform};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Options, Planned, Prepared, RunOutcome, RunSource, Target};
use crate::pg::ledger::attic;
use crate::pg::run::RunStatus;
use crate::pg::{Database, Stop};
use crate::plan::attic::EntrySelection;
use crate::plan::{About, Direction, Plan};
use crate::report::{Detail, Line, PlanOptions, Preview, Tone};
use crate::run::Observer;
use std::sync::Arc;

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
    let attempt = Attempt { operation: order.command(), plan: None };
    block_on(async {
        let mut terminal = Terminal { order, target: &target, form, global, out, about: About::default() };
        if let Some(format) = format {
            let planned = Planned::new(&target, &source, &options.overrides, None, terminal.out).await?;
            let (notes, about) = (planned.notes().await?, planned.about().await);
            let limits = PlanOptions { limit: terminal.out.limit(), detail: Detail::Statements };
            terminal.out.report(format.render(&[Preview::new(&planned.plan, &about, worded)], limits));
            notes.iter().for_each(|line| terminal.out.say(line.as_str()));
            return planned.close().await;
        }
        if order.how.dry.dry_run {
            let result = dry_run(&mut terminal, &source, &options).await;
            return recorded(result, attempt, &target, terminal.out).await;
        }
        perform(&target, &source, None, &options, attempt, &mut terminal).await
    })
}

async fn dry_run(terminal: &mut Terminal<'_>, source: &RunSource<'_>, options: &Options) -> Result<(), Failure> {
    let AtticRequest { how, .. } = terminal.order;
    let planned = Planned::new(terminal.target, source, &options.overrides, None, terminal.out).await?;
    terminal.announce(&planned).await?;
    let (command, limit) = (terminal.order.command(), how.dry.dry_run_limit);
    rehearsal::on_server(&planned, command, limit, terminal.form, terminal.global, terminal.out).await?;
    planned.close().await
}

/// The run as the command line shows it.
struct Terminal<'a> {
    order: &'a AtticRequest<'a>,
    target: &'a Target,
    form: Form,
    global: &'a Global,
    out: &'a mut Output,
    about: About,
}

impl Terminal<'_> {
    /// Shows the plan, and what there is to know of the entries.
    async fn announce(&mut self, planned: &Planned<'_>) -> Result<(), Failure> {
        let notes = planned.notes().await?;
        self.about = planned.about().await;
        if self.form == Form::Text {
            self.order.how.running.announce(&Preview::new(&planned.plan, &self.about, worded), self.global, self.out);
        }
        notes.iter().for_each(|line| self.out.say(line.as_str()));
        Ok(())
    }
}

impl Door for Terminal<'_> {
    fn listener(&mut self) -> &mut dyn Observer {
        self.out
    }

    async fn planned(&mut self, planned: &Planned<'_>) -> Result<(), Failure> {
        if !planned.is_nothing() {
            return self.announce(planned).await;
        }
        planned.notes().await?.iter().for_each(|line| self.out.say(line.as_str()));
        Ok(())
    }

    async fn prepared(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let preview = Preview::new(prepared.plan(), &self.about, worded);
        gates::show(prepared, &preview, self.form, false, self.out);
        show_findings(prepared.findings(), self.form, self.global, self.out);
        Ok(())
    }

    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure> {
        confirm(self.global, &question(self.order, prepared.plan(), &prepared.planned().db))?;
        Ok(prepared.digest())
    }

    fn stop(&mut self) -> Arc<Stop> {
        stop_on_signals()
    }

    fn observer(&mut self) -> Box<dyn Observer + '_> {
        progress::observer(self.form, self.global, self.out)
    }

    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure> {
        let RunOutcome { planned, done, .. } = outcome;
        let mut entries = Vec::new();
        if !done.is_empty() {
            let did = entries_of(&planned.plan, |id| done.iter().any(|d| d == id));
            entries = attic::entries(&planned.db.connection, &planned.db.server, self.target.ledger()).await?;
            entries.retain(|e| did.contains(&e.id));
        }
        finish(self.order, &planned.plan, &entries, outcome.status(), self.form, self.out);
        Ok(())
    }
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
