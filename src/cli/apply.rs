//! `dagmar apply`: runs what is pending.

use super::about;
use super::audit::{Tried, audited};
use super::gating::{Gating, Words};
use super::global::Global;
use super::left;
use super::look;
use super::output::{Form, Output, event, form};
use super::progress;
use super::rehearsal::{self, DryRun};
use super::running::{Running, before, confirm, execute, locked_again, preflight, stop_on_signals, verdict};
use super::sealed::{self, Chosen, Run};
use super::session::{Remote, Session};
use super::{Outcome, block_on};
use crate::base::{Failure, Kind, count};
use crate::ledger::{History, RunKind, Status};
use crate::pg::lock::lost::{is_lost, taken_over};
use crate::pg::run::{Finished, RunStatus};
use crate::pg::stop::Stop;
use crate::plan::{About, Plan, decide, secrets};
use crate::report::{Line, PlanFormat, PlanOptions, Preview, Tone};
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
    #[command(flatten)]
    dry: rehearsal::Options,
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
    pub kind: RunKind,
    /// Asks the gates and runs nothing.
    pub check: bool,
    /// Writes plan and gates in this format; for a look at them alone.
    pub document: Option<PlanFormat>,
    /// Whether it is a dry run, and how.
    pub dry: &'a rehearsal::Options,
    /// Leaves the preflight out.
    pub no_preflight: bool,
    /// How it runs.
    pub running: &'a Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let plan = args.chosen.open("apply", global, out)?;
    let global = &sealed::environment(global, plan.as_ref())?;
    let session = Session::open(global)?;
    let run = Run::of(&session, plan.as_ref(), &args.chosen, out)?;
    let only = run.only(&args.chosen)?;
    let order = Order {
        kind: RunKind::Apply,
        check: false,
        document: None,
        dry: &args.dry,
        no_preflight: args.no_preflight,
        running: &args.running,
    };
    let result = block_on(async {
        let remote = session.connect(global, out).await?;
        let gating = Gating::new(&session, run.what(), &args.words, only, None)?;
        carry_out(&order, &session, remote, gating, form, global, out).await
    });
    let command = if args.dry.on_server.dry_run { "apply --dry-run" } else { "apply" };
    match args.dry.shadow {
        true => result,
        false => audited(result, Tried { command, plan: run.digest() }, &session, global, out),
    }
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
    let planned = gating.compile(&remote, &history).await?;
    if order.dry.on_server.dry_run {
        let command = if order.kind == RunKind::Promote { "promote --dry-run" } else { "apply --dry-run" };
        let dry = DryRun { session, command, on_server: &order.dry.on_server, shadow: order.dry.shadow, form };
        dry.run((&remote, &history), &planned, Some(&gating), order.running, global, out).await?;
        gating.close().await?;
        return remote.close().await;
    }
    session.check_bound(&history)?;
    let missing = gating.view().map_or_else(Vec::new, |view| left::without_file(view, &history));
    if let Some(view) = gating.view() {
        out.warnings(&view.exposed_passwords(&planned));
    }
    if form == Form::Text {
        left::warn_of(&missing, out);
    }
    if planned.is_empty() && !gating.is_in_doubt() && order.document.is_none() {
        // the text says what waits or is blocked
        let said = Said { nothing: left::nothing(&gating, &planned, &history), missing };
        finish(&planned, &gating, &[], None, &said, form, out);
        gating.close().await?;
        return remote.close().await;
    }
    let judged = gating.judge(&remote, &planned).await?;
    // lines of JSON have it with the gates alone
    let about = match form == Form::Text || gating.source().is_some() {
        true => about::online(session, &remote, &planned).await,
        false => About::default(),
    };
    let preview = Preview::new(&planned, &about);
    if let Some(format) = order.document {
        let preview = Preview { gates: Some(&judged.verdicts), ..preview };
        out.report(format.render(&[preview], PlanOptions::default()));
    } else {
        if let Some(release) = gating.release() {
            release.tell(session, &remote, &history, out).await?;
        }
        // of a long release the gates are what one wants to know first
        gating.show(&judged, &preview, form, order.check, out);
        if form == Form::Text && !planned.steps.is_empty() {
            order.running.announce(&preview, global, out);
        }
    }
    if !order.check {
        // one that cannot be used is told before anything runs
        order.running.signing.key()?;
        remote.server.check_writable(session.ledger())?;
        order.running.granularity(session, &planned)?;
        secrets::check(&planned, &session.secrets)?;
    }
    if order.check {
        let verdict = gating.refusal(&judged);
        gating.close().await?;
        remote.close().await?;
        return verdict;
    }
    gating.refuse(&judged, &remote, &planned, order.kind.word()).await?;
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
        match course.go(session, &mut remote, observer.as_mut(), &stop).await {
            Ok(finished) => break finished,
            Err(why) => {
                course.reconnect(why, session, &mut remote, global, observer.as_mut(), &stop).await?;
            }
        }
    };
    drop(observer);
    let Course { mut planned, applied, gating, history, .. } = course;
    let said = Said { nothing: left::nothing(&gating, &planned, &history), missing };
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
    finish(&planned, &gating, &applied, finished.as_ref(), &said, form, out);
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
            let next = self.gating.compile(remote, &now).await?;
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
            if let Err(refused) = self.gating.refuse(&judged, remote, &self.planned, self.order.kind.word()).await {
                lock.release().await?;
                return Err(refused);
            }
            self.gating.note(&judged, remote, &self.planned, Some(&lock.run), self.order.kind.word()).await?;
            secrets::check(&self.planned, &session.secrets)?;
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
        Some(_) => format!("{what} ({})?", remote.describe()),
        None => format!("{what} to {}?", remote.describe()),
    }
}

/// What is said besides what was done.
struct Said {
    /// Where nothing is to be done.
    nothing: String,
    /// Applied changesets that no file has any more.
    missing: Vec<String>,
}

/// What is to be said at the end; `earlier` was applied before a connection was lost.
fn finish(
    plan: &Plan,
    gating: &Gating<'_>,
    earlier: &[String],
    finished: Option<&Finished>,
    said: &Said,
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
            "missing": said.missing,
            "failed": finished.and_then(|f| f.failed.first()),
            "alsoFailed": finished.and_then(|f| f.failed.get(1..)).unwrap_or_default(),
        });
        event(&summary);
        return;
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
    let (word, from) = match gating.source() {
        Some(from) => ("promoted", format!(" from {from} to {}", plan.environment)),
        None => ("applied", String::new()),
    };
    match finished {
        Some(Finished { status: RunStatus::Done, .. }) if done == 0 && !plan.renamed.is_empty() => {}
        None | Some(Finished { status: RunStatus::Done, .. }) if done == 0 => out.data(&said.nothing),
        Some(f) if f.status != RunStatus::Done => {
            let all = count(earlier.len() + plan.steps.len(), "changeset");
            out.data(format!("{word} {done} of {all}{from}"));
        }
        _ => out.data(Line::new().paint(Tone::Good, word).plain(format!(" {}{from}", count(done, "changeset")))),
    }
}
