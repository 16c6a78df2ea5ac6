//! `dagmar apply`: runs what is pending.

use super::audit::{Tried, audited};
use super::gating::{Gating, Words};
use super::global::Global;
use super::look;
use super::output::{Form, Output, form};
use super::progress;
use super::running::{Running, before, confirm, execute, locked_again, preflight, stop_on_signals, verdict};
use super::sealed::{self, Chosen, Run};
use super::session::{Remote, Session};
use super::{Outcome, block_on, plan};
use crate::base::{Failure, Kind};
use crate::ledger::{History, Status};
use crate::pg::run::stop::Stop;
use crate::pg::run::{Finished, RunStatus, is_lost, taken_over};
use crate::plan::{Plan, decide};
use crate::report::{PlanFormat, PlanOptions, Style, Tone};
use crate::run::{Event, Observer};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Runs what is pending, in order, and records it.
///
/// Applying twice changes nothing the second time. A changeset that fails leaves nothing
/// behind when it is one transaction; otherwise its state is recorded, the next apply goes
/// on, and rollback takes back what is done.
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
    /// Rehearses it inside of a transaction that is rolled back
    #[arg(long)]
    dry_run: bool,
    /// Runs also what the preflight has errors against
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    running: Running,
}

/// What is asked of a run, by apply or promote.
pub struct Order<'a> {
    /// The word for it in the ledger.
    pub kind: &'static str,
    /// Asks the gates and runs nothing.
    pub check: bool,
    /// Rehearses it.
    pub dry_run: bool,
    /// Leaves the preflight out.
    pub no_preflight: bool,
    /// How it runs.
    pub running: &'a Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let plan = args.chosen.open("apply", global, out)?;
    let global = &sealed::environment(global, plan.as_ref())?;
    let session = Session::open(global, out)?;
    let run = Run::of(&session, plan.as_ref(), &args.chosen)?;
    let only = run.only(&args.chosen)?;
    let order = Order {
        kind: "apply",
        check: false,
        dry_run: args.dry_run,
        no_preflight: args.no_preflight,
        running: &args.running,
    };
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let gating = Gating::new(&session, run.what(), &args.words, only, None)?;
        carry_out(&order, &session, remote, gating, form, global, out).await
    });
    if args.dry_run {
        return result;
    }
    audited(result, Tried { command: "apply", plan: run.digest() }, &session, global, out)
}

/// Plans, asks the gates, and runs under the lock.
#[allow(clippy::too_many_arguments)] // what a command has at hand
pub async fn carry_out(
    order: &Order<'_>,
    session: &Session,
    mut remote: Remote,
    mut gating: Gating<'_>,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let history = remote.history(session.ledger()).await?;
    let planned = gating.compile(&remote, &history, out.err_style).await?;
    if order.dry_run {
        let format = if form == Form::Json { PlanFormat::Json } else { PlanFormat::Text };
        plan::dry_run(session, &remote, &history, &planned, format, out).await?;
        return remote.close().await;
    }
    session.check_bound(&history)?;
    if planned.is_empty() && !gating.is_in_doubt() {
        // the text says what waits or is blocked
        finish(&planned, &gating, &[], None, form, out);
        gating.close().await?;
        return remote.close().await;
    }
    if form == Form::Text && !planned.steps.is_empty() {
        let options = PlanOptions { style: out.err_style, sql: global.verbose > 0 };
        out.say(PlanFormat::Text.render(&planned, options).trim_end());
    }
    if !order.check {
        // one that cannot be used is told before anything runs
        order.running.signing.key()?;
        remote.server.check_writable(session.ledger())?;
        order.running.granularity(session, &planned)?;
    }
    if let Some(release) = gating.release() {
        release.tell(session, &remote, &history, out).await?;
    }
    let judged = gating.judge(&remote, &planned).await?;
    gating.show(&judged, &planned, form, order.check, out);
    if order.check {
        let verdict = gating.refusal(&judged);
        gating.close().await?;
        remote.close().await?;
        return verdict;
    }
    gating.refuse(&judged, &remote, &planned, order.kind).await?;
    if !order.no_preflight {
        preflight(session, &remote, &planned, form, global, out).await?;
    }
    let question = question(&planned, gating.source(), &remote);
    confirm(global, &question)?;
    let stop = stop_on_signals();
    let mut observer = progress::observer(form, global, out);
    let mut course = Course {
        order,
        gating,
        history,
        planned,
        applied: Vec::new(),
        losses: 0,
        epoch: None,
        prepared: false,
        hooks_done: 0,
    };
    let finished = loop {
        match course.go(session, &mut remote, out.err_style, observer.as_mut(), &stop).await {
            Ok(finished) => break finished,
            Err(why) => {
                course.reconnect(why, session, &mut remote, global, observer.as_mut(), &stop).await?;
            }
        }
    };
    drop(observer);
    let Course { mut planned, applied, gating, .. } = course;
    if let (Some(view), false) = (gating.view(), planned.waiting.is_empty()) {
        // what it waits for may have been applied just now: until when is known only since
        let history = remote.history(session.ledger()).await?;
        let now = decide(&view.changelog, &view.graph, &history, &session.environment, None);
        for waiting in &mut planned.waiting {
            if let Some(known) = now.waiting.iter().find(|w| w.changeset == waiting.changeset) {
                waiting.until.clone_from(&known.until);
            }
        }
    }
    finish(&planned, &gating, &applied, finished.as_ref(), form, out);
    gating.close().await?;
    remote.close().await?;
    finished.map_or(Ok(()), |f| verdict(&f))
}

/// Connections that may be lost one after the other without anything done in between: what
/// brings a server down is not to be sent to it for ever.
const LOSSES: u32 = 2;

/// A server that restarts is waited for at least so long.
const RETURN: Duration = Duration::from_secs(30);

/// A run that survives the loss of its connection.
struct Course<'a> {
    order: &'a Order<'a>,
    gating: Gating<'a>,
    history: History,
    planned: Plan,
    /// What was applied before a connection was lost.
    applied: Vec<String>,
    /// Connections lost since something was done.
    losses: u32,
    /// The epoch of the last lock.
    epoch: Option<i64>,
    /// Whether the gates were met under the lock, and all of the environment's hooks have run.
    prepared: bool,
    /// How many of the hooks have run.
    hooks_done: usize,
}

impl Course<'_> {
    /// Takes the lock, looks at what is pending now, and runs it.
    async fn go(
        &mut self,
        session: &Session,
        remote: &mut Remote,
        style: Style,
        observer: &mut dyn Observer,
        stop: &Arc<Stop>,
    ) -> Result<Option<Finished>, Failure> {
        let wait = self.order.running.lock_wait;
        let lock = locked_again(session, remote, wait, self.epoch, observer, stop).await?;
        if self.epoch.replace(lock.epoch).is_some_and(|before| lock.epoch != before + 1) {
            lock.release().await?;
            return Err(taken_over(None));
        }
        // a dump may have been restored meanwhile; another run may have come first, or a lost answer have been a yes: the ledger knows
        let now = remote.history(session.ledger()).await?;
        session.check_bound(&now)?;
        let moved = now.changesets != self.history.changesets;
        // a source may have moved; a sealed plan may be rejected, expired or changed
        if moved || (self.gating.is_bound() && !self.prepared) {
            let next = self.gating.compile(remote, &now, style).await?;
            if self.losses > 0 {
                let before = self.planned.steps.iter().map(|s| &s.changeset);
                let done = before.filter(|id| !next.steps.iter().any(|s| s.changeset == **id));
                self.applied.extend(done.filter(|id| now.status(id) == Some(Status::Applied)).cloned());
            }
            (self.planned, self.history) = (next, now);
            if moved {
                self.losses = 0;
            }
            if moved && !self.order.no_preflight && !self.planned.steps.is_empty() {
                look::refusal(&look::findings(session, remote, &self.planned).await?)?;
            }
        }
        if !self.planned.steps.is_empty() && !self.prepared {
            // time has passed since they were asked, and the source may have moved
            let judged = self.gating.judge(remote, &self.planned).await?;
            if let Err(refused) = self.gating.refuse(&judged, remote, &self.planned, self.order.kind).await {
                lock.release().await?;
                return Err(refused);
            }
            self.gating.note(&judged, remote, &self.planned, &lock.run, self.order.kind).await?;
            let done = &mut self.hooks_done;
            before(session, remote, &lock, &self.planned, self.order.kind, done, observer, stop).await?;
            self.prepared = true;
        }
        if let (Some(release), false) = (self.gating.release(), self.planned.steps.is_empty()) {
            release.note(session, remote, &lock).await?;
        }
        let finished = match self.planned.is_empty() {
            true => None,
            false => {
                let order = self.order;
                Some(execute(session, remote, &lock, &self.planned, order.running, order.kind, observer, stop).await?)
            }
        };
        lock.release().await?;
        Ok(finished)
    }

    /// Connects again where the connection is why it failed.
    async fn reconnect(
        &mut self,
        why: Failure,
        session: &Session,
        remote: &mut Remote,
        global: &Global,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<(), Failure> {
        self.losses += 1;
        let may_pass = matches!(why.kind, Kind::Database | Kind::Locked) && self.losses <= LOSSES;
        if !may_pass || !(is_lost(&why) || remote.is_gone().await) {
            return Err(why);
        }
        stop.recover();
        observer.on(&Event::Waiting { message: format!("{}; connecting again", why.message) });
        let wait = Duration::from_millis(global.wait.millis).max(RETURN);
        tokio::select! {
            connected = remote.reconnect(session.ledger_config(), wait) => connected.map_err(|failure| Failure {
                notes: [vec![failure.message], failure.notes, why.notes.clone()].concat(),
                ..why
            }),
            () = stop.requested() => Err(why),
        }
    }
}

fn question(plan: &Plan, source: Option<&str>, remote: &Remote) -> String {
    let number = plan.steps.len();
    let what = match source {
        Some(from) => format!("Promote {number} changeset(s) from {from} to {}", plan.environment),
        None => format!("Apply {number} changeset(s)"),
    };
    let what = match plan.renamed.len() {
        0 => what,
        n => format!("Rename {n} changeset(s), and {}{}", what[..1].to_lowercase(), &what[1..]),
    };
    match source {
        Some(_) => format!("{what} ({})?", remote.describe()),
        None => format!("{what} to {}?", remote.describe()),
    }
}

/// What is to be said at the end; `earlier` was applied before a connection was lost.
fn finish(
    plan: &Plan,
    gating: &Gating<'_>,
    earlier: &[String],
    finished: Option<&Finished>,
    form: Form,
    out: &mut Output,
) {
    let done = earlier.len() + finished.map_or(0, |f| f.done.len());
    let status = finished.map_or("done", |f| f.status.word());
    if form == Form::Json {
        let applied: Vec<&String> = earlier.iter().chain(finished.iter().flat_map(|f| &f.done)).collect();
        let summary = json!({
            "event": "summary", "status": status, "environment": plan.environment, "applied": applied,
            "renamed": plan.renamed, "waiting": plan.waiting, "blocked": plan.blocked, "notForHere": plan.not_for_here,
            "failed": finished.and_then(|f| f.failed.first()),
            "alsoFailed": finished.and_then(|f| f.failed.get(1..)).unwrap_or_default(),
        });
        out.data(&summary.to_string());
        return;
    }
    for renamed in plan.renamed.iter().filter(|_| finished.is_some()) {
        out.data(&format!("{} {} to {}", out.style.paint(Tone::Good, "renamed"), renamed.from, renamed.to));
    }
    for waiting in &plan.waiting {
        let until = waiting.until.as_ref().map_or_else(String::new, |u| format!(", until {u}"));
        out.data(&format!(
            "{} {}: {} must have been applied for {}{until}",
            out.style.paint(Tone::Warn, "waits"),
            waiting.changeset,
            waiting.on,
            waiting.soak
        ));
    }
    for blocked in &plan.blocked {
        out.data(&format!("{} {}: {}", out.style.paint(Tone::Warn, "blocked"), blocked.changeset, blocked.reason));
    }
    let (word, from) = match gating.source() {
        Some(from) => ("promoted", format!(" from {from} to {}", plan.environment)),
        None => ("applied", String::new()),
    };
    match finished {
        Some(Finished { status: RunStatus::Done, .. }) if done == 0 && !plan.renamed.is_empty() => {}
        None | Some(Finished { status: RunStatus::Done, .. }) if done == 0 => out.data(&gating.nothing()),
        Some(f) if f.status != RunStatus::Done => {
            out.data(&format!("{word} {done} of {} changeset(s){from}", earlier.len() + plan.steps.len()));
        }
        _ => out.data(&format!("{} {done} changeset(s){from}", out.style.paint(Tone::Good, word))),
    }
}
