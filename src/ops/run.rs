//! Running a plan under the lock: what all operations that run one have in common.

use super::Target;
use crate::base::{Failure, FailureKind, Granularity, HumanDuration, Remedy};
use crate::history::RunKind;
use crate::pg::hooks::{self, Hooks};
use crate::pg::ledger::audit;
use crate::pg::lock::{self, Lock};
use crate::pg::run::ready::{Clearance, Judged, Ready};
use crate::pg::run::{self, FailedStep, Finished, Job, OnFailure, RunInfo, RunStatus};
use crate::pg::{Database, Stop};
use crate::plan::signature::PrivateKey;
use crate::plan::{Direction, Plan, secrets};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// The options of the execution.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The maximum number of connections that run steps concurrently; absent: that of the environment.
    pub jobs: Option<u16>,
    /// The handling of running steps when a step fails.
    pub on_failure: OnFailure,
    /// The scope of a transaction; absent: that of the environment.
    pub transaction: Option<Granularity>,
    /// How long to wait for another run.
    pub lock_wait: HumanDuration,
    /// The key that signs the history at the end of the run.
    pub sign: Option<Arc<PrivateKey>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            jobs: None,
            on_failure: OnFailure::Finish,
            transaction: None,
            lock_wait: HumanDuration::secs(600),
            sign: None,
        }
    }
}

impl RunOptions {
    /// With one connection, in the order of the plan.
    #[must_use]
    pub fn alone() -> Self {
        Self { jobs: Some(1), ..Self::default() }
    }

    /// The scope of a transaction.
    ///
    /// # Errors
    /// The steps that cannot be part of one transaction.
    pub fn granularity(&self, target: &Target, plan: &Plan) -> Result<Granularity, Failure> {
        let granularity = self.transaction.unwrap_or_else(|| target.transaction());
        if granularity == Granularity::Plan {
            run::check_whole(plan)?;
        }
        Ok(granularity)
    }
}

/// Refuses an empty reason.
///
/// # Errors
/// If it is empty.
pub fn check_reason(reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::new(FailureKind::Usage, "the reason is empty")
            .help("give a reason: it is recorded in the history"));
    }
    Ok(())
}

/// Takes the lock; `lost`: the epoch of a previous lock of this run, which no other run may have followed.
///
/// # Errors
/// If another run holds the lock.
pub async fn lock(
    target: &Target,
    db: &mut Database,
    wait: HumanDuration,
    lost: Option<i64>,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
) -> Result<Lock, Failure> {
    let request = lock::Request {
        settings: &db.settings,
        ledger: target.ledger_config(),
        actor: &target.actor,
        wait: Duration::from_millis(wait.millis),
        lost,
    };
    lock::acquire(&request, &mut db.connection, &mut db.server, observer, stop).await
}

/// A ledger that was created or upgraded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Installed {
    /// The schema of the ledger.
    pub ledger: String,
    /// The environment.
    pub environment: String,
    /// The previous version; 0: there was no ledger.
    pub from: u32,
    /// The current version; equal to `from` if nothing was to be done.
    pub to: u32,
}

/// Creates or upgrades the ledger.
///
/// # Errors
/// If another run holds the lock, or the ledger cannot be created.
pub async fn install(target: &Target, db: &mut Database) -> Result<(), Failure> {
    lock(target, db, HumanDuration::default(), None, &mut (), &Arc::default()).await?.release().await
}

fn info(target: &Target, kind: RunKind) -> RunInfo {
    RunInfo { kind, actor: target.actor.clone(), policy: target.policy() }
}

/// Runs the hooks of the environment that have not run yet; then the plan is ready.
///
/// # Errors
/// If a hook fails.
pub async fn run_hooks<'l>(
    target: &Target,
    db: &mut Database,
    kind: RunKind,
    judged: Judged<'l>,
    clearance: &mut Clearance,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Ready<'l>, Failure> {
    let binaries = target.binaries();
    let applies = judged.plan().direction == Direction::Forward && !judged.plan().steps.is_empty();
    let hooks = Hooks {
        list: target.config().filter(|_| applies).map(|e| e.before_apply.as_slice()).unwrap_or_default(),
        root: &target.workspace().loaded.root,
        binaries: binaries.as_deref(),
        process: target.process(),
        settings: &db.settings,
        ledger: target.ledger(),
        info: &info(target, kind),
    };
    hooks::run(&hooks, judged, clearance, &mut db.connection, observer, stop).await
}

/// Runs a plan under its lock.
///
/// # Errors
/// If a connection is lost, or the ledger cannot be written. A failed step is in the result.
pub async fn execute(
    target: &Target,
    db: &mut Database,
    ready: &Ready<'_>,
    options: &RunOptions,
    kind: RunKind,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    secrets::check(ready.plan(), &target.secrets)?;
    let job = Job {
        info: &info(target, kind),
        ledger: target.ledger(),
        settings: &db.settings,
        jobs: usize::from(options.jobs.unwrap_or_else(|| target.jobs())),
        on_failure: options.on_failure,
        transaction: options.granularity(target, ready.plan())?,
        secrets: &target.secrets,
    };
    let run = run::execute(&mut db.connection, ready, &job, observer, stop);
    let finished = tokio::select! {
        finished = run => finished,
        // the network swallows everything: nothing more is to be heard
        why = stop.given_up() => Err(why),
    }?;
    if let Some(key) = &options.sign {
        audit::sign_head(&db.connection, target.ledger(), &ready.lock().run, key).await?;
    }
    Ok(finished)
}

/// The failure of a run that is not done.
///
/// # Errors
/// The failed steps, or the user who stopped the run.
pub fn verdict(finished: &Finished) -> Result<(), Failure> {
    match (finished.status, finished.failed.as_slice()) {
        (RunStatus::Done, _) => Ok(()),
        (RunStatus::Interrupted, _) => {
            let by = finished.stopped_by.as_deref().unwrap_or("stopped by a signal");
            Err(Failure::new(FailureKind::Interrupted, format!("{by}; the completed steps are recorded"))
                .help("run the command again to continue"))
        }
        (RunStatus::Failed, []) => Err(Failure::new(FailureKind::Failed, "the run failed")),
        (RunStatus::Failed, [first, others @ ..]) => {
            let mut failure = described(first);
            for other in others {
                let place = other.error.location.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
                let what = format!("`{}` failed at the same time: {}{place}; ", other.changeset, other.error.message);
                failure.notes.push(Remedy::from(what) + state(other));
            }
            Err(failure)
        }
    }
}

/// What is left of a step, and how to go on from there.
fn state(FailedStep { state, todo, .. }: &FailedStep) -> Remedy {
    match todo {
        Some(todo) => Remedy::from(format!("{state}: ")) + todo.clone(),
        None => state.as_str().into(),
    }
}

fn described(step: &FailedStep) -> Failure {
    let FailedStep { changeset, error, .. } = step;
    let code = if error.sqlstate.is_empty() { String::new() } else { format!(" ({})", error.sqlstate) };
    let mut failure = Failure::new(FailureKind::Failed, format!("`{changeset}` failed: {}{code}", error.message));
    failure.location = error.location.clone();
    if let Some(sql) = &error.statement {
        for (i, line) in sql.lines().enumerate() {
            failure = failure.note(format!("| {line}"));
            if let Some((at, column)) = error.line_column
                && at == i + 1
            {
                failure = failure.note(format!("| {}^", " ".repeat(column.saturating_sub(1))));
            }
        }
    }
    if let Some(detail) = &error.detail {
        failure = failure.notes(detail.lines().map(|line| format!("detail: {line}")));
    }
    if !error.blockers.is_empty() {
        failure = failure.note(format!("the lock is held by {}", error.blockers.join(", ")));
    }
    failure = failure.note(Remedy::from("state: ") + state(step));
    match &error.hint {
        Some(hint) => failure.help(hint.clone()),
        None => failure,
    }
}
