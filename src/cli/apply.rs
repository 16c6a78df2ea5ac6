//! `dagmar apply`: runs what is pending.

use super::global::Global;
use super::output::{Form, Output, form};
use super::progress;
use super::session::{Remote, Session, holder};
use super::{Outcome, block_on, plan};
use crate::base::{Failure, Granularity, Kind, Span};
use crate::ledger::record::{Recorder, RunRef};
use crate::pg::lock;
use crate::pg::run::stop::Stop;
use crate::pg::run::{self, FailedStep, Finished, Job, OnFailure, RunInfo, RunStatus};
use crate::plan::{Plan, decide};
use crate::report::{PlanFormat, PlanOptions, Tone};
use crate::run::Observer;
use serde_json::json;
use std::io::IsTerminal;
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
    #[command(flatten)]
    running: Running,
}

/// How a plan is run: the options that apply and rollback share.
#[derive(Debug, clap::Args)]
pub struct Running {
    /// Runs independent steps on up to this many connections; 1: one after the other
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// What happens to the steps that run when one fails; new ones are not begun
    #[arg(long, value_name = "WHAT", value_enum, default_value = "finish")]
    pub on_failure: Others,
    /// What one transaction holds: each changeset, or the whole plan (all or nothing)
    #[arg(long, value_name = "WHAT", value_enum)]
    pub transaction: Option<Transaction>,
    /// Waits this long for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub lock_wait: Span,
}

/// What happens to the steps that run when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Others {
    /// They come to their end
    Finish,
    /// They are cancelled
    Stop,
}

/// What one transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transaction {
    /// A changeset, or a segment of it
    Changeset,
    /// The whole plan: all or nothing
    Plan,
}

impl Running {
    /// What one transaction holds, by the option or the environment; refuses a plan that
    /// cannot be one.
    pub fn granularity(&self, session: &Session, plan: &Plan) -> Result<Granularity, Failure> {
        let granularity = match self.transaction {
            Some(Transaction::Changeset) => Granularity::Changeset,
            Some(Transaction::Plan) => Granularity::Plan,
            None => session.transaction(),
        };
        if granularity == Granularity::Plan {
            run::check_whole(plan)?;
        }
        Ok(granularity)
    }
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
        if planned.steps.is_empty() {
            // the text says what waits or is blocked
            finish(&planned, None, form, out);
            return remote.close().await;
        }
        remote.server.check_writable(session.ledger())?;
        args.running.granularity(&session, &planned)?;
        if form == Form::Text {
            let options = PlanOptions { style: out.err_style, sql: global.verbose > 0 };
            out.say(PlanFormat::Text.render(&planned, options).trim_end());
        }
        confirm(global, &format!("Apply {} changeset(s) to {}?", planned.steps.len(), remote.describe()))?;
        let stop = stop_on_signals();
        let mut observer = progress::observer(form, global, out);
        let lock = locked(&session, &mut remote, args.running.lock_wait, observer.as_mut(), &stop).await?;
        // another run may have come first: what counts is what is pending now
        let now = remote.history(session.ledger()).await?;
        let mut planned = match now.changesets == history.changesets {
            true => planned,
            false => plan::compile(&view, &remote, &now, &args.select, out.err_style).await?,
        };
        let finished = if planned.steps.is_empty() {
            None
        } else {
            Some(
                execute(&session, &mut remote, &lock, &planned, &args.running, "apply", observer.as_mut(), &stop)
                    .await?,
            )
        };
        drop(observer);
        lock.release().await?;
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
        finish(&planned, finished.as_ref(), form, out);
        remote.close().await?;
        finished.map_or(Ok(()), |f| verdict(&f))
    })
}

/// Asks, unless `--yes` was given.
pub fn confirm(global: &Global, question: &str) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(
            Failure::new(Kind::Refused, "nobody is there to confirm it: this is no terminal").help("say `--yes`")
        );
    }
    let answer = dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(|e| Failure::new(Kind::Usage, format!("cannot ask: {e}")))?;
    if answer { Ok(()) } else { Err(Failure::new(Kind::Refused, "not confirmed; nothing was changed")) }
}

/// A wish to stop that Ctrl-C and SIGTERM express.
pub fn stop_on_signals() -> Arc<Stop> {
    let stop = Arc::new(Stop::default());
    let wish = Arc::clone(&stop);
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
            return;
        };
        let mut times = 0;
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => times += 1,
            }
            wish.request();
            if times > 1 {
                // asked twice: at once; the server undoes what was not committed
                std::process::exit(i32::from(Kind::Interrupted.exit_code()));
            }
        }
    });
    stop
}

/// Takes the lock.
pub async fn locked(
    session: &Session,
    remote: &mut Remote,
    wait: Span,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<lock::Lock, Failure> {
    let request = lock::Request {
        settings: &remote.settings,
        ledger: session.ledger(),
        holder: &holder(),
        wait: Duration::from_millis(wait.millis),
    };
    lock::acquire(&request, &remote.connection, &mut remote.server, observer, stop).await
}

/// Runs a plan under the lock.
#[allow(clippy::too_many_arguments)]
pub async fn execute(
    session: &Session,
    remote: &mut Remote,
    lock: &lock::Lock,
    plan: &Plan,
    running: &Running,
    kind: &'static str,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    let who = holder();
    let info = RunInfo { id: lock.run.clone(), kind, os_user: who.os_user, host: who.host };
    let recorder = Recorder::new(session.ledger(), RunRef::Id(lock.run.clone()));
    let job = Job {
        plan,
        info: &info,
        settings: &remote.settings,
        epoch: lock.epoch,
        jobs: usize::from(running.jobs.unwrap_or_else(|| session.jobs())),
        on_failure: match running.on_failure {
            Others::Finish => OnFailure::Finish,
            Others::Stop => OnFailure::Stop,
        },
        transaction: running.granularity(session, plan)?,
    };
    let run = run::execute(&mut remote.connection, recorder, &job, observer, stop);
    let cancelled = lock.cancelled(session.ledger());
    tokio::pin!(run, cancelled);
    tokio::select! {
        finished = &mut run => return finished,
        who = &mut cancelled => stop.request_by(who),
    }
    run.await
}

/// What is to be said at the end.
fn finish(plan: &Plan, finished: Option<&Finished>, form: Form, out: &mut Output) {
    let done = finished.map_or(0, |f| f.done.len());
    let status = finished.map_or("done", |f| f.status.word());
    if form == Form::Json {
        let applied = finished.map_or(&[][..], |f| &f.done);
        let summary = json!({
            "event": "summary", "status": status, "environment": plan.environment, "applied": applied,
            "waiting": plan.waiting, "blocked": plan.blocked, "notForHere": plan.not_for_here,
            "failed": finished.and_then(|f| f.failed.first()),
            "alsoFailed": finished.and_then(|f| f.failed.get(1..)).unwrap_or_default(),
        });
        out.data(&summary.to_string());
        return;
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
        None => out.data(&format!("nothing to do: {} is up to date", plan.environment)),
        Some(f) if f.status == RunStatus::Done => {
            out.data(&format!("{} {done} changeset(s)", out.style.paint(Tone::Good, "applied")));
        }
        Some(_) => out.data(&format!("applied {done} of {} changeset(s)", plan.steps.len())),
    }
}

/// A run that did not come to its end as a failure of the command.
pub fn verdict(finished: &Finished) -> Outcome {
    match (finished.status, finished.failed.as_slice()) {
        (RunStatus::Done, _) => Ok(()),
        (RunStatus::Interrupted, _) => {
            let by = finished.stopped_by.as_deref().unwrap_or("stopped by a signal");
            Err(Failure::new(Kind::Interrupted, format!("{by}; what was done is recorded"))
                .help("the same command goes on"))
        }
        (RunStatus::Failed, []) => Err(Failure::new(Kind::Failed, "the run failed")),
        (RunStatus::Failed, [first, others @ ..]) => {
            let mut failure = described(first);
            for other in others {
                failure.notes.push(format!(
                    "`{}` failed at the same time: {}; {}",
                    other.changeset, other.error.message, other.state
                ));
            }
            Err(failure)
        }
    }
}

fn described(FailedStep { changeset, error, state }: &FailedStep) -> Failure {
    let code = if error.sqlstate.is_empty() { String::new() } else { format!(" ({})", error.sqlstate) };
    let mut failure = Failure::new(Kind::Failed, format!("`{changeset}` failed: {}{code}", error.message));
    if let Some(sql) = &error.statement {
        for (i, line) in sql.lines().enumerate() {
            failure.notes.push(format!("| {line}"));
            if let Some((at, column)) = error.line_column
                && at == i + 1
            {
                failure.notes.push(format!("| {}^", " ".repeat(column.saturating_sub(1))));
            }
        }
    }
    if !error.blockers.is_empty() {
        failure.notes.push(format!("the lock is held by {}", error.blockers.join(", ")));
    }
    failure.notes.push(format!("state: {state}"));
    match &error.hint {
        Some(hint) => failure.help(hint.clone()),
        None => failure,
    }
}
