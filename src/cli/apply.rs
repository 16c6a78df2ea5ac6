//! `dagmar apply`: runs what is pending.

use super::global::Global;
use super::look;
use super::output::{Form, Output, form};
use super::progress;
use super::running::{Running, before, confirm, execute, locked, preflight, stop_on_signals, verdict};
use super::session::{Remote, Session};
use super::{Outcome, block_on, plan};
use crate::base::{Failure, Kind};
use crate::ledger::{History, Status};
use crate::pg::run::stop::Stop;
use crate::pg::run::{Finished, RunStatus, is_lost, taken_over};
use crate::pipeline::View;
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
  dagmar apply --url postgres://deploy@db/shop --wait 30s --yes --format json")]
pub struct Args {
    /// Only these: id, +id (with what it needs), id+ (with what needs it), label:x
    #[arg(long, short, value_name = "SELECTOR")]
    select: Vec<String>,
    /// Rehearses it inside of a transaction that is rolled back
    #[arg(long)]
    dry_run: bool,
    /// Runs also what the preflight has errors against
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    running: Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global, out)?;
    let view = session.view()?;
    block_on(async {
        let mut remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        let planned = plan::compile(&view, &remote, &history, &args.select, out.err_style).await?;
        if args.dry_run {
            let format = if form == Form::Json { PlanFormat::Json } else { PlanFormat::Text };
            plan::dry_run(&session, &remote, &planned, format, out).await?;
            return remote.close().await;
        }
        session.check_bound(&history)?;
        if planned.is_empty() {
            // the text says what waits or is blocked
            finish(&planned, &[], None, form, out);
            return remote.close().await;
        }
        remote.server.check_writable(session.ledger())?;
        args.running.granularity(&session, &planned)?;
        if form == Form::Text {
            let options = PlanOptions { style: out.err_style, sql: global.verbose > 0 };
            out.say(PlanFormat::Text.render(&planned, options).trim_end());
        }
        if !args.no_preflight {
            preflight(&session, &remote, &planned, form, global, out).await?;
        }
        confirm(global, &question(&planned, &remote))?;
        let stop = stop_on_signals();
        let mut observer = progress::observer(form, global, out);
        let mut course = Course { history, planned, applied: Vec::new(), losses: 0, epoch: None, prepared: false };
        let finished = loop {
            match course.go(&session, &view, &mut remote, args, out.err_style, observer.as_mut(), &stop).await {
                Ok(finished) => break finished,
                Err(why) => {
                    course.reconnect(why, &session, &mut remote, global, observer.as_mut(), &stop).await?;
                }
            }
        };
        drop(observer);
        let Course { mut planned, applied, .. } = course;
        if !planned.waiting.is_empty() {
            // what it waits for may have been applied just now: until when is known only since
            let history = remote.history(session.ledger()).await?;
            let now = decide(&view.changelog, &view.graph, &history, &session.environment, None);
            for waiting in &mut planned.waiting {
                if let Some(known) = now.waiting.iter().find(|w| w.changeset == waiting.changeset) {
                    waiting.until.clone_from(&known.until);
                }
            }
        }
        finish(&planned, &applied, finished.as_ref(), form, out);
        remote.close().await?;
        finished.map_or(Ok(()), |f| verdict(&f))
    })
}

/// Connections that may be lost one after the other without anything done in between: what
/// brings a server down is not to be sent to it for ever.
const LOSSES: u32 = 2;

/// A server that restarts is waited for at least so long.
const RETURN: Duration = Duration::from_secs(30);

/// A run that survives the loss of its connection.
struct Course {
    history: History,
    planned: Plan,
    /// What was applied before a connection was lost.
    applied: Vec<String>,
    /// Connections lost since something was done.
    losses: u32,
    /// The epoch of the last lock.
    epoch: Option<i64>,
    /// Whether the environment's hooks have run.
    prepared: bool,
}

impl Course {
    /// Takes the lock, looks at what is pending now, and runs it.
    #[allow(clippy::too_many_arguments)] // what a command has at hand
    async fn go(
        &mut self,
        session: &Session,
        view: &View<'_>,
        remote: &mut Remote,
        args: &Args,
        style: Style,
        observer: &mut dyn Observer,
        stop: &Arc<Stop>,
    ) -> Result<Option<Finished>, Failure> {
        let lock = locked(session, remote, args.running.lock_wait, observer, stop).await?;
        if self.epoch.replace(lock.epoch).is_some_and(|before| lock.epoch != before + 1) {
            lock.release().await?;
            return Err(taken_over());
        }
        // a dump may have been restored meanwhile; another run may have come first, or a lost answer have been a yes: the ledger knows
        let now = remote.history(session.ledger()).await?;
        session.check_bound(&now)?;
        if now.changesets != self.history.changesets {
            let next = plan::compile(view, remote, &now, &args.select, style).await?;
            if self.losses > 0 {
                let before = self.planned.steps.iter().map(|s| &s.changeset);
                let done = before.filter(|id| !next.steps.iter().any(|s| s.changeset == **id));
                self.applied.extend(done.filter(|id| now.status(id) == Some(Status::Applied)).cloned());
            }
            (self.planned, self.history, self.losses) = (next, now, 0);
            if !args.no_preflight && !self.planned.steps.is_empty() {
                look::refusal(&look::findings(session, remote, &self.planned).await?)?;
            }
        }
        if !self.planned.steps.is_empty() && !std::mem::replace(&mut self.prepared, true) {
            before(session, remote, &lock, &self.planned, observer, stop).await?;
        }
        let finished = match self.planned.is_empty() {
            true => None,
            false => {
                Some(execute(session, remote, &lock, &self.planned, &args.running, "apply", observer, stop).await?)
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
            connected = remote.reconnect(session.ledger(), wait) => connected.map_err(|failure| Failure {
                notes: [vec![failure.message], failure.notes, why.notes.clone()].concat(),
                ..why
            }),
            () = stop.requested() => Err(why),
        }
    }
}

fn question(plan: &Plan, remote: &Remote) -> String {
    let apply = format!("Apply {} changeset(s)", plan.steps.len());
    let what = match plan.renamed.len() {
        0 => apply,
        n => format!("Rename {n} changeset(s), and {}{}", apply[..1].to_lowercase(), &apply[1..]),
    };
    format!("{what} to {}?", remote.describe())
}

/// What is to be said at the end; `earlier` was applied before a connection was lost.
fn finish(plan: &Plan, earlier: &[String], finished: Option<&Finished>, form: Form, out: &mut Output) {
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
    match finished {
        Some(Finished { status: RunStatus::Done, .. }) if done == 0 && !plan.renamed.is_empty() => {}
        None | Some(Finished { status: RunStatus::Done, .. }) if done == 0 => {
            out.data(&format!("nothing to do: {} is up to date", plan.environment))
        }
        Some(f) if f.status != RunStatus::Done => {
            out.data(&format!("applied {done} of {} changeset(s)", earlier.len() + plan.steps.len()));
        }
        _ => out.data(&format!("{} {done} changeset(s)", out.style.paint(Tone::Good, "applied"))),
    }
}
