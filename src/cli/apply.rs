//! `dagmar apply`: runs what is pending.

use super::global::Global;
use super::look;
use super::output::{Form, Output, form};
use super::progress;
use super::session::{Remote, Session, holder};
use super::{Outcome, block_on, plan};
use crate::base::{Failure, Kind, Span};
use crate::ledger::record::{Recorder, RunRef};
use crate::pg::hooks::{self, Before};
use crate::pg::lock;
use crate::pg::run::stop::Stop;
use crate::pg::run::{self, Finished, RunInfo, RunStatus};
use crate::plan::{Plan, decide};
use crate::report::{self, PlanFormat, PlanOptions, Tone};
use crate::run::{Event, Finding, Observer, Severity};
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;
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
    /// Waits this long for another run to end
    #[arg(long, value_name = "TIME", default_value = "10m")]
    lock_wait: Span,
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
        if form == Form::Text {
            let options = PlanOptions { style: out.err_style, sql: global.verbose > 0 };
            out.say(PlanFormat::Text.render(&planned, options).trim_end());
        }
        if !args.no_preflight {
            preflight(&session, &remote, &planned, form, global, out).await?;
        }
        confirm(global, &format!("Apply {} changeset(s) to {}?", planned.steps.len(), remote.describe()))?;
        let stop = stop_on_signals();
        let mut observer = progress::observer(form, global, out);
        let lock = locked(&session, &mut remote, args.lock_wait, observer.as_mut(), &stop).await?;
        // another run may have come first: what counts is what is pending now
        let now = remote.history(session.ledger()).await?;
        let mut planned = match now.changesets == history.changesets {
            true => planned,
            false => {
                let again = plan::compile(&view, &remote, &now, &args.select, out.err_style).await?;
                if !args.no_preflight && !again.steps.is_empty() {
                    preflight(&session, &remote, &again, form, global, out).await?;
                }
                again
            }
        };
        let finished = if planned.steps.is_empty() {
            None
        } else {
            before(&session, &mut remote, &lock, &planned, observer.as_mut(), &stop).await?;
            Some(execute(&session, &mut remote, &lock, &planned, "apply", observer.as_mut(), &stop).await?)
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

/// Looks before the first statement: errors refuse, warnings are shown.
async fn preflight(
    session: &Session,
    remote: &Remote,
    plan: &Plan,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Result<(), Failure> {
    let found = look::findings(session, remote, plan).await?;
    let refusal = look::refusal(&found);
    if form == Form::Json {
        if !found.is_empty() {
            progress::observer(form, global, out).on(&Event::Preflight { findings: found });
        }
        return refusal;
    }
    // errors are said by the refusal
    let most = if global.verbose > 0 { Severity::Note } else { Severity::Warning };
    let shown: Vec<Finding> =
        found.into_iter().filter(|f| f.severity > Severity::Error && f.severity <= most).collect();
    if !shown.is_empty() {
        out.say(report::preflight::text(&shown, out.err_style).trim_end());
    }
    refusal
}

/// What the environment wants done before.
async fn before(
    session: &Session,
    remote: &mut Remote,
    lock: &lock::Lock,
    plan: &Plan,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<(), Failure> {
    let loaded = &session.workspace.loaded;
    let Some(environment) = loaded.config.environment(&session.environment) else { return Ok(()) };
    let binaries = std::env::var_os("DAGMAR_PG_BIN").map(PathBuf::from);
    let before = Before {
        root: &loaded.root,
        binaries: binaries.as_deref(),
        settings: &remote.settings,
        plan,
        ledger: session.ledger(),
        info: &info(lock, "apply"),
        recorder: &Recorder::new(session.ledger(), RunRef::Id(lock.run.clone())),
        epoch: lock.epoch,
    };
    hooks::run(&before, &environment.before_apply, &mut remote.connection, observer, stop).await
}

fn info(lock: &lock::Lock, kind: &'static str) -> RunInfo {
    let who = holder();
    RunInfo { id: lock.run.clone(), kind, os_user: who.os_user, host: who.host }
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
    lock::acquire(&request, &mut remote.connection, &mut remote.server, observer, stop).await
}

/// Runs a plan under the lock.
pub async fn execute(
    session: &Session,
    remote: &mut Remote,
    lock: &lock::Lock,
    plan: &Plan,
    kind: &'static str,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    let info = info(lock, kind);
    let recorder = Recorder::new(session.ledger(), RunRef::Id(lock.run.clone()));
    run::execute(&mut remote.connection, recorder, lock.epoch, plan, &info, observer, stop).await
}

/// What is to be said at the end.
fn finish(plan: &Plan, finished: Option<&Finished>, form: Form, out: &mut Output) {
    let done = finished.map_or(0, |f| f.done);
    let status = finished.map_or("done", |f| f.status.word());
    if form == Form::Json {
        let applied: Vec<&str> = plan.steps.iter().take(done).map(|s| s.changeset.as_str()).collect();
        let summary = json!({
            "event": "summary", "status": status, "environment": plan.environment, "applied": applied,
            "waiting": plan.waiting, "blocked": plan.blocked, "notForHere": plan.not_for_here,
            "failed": finished.and_then(|f| f.failed.as_ref()).map(|(id, error, state)| json!({
                "changeset": id, "error": error, "state": state })),
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
    match (finished.status, &finished.failed) {
        (RunStatus::Done, _) => Ok(()),
        (RunStatus::Interrupted, _) => {
            Err(Failure::new(Kind::Interrupted, "stopped by a signal; what was done is recorded")
                .help("the same command goes on"))
        }
        (RunStatus::Failed, None) => Err(Failure::new(Kind::Failed, "the run failed")),
        (RunStatus::Failed, Some((id, error, state))) => {
            let code = if error.sqlstate.is_empty() { String::new() } else { format!(" ({})", error.sqlstate) };
            let mut failure = Failure::new(Kind::Failed, format!("`{id}` failed: {}{code}", error.message));
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
            if let Some(hint) = &error.hint {
                failure = failure.help(hint.clone());
            }
            Err(failure)
        }
    }
}
