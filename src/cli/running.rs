//! Running a plan: what apply and rollback have in common.

use super::Outcome;
use super::global::Global;
use super::look;
use super::output::{Form, Output, ask};
use super::progress;
use super::seal;
use super::session::{Remote, Session, holder};
use crate::base::{Failure, Granularity, Kind, Span, count};
use crate::ledger::RunKind;
use crate::ledger::record::{Recorder, RunRef};
use crate::pg::hooks::{self, Before};
use crate::pg::ledger::audit;
use crate::pg::lock;
use crate::pg::run::{self, FailedStep, Finished, Job, OnFailure, RunInfo, RunStatus};
use crate::pg::stop::Stop;
use crate::plan::signature::PrivateKey;
use crate::plan::{Direction, Plan, secrets};
use crate::report::{self, Detail, PlanOptions, Preview};
use crate::run::{Event, Finding, Observer, Severity};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a plan is run: the options that apply and rollback share.
#[derive(Debug, Clone, clap::Args)]
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
    /// How much of the plan is shown before it runs; left out: the statements, of a long plan the summary
    #[arg(long, value_name = "WHAT", value_enum)]
    pub show: Option<Show>,
    #[command(flatten)]
    pub signing: Signing,
}

/// How the history is signed: the option of every run.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Signing {
    /// Signs the history at the end of the run with this private key, which the database does not
    /// have: `history --verify --key` looks for it
    #[arg(long, value_name = "KEYFILE", env = "DAGMAR_SIGN_HISTORY", hide_env_values = true)]
    sign_history: Option<PathBuf>,
}

impl Signing {
    /// The key that the history is signed with.
    pub fn key(&self) -> Result<Option<PrivateKey>, Failure> {
        self.sign_history.as_deref().map(seal::private_key).transpose()
    }
}

/// How much of a plan is shown before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Show {
    /// A line for each changeset
    Summary,
    /// The heads of the statements, with their locks
    Statements,
    /// The SQL of both directions, as with -v
    Sql,
}

/// A plan of more lines is shown as a summary, unless more is asked for.
const LONG: usize = 60;

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

impl Default for Running {
    fn default() -> Self {
        Self {
            jobs: None,
            on_failure: Others::Finish,
            transaction: None,
            lock_wait: Span::secs(600),
            show: None,
            signing: Signing::default(),
        }
    }
}

impl Running {
    /// The same on a server that is thrown away: nothing is signed there.
    pub fn for_shadow(&self, jobs: Option<u16>) -> Self {
        Self { jobs: jobs.or(self.jobs), signing: Signing::default(), ..self.clone() }
    }

    /// Shows what is about to run.
    pub fn announce(&self, preview: &Preview<'_>, global: &Global, out: &mut Output) {
        let limit = out.messages().limit;
        let text = |detail| report::plan::text(preview, PlanOptions { detail, limit });
        let detail = match self.show {
            Some(Show::Summary) => Detail::Summary,
            Some(Show::Statements) => Detail::Statements,
            Some(Show::Sql) => Detail::Sql,
            None if global.verbose > 0 => Detail::Sql,
            None => {
                let whole = text(Detail::Statements);
                if whole.lines() <= LONG {
                    return out.say(whole);
                }
                out.say(text(Detail::Summary));
                let command = match preview.plan.direction {
                    Direction::Forward => "plan",
                    Direction::Rollback => "rollback --plan",
                    Direction::Purge => "attic purge --plan",
                    Direction::Restore => "attic restore --plan",
                };
                return out.say(format!(
                    "this is the summary of a plan of {}: `--show statements` and `--show sql` show all of it here, \
                     `dagmar {command}` without running it",
                    count(whole.lines(), "line")
                ));
            }
        };
        out.say(text(detail));
    }

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

/// Refuses a reason that says nothing.
pub fn given(reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "the reason is empty").help("say why: the history keeps it"));
    }
    Ok(())
}

/// Asks, unless `--yes` was given.
pub fn confirm(global: &Global, question: &str) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    if ask(question)? { Ok(()) } else { Err(Failure::new(Kind::Refused, "not confirmed; nothing was changed")) }
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
    stop: &Arc<Stop>,
) -> Result<lock::Lock, Failure> {
    locked_again(session, remote, wait, None, observer, stop).await
}

/// Takes the lock; one of the epoch `lost` was had before, and nobody must have come since.
pub async fn locked_again(
    session: &Session,
    remote: &mut Remote,
    wait: Span,
    lost: Option<i64>,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
) -> Result<lock::Lock, Failure> {
    let request = lock::Request {
        settings: &remote.settings,
        ledger: session.ledger_config(),
        holder: &holder(),
        wait: Duration::from_millis(wait.millis),
        lost,
    };
    lock::acquire(&request, &mut remote.connection, &mut remote.server, observer, stop).await
}

/// Looks before the first statement: errors refuse, warnings are shown.
pub async fn preflight(
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
        out.say(report::preflight::text(&shown));
    }
    refusal
}

/// What the environment wants done before; `done` counts the hooks that are done and recorded.
#[allow(clippy::too_many_arguments)]
pub async fn before(
    session: &Session,
    remote: &mut Remote,
    lock: &lock::Lock,
    plan: &Plan,
    kind: RunKind,
    done: &mut usize,
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
        info: &info(session, lock, kind),
        recorder: &Recorder::new(session.ledger(), RunRef::Id(lock.run.clone())),
        epoch: lock.epoch,
    };
    hooks::run(&before, &environment.before_apply, done, &mut remote.connection, observer, stop).await
}

fn info(session: &Session, lock: &lock::Lock, kind: RunKind) -> RunInfo {
    let who = holder();
    RunInfo { id: lock.run.clone(), kind, os_user: who.os_user, host: who.host, policy: session.policy() }
}

/// Runs a plan under the lock.
#[allow(clippy::too_many_arguments)]
pub async fn execute(
    session: &Session,
    remote: &mut Remote,
    lock: &lock::Lock,
    plan: &Plan,
    running: &Running,
    kind: RunKind,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    secrets::check(plan, &session.secrets)?;
    let info = info(session, lock, kind);
    let recorder = Recorder::new(session.ledger(), RunRef::Id(lock.run.clone()));
    let job = Job {
        plan,
        info: &info,
        ledger: session.ledger(),
        settings: &remote.settings,
        epoch: lock.epoch,
        jobs: usize::from(running.jobs.unwrap_or_else(|| session.jobs())),
        on_failure: match running.on_failure {
            Others::Finish => OnFailure::Finish,
            Others::Stop => OnFailure::Stop,
        },
        transaction: running.granularity(session, plan)?,
        secrets: &session.secrets,
    };
    let run = run::execute(&mut remote.connection, recorder, &job, observer, stop);
    let finished = tokio::select! {
        finished = run => finished,
        // the network swallows everything: nothing more is to be heard
        why = stop.given_up() => Err(why),
    }?;
    if let Some(key) = running.signing.key()? {
        audit::sign_head(&remote.connection, session.ledger(), &lock.run, &key).await?;
    }
    Ok(finished)
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
                let place = other.error.location.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
                failure.notes.push(format!(
                    "`{}` failed at the same time: {}{place}; {}",
                    other.changeset, other.error.message, other.state
                ));
            }
            Err(failure)
        }
    }
}

fn described(FailedStep { changeset, error, state, .. }: &FailedStep) -> Failure {
    let code = if error.sqlstate.is_empty() { String::new() } else { format!(" ({})", error.sqlstate) };
    let mut failure = Failure::new(Kind::Failed, format!("`{changeset}` failed: {}{code}", error.message));
    failure.location = error.location.clone();
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
    if let Some(detail) = &error.detail {
        failure.notes.extend(detail.lines().map(|line| format!("detail: {line}")));
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
