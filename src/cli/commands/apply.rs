//! `dagmar apply`: runs what is pending.

use crate::base::{Failure, Granularity, count};
use crate::cli::shell::chosen::{self, Chosen};
use crate::cli::shell::gates::GateArgs;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, event, form};
use crate::cli::shell::rehearsal::{self, DryRunArgs};
use crate::cli::shell::running::{Running, confirm, show_findings, stop_on_signals};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{gates, left, open, progress};
use crate::history::approval::last_words;
use crate::ops::lines::{ApplySummary, End};
use crate::ops::perform::{Door, perform};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Options, Planned, Prepared, RunOutcome, RunSource, Target};
use crate::pg::Stop;
use crate::pg::run::{Finished, RunStatus};
use crate::plan::About;
use crate::report::{Line, PlanFormat, PlanOptions, Preview, Tone};
use crate::run::Observer;
use std::sync::Arc;

/// Runs pending changesets in the order of their dependencies, and records them.
///
/// A second apply changes nothing. A changeset that is one transaction leaves nothing behind when it
/// fails. For any other changeset the ledger records the progress: the next apply continues, and
/// rollback undoes what was done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar apply
  dagmar apply --env production --yes
  dagmar apply --select +008-active-organization
  dagmar apply --url postgres://deploy@db/shop --wait 30s --yes --format json
  dagmar apply release.plan --env production --key release.key.pub")]
pub struct Args {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    dry: DryRunArgs,
    /// Runs even if the preflight reports errors
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    overrides: GateArgs,
    #[command(flatten)]
    running: Running,
}

/// How apply and promote show a run.
pub struct Show<'a> {
    /// Asks the gates and runs nothing.
    pub check: bool,
    /// Writes plan and gates in this format; for a look at them alone.
    pub document: Option<PlanFormat>,
    /// Whether it is a dry run, and how.
    pub dry: &'a DryRunArgs,
    /// How much of the plan is shown.
    pub running: &'a Running,
    /// Text, or JSON lines.
    pub form: Form,
}

/// What is run, and where.
pub struct Request<'a> {
    /// The environment.
    pub target: &'a Target,
    /// The files, or a sealed plan.
    pub source: &'a RunSource<'a>,
    /// The options of the run.
    pub options: &'a Options,
    /// Apply or promote, as the ledger records its refusal.
    pub operation: &'static str,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let plan = args.chosen.open("apply", global, out)?;
    let global = &chosen::environment(global, plan.as_ref())?;
    let target = open::target(global)?;
    let source = args.chosen.source(&target, plan, out)?;
    let options = Options {
        overrides: args.overrides.overrides(),
        run: args.running.options()?,
        skip_preflight: args.no_preflight,
    };
    let show = Show { check: false, document: None, dry: &args.dry, running: &args.running, form };
    let operation = if args.dry.dry_run() { "apply --dry-run" } else { "apply" };
    let request = Request { target: &target, source: &source, options: &options, operation };
    block_on(carry_out(&show, &request, None, global, out))
}

/// Runs it, or only looks at it, as it is to be shown.
pub async fn carry_out(
    show: &Show<'_>,
    request: &Request<'_>,
    from: Option<Target>,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let Request { target, source, options, operation } = *request;
    let attempt = Attempt { operation, plan: source.digest() };
    if show.dry.dry_run() {
        let result = dry_run(show, request, from, global, out).await;
        return match show.dry.shadow {
            true => result,
            false => recorded(result, attempt, target, out).await,
        };
    }
    let mut terminal = Terminal { show, options, global, out, missing: Vec::new() };
    match show.check {
        true => check(&mut terminal, request, from).await,
        false => perform(target, source, from, options, attempt, &mut terminal).await,
    }
}

async fn dry_run(
    show: &Show<'_>,
    request: &Request<'_>,
    from: Option<Target>,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let planned = Planned::new(request.target, request.source, &request.options.overrides, from, out).await?;
    rehearsal::dry_run(&planned, request.operation, show.dry, show.running, show.form, global, out).await?;
    planned.close().await
}

/// Asks the gates and runs nothing.
async fn check(terminal: &mut Terminal<'_>, request: &Request<'_>, from: Option<Target>) -> Result<(), Failure> {
    let Request { target, source, options, .. } = *request;
    let planned = Planned::new(target, source, &options.overrides, from, terminal.out).await?;
    target.check_bound(&planned.history)?;
    terminal.planned(&planned).await?;
    if planned.is_nothing() && terminal.show.document.is_none() {
        let outcome = RunOutcome { planned, done: Vec::new(), finished: None };
        terminal.finished(&outcome).await?;
        return outcome.close().await;
    }
    let prepared = planned.prepare(options).await?;
    terminal.prepared(&prepared).await?;
    let verdict = prepared.planned().gates.refusal(prepared.judgement());
    prepared.close().await?;
    verdict
}

/// The run as the command line shows it.
struct Terminal<'a> {
    show: &'a Show<'a>,
    options: &'a Options,
    global: &'a Global,
    out: &'a mut Output,
    /// Applied changesets that are in no file.
    missing: Vec<String>,
}

impl Door for Terminal<'_> {
    fn listener(&mut self) -> &mut dyn Observer {
        self.out
    }

    async fn planned(&mut self, planned: &Planned<'_>) -> Result<(), Failure> {
        self.missing = planned.missing();
        self.out.warnings(&planned.exposed_passwords());
        if self.show.form == Form::Text {
            left::warn_of(&self.missing, self.out);
        }
        Ok(())
    }

    async fn prepared(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let planned = prepared.planned();
        // lines of JSON have it with the gates alone
        let mut about = match self.show.form == Form::Text || planned.gates.source().is_some() {
            true => planned.about().await,
            false => About::default(),
        };
        if let Some(granularity) = self.options.run.transaction {
            about.one_transaction = granularity == Granularity::Plan;
        }
        tell(self.show, prepared, &about, self.global, self.out).await
    }

    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure> {
        confirm(self.global, &question(prepared))?;
        Ok(prepared.digest())
    }

    fn stop(&mut self) -> Arc<Stop> {
        stop_on_signals()
    }

    fn observer(&mut self) -> Box<dyn Observer + '_> {
        progress::observer(self.show.form, self.global, self.out)
    }

    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure> {
        finish(outcome, &self.missing, self.show.form, self.out);
        Ok(())
    }
}

/// Shows what was prepared.
async fn tell(
    show: &Show<'_>,
    prepared: &Prepared<'_>,
    about: &About,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let planned = prepared.planned();
    let preview = Preview::new(prepared.plan(), about, worded);
    if let Some(format) = show.document {
        let preview = Preview { gates: Some(prepared.verdicts()), ..preview };
        out.report(format.render(&[preview], PlanOptions::default()));
        return Ok(());
    }
    if let Some(release) = planned.gates.release() {
        let all = release.approvals(planned.target, &planned.db, &planned.history).await?;
        out.say(format!("sealed plan {}", release.digest()));
        for approval in last_words(&all, planned.target.approval_services()) {
            out.say(format!("approved by {approval}"));
        }
        if all.is_empty() {
            out.say("approved by nobody");
        }
    }
    // of a long release the gates are what one wants to know first
    gates::show(prepared, &preview, show.form, show.check, out);
    if show.form == Form::Text && !preview.plan.steps.is_empty() {
        show.running.announce(&preview, global, out);
    }
    if prepared.gates_are_met() && !show.check {
        show_findings(prepared.findings(), show.form, global, out);
    }
    Ok(())
}

fn question(prepared: &Prepared<'_>) -> String {
    let (plan, source, db) = (prepared.plan(), prepared.planned().gates.source(), &prepared.planned().db);
    let number = count(plan.steps.len(), "changeset");
    let what = match source {
        Some(from) => format!("Promote {number} from {from} to {}", plan.environment),
        None => format!("Apply {number}"),
    };
    let what = match plan.renamed.len() {
        0 => what,
        n => format!("Rename {}, and {}{}", count(n, "changeset"), what[..1].to_lowercase(), &what[1..]),
    };
    match source {
        Some(_) => format!("{what} ({})?", db.describe()),
        None => format!("{what} to {}?", db.describe()),
    }
}

/// What is to be said at the end.
fn finish(outcome: &RunOutcome<'_>, missing: &[String], form: Form, out: &mut Output) {
    let RunOutcome { planned, done, finished } = outcome;
    let (plan, finished) = (&planned.plan, finished.as_ref());
    if form == Form::Json {
        return event(&End::Summary(ApplySummary::of(outcome, missing)));
    }
    for renamed in plan.renamed.iter().filter(|_| finished.is_some()) {
        out.data(Line::new().paint(Tone::Good, "renamed").plain(format!(" {} to {}", renamed.from, renamed.to)));
    }
    for waiting in &plan.waiting {
        let until = waiting.until.as_ref().map_or_else(String::new, |u| format!(", until {u}"));
        let (id, on, soak) = (&waiting.changeset, &waiting.on, &waiting.soak);
        let said = format!(" {id}: {on} must have been applied for {soak}{until}");
        out.data(Line::new().paint(Tone::Warn, "waits").plain(said));
    }
    for blocked in &plan.blocked {
        let said = format!(" {}: {}", blocked.changeset, blocked.reason);
        out.data(Line::new().paint(Tone::Warn, "blocked").plain(said));
    }
    let (word, from) = match planned.gates.source() {
        Some(from) => ("promoted", format!(" from {from} to {}", plan.environment)),
        None => ("applied", String::new()),
    };
    match finished {
        Some(Finished { status: RunStatus::Done, .. }) if done.is_empty() && !plan.renamed.is_empty() => {}
        None | Some(Finished { status: RunStatus::Done, .. }) if done.is_empty() => out.data(left::nothing(planned)),
        Some(f) if f.status != RunStatus::Done => {
            // of what was done before a connection was lost, the plan has nothing any more
            let before = done.len() - f.done.len();
            let all = count(before + plan.steps.len(), "changeset");
            out.data(format!("{word} {} of {all}{from}", done.len()));
        }
        _ => out.data(Line::new().paint(Tone::Good, word).plain(format!(" {}{from}", count(done.len(), "changeset")))),
    }
}
