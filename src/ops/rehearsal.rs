//! Dry runs: on the environment's server, with its gates and its locks, or on a private one.

use super::Target;
use super::gates::Judgement;
use super::prepare::Planned;
use super::run::{RunOptions, execute, lock, verdict};
use crate::base::{Failure, FailureKind, HumanDuration, QualifiedName, Setting};
use crate::history::{EventKind, History, RecordedStatus, RunKind};
use crate::ledger::schema;
use crate::pg::ledger::events::{self, NewEvent};
use crate::pg::ledger::{audit, read};
use crate::pg::run::Finished;
use crate::pg::run::ready::UnderLock;
use crate::pg::run::rehearse::{self, DryRunError, Rehearsal};
use crate::pg::{Database, Stop};
use crate::plan::again::again;
use crate::plan::{Direction, Plan, Progress, secrets};
use crate::run::Observer;
use crate::sql::LockMode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// A dry run that can start on the environment's server.
pub struct DryRun<'a> {
    planned: &'a Planned<'a>,
    command: &'static str,
    limit: HumanDuration,
    judgement: Judgement,
    /// The locks of the dry run.
    pub locks: Vec<(QualifiedName, LockMode)>,
}

/// The result of a dry run.
pub struct Rehearsed {
    /// The statements that ran, and the failure.
    pub rehearsal: Rehearsal,
    /// The duration in milliseconds.
    pub took_ms: u64,
}

/// The result of a dry run, for programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DryRun")]
pub struct DryRunAnswer<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The result.
    pub dry_run: DryRunOutcome<'a>,
}

/// The result of a dry run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRunOutcome<'a> {
    /// The statements that ran, and the failure.
    #[serde(flatten)]
    pub rehearsal: &'a Rehearsal,
    /// The locks of the dry run, strongest first; absent on a private server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks: Option<Vec<HeldLock<'a>>>,
    /// The time limit in milliseconds; absent on a private server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_ms: Option<u64>,
    /// The private server; absent if the dry run was on the environment's server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowServer<'a>>,
    /// The duration in milliseconds.
    pub took_ms: u64,
}

/// A lock that a dry run holds until it ends.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HeldLock<'a> {
    /// The relation.
    pub object: &'a QualifiedName,
    /// The mode of the lock.
    pub mode: LockMode,
    /// The effect on other sessions, in a few words.
    pub effect: &'static str,
}

/// The private server of a dry run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShadowServer<'a> {
    /// The version of the server: `15.4`.
    pub version: &'a str,
    /// The number of applied changesets that were applied there first.
    pub applied: usize,
}

impl<'a> DryRunAnswer<'a> {
    fn of(plan: &'a Plan, Rehearsed { rehearsal, took_ms }: &'a Rehearsed) -> Self {
        let dry_run = DryRunOutcome { rehearsal, locks: None, limit_ms: None, shadow: None, took_ms: *took_ms };
        Self { plan, dry_run }
    }

    /// The JSON output of a dry run on a private server.
    #[must_use]
    pub fn on_shadow(plan: &'a Plan, rehearsed: &'a Rehearsed, shadow: ShadowServer<'a>) -> Self {
        let mut answer = Self::of(plan, rehearsed);
        answer.dry_run.shadow = Some(shadow);
        answer
    }
}

impl<'a> DryRun<'a> {
    /// Evaluates the gates, which are those of the run. The ledger records `command`.
    ///
    /// # Errors
    /// The reason why the dry run cannot start.
    pub async fn prepare(
        planned: &'a Planned<'a>,
        command: &'static str,
        limit: HumanDuration,
    ) -> Result<Self, Failure> {
        let Planned { target, db, gates, history, plan } = planned;
        target.check_bound(history)?;
        db.check_writable()?;
        secrets::check(plan, &target.secrets)?;
        let judgement = gates.judge(db, plan).await?;
        gates.refuse(&judgement, db, plan, command).await?;
        Ok(Self { planned, command, limit, judgement, locks: rehearse::locks(plan) })
    }

    /// The locks as JSON output.
    #[must_use]
    pub fn held_locks(&self) -> Vec<HeldLock<'_>> {
        let locks = self.locks.iter();
        locks.map(|(object, mode)| HeldLock { object, mode: *mode, effect: mode.effect() }).collect()
    }

    /// The JSON output of the dry run.
    #[must_use]
    pub fn answer<'b>(&'b self, rehearsed: &'b Rehearsed) -> DryRunAnswer<'b> {
        let mut answer = DryRunAnswer::of(&self.planned.plan, rehearsed);
        answer.dry_run.locks = Some(self.held_locks());
        answer.dry_run.limit_ms = Some(self.limit.millis);
        answer
    }

    /// Makes the dry run and records it in the ledger, if there is one.
    ///
    /// # Errors
    /// If it was stopped, exceeded its limit or lost the server. A failed statement is in the result.
    pub async fn run(&self, stop: &Stop) -> Result<Rehearsed, Failure> {
        let Planned { target, db, gates, history, plan } = self.planned;
        let is_recorded = history.version == schema::VERSION && !plan.steps.is_empty();
        if is_recorded {
            gates.note(&self.judgement, db, plan, None, self.command).await?;
            self.record(EventKind::RehearsalStarted, json!({ "locks": self.held_locks() })).await?;
        }
        let began = Instant::now();
        let result = rehearse::rehearse(
            &db.connection,
            history.version,
            target.ledger(),
            plan,
            &target.secrets,
            self.limit,
            stop,
        )
        .await;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if is_recorded {
            let outcome = match &result {
                Ok(rehearsal) if rehearsal.failed.is_none() => "done",
                Ok(_) => "failed",
                Err(failure) if failure.kind == FailureKind::Interrupted => "interrupted",
                Err(_) => "ended",
            };
            let finished = json!({ "outcome": outcome, "tookMs": took_ms });
            let recorded = self.record(EventKind::RehearsalFinished, finished).await;
            // what is wrong with the dry run is what one wants to know
            if result.is_ok() {
                recorded?;
            }
        }
        Ok(Rehearsed { rehearsal: result?, took_ms })
    }

    async fn record(&self, kind: EventKind, more: Value) -> Result<(), Failure> {
        let Planned { target, db, plan, .. } = self.planned;
        let mut detail = json!({
            "command": self.command,
            "environment": target.environment,
            "changesets": plan.steps.iter().map(|s| s.changeset.as_str()).collect::<Vec<_>>(),
            "limitMs": self.limit.millis,
        });
        if let (Some(all), Value::Object(more)) = (detail.as_object_mut(), more) {
            all.extend(more);
        }
        events::insert(&db.connection, target.ledger(), &target.actor, None, &[NewEvent { kind, detail }]).await
    }
}

/// A private server with the applied changesets of another database's ledger.
pub struct Shadow<'a> {
    target: &'a Target,
    db: Database,
    /// The version of the server.
    pub version: String,
    /// The number of changesets that were applied there first.
    pub applied: usize,
}

impl<'a> Shadow<'a> {
    /// Starts the server and applies the changesets of the ledger; without a database the server stays empty.
    ///
    /// # Errors
    /// If a changeset cannot be applied.
    pub async fn start(
        target: &'a Target,
        other: Option<(&Database, &History)>,
        plan: &Plan,
        stop: &Arc<Stop>,
    ) -> Result<Self, Failure> {
        secrets::check(plan, &target.secrets)?;
        let base = match other {
            Some((db, history)) => {
                if plan.direction == Direction::Rollback {
                    check_whole(plan, history)?;
                }
                recorded(target, db, history).await?
            }
            None => again(&target.environment, target.ledger(), &History::default(), Default::default()),
        };
        let db = target.shadow(other.map(|(db, _)| db)).await?;
        let (version, applied) = (db.server.release(), base.steps.len());
        let mut shadow = Self { target, db, version, applied };
        if applied > 0 {
            let ran = run_thrown_away(target, &mut shadow.db, base, &RunOptions::alone(), &mut (), stop).await;
            ran.and_then(|done| verdict(&done)).map_err(|failure| {
                let message = format!("cannot reproduce the database on the shadow server: {}", failure.message);
                Failure { message, ..failure }
                    .note("the shadow server has only what the ledger recorded")
                    .help("make the dry run without " + Setting::Shadow + ", or bring what is missing into a changeset")
            })?;
        }
        Ok(shadow)
    }

    /// The major version of the server.
    #[must_use]
    pub fn major(&self) -> i32 {
        self.db.server.major()
    }

    /// Runs the plan from its start, and removes the server.
    ///
    /// # Errors
    /// If the run cannot finish. A failed statement is in the result.
    pub async fn run(
        mut self,
        plan: &Plan,
        options: &RunOptions,
        observer: &mut dyn Observer,
        stop: &Arc<Stop>,
    ) -> Result<Rehearsed, Failure> {
        // what was half done elsewhere is not here
        let mut plan = plan.clone();
        plan.steps.iter_mut().flat_map(|s| &mut s.segments).for_each(|segment| segment.progress = Progress::Todo);
        // nothing is signed here
        let options = RunOptions { sign: None, ..options.clone() };
        let began = Instant::now();
        let finished = run_thrown_away(self.target, &mut self.db, plan.clone(), &options, observer, stop).await?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.db.close().await?;
        if finished.failed.is_empty() {
            verdict(&finished)?;
        }
        let done = plan.steps.iter().filter(|step| finished.done.contains(&step.changeset));
        let rehearsal = Rehearsal {
            ran: done.flat_map(|step| &step.segments).map(|segment| segment.statements.len()).sum(),
            left_out: Vec::new(),
            failed: finished.failed.into_iter().next().map(DryRunError::from),
        };
        Ok(Rehearsed { rehearsal, took_ms })
    }
}

/// What the ledger records as applied, as a plan for an empty database.
///
/// # Errors
/// If the record was changed by somebody else, or cannot be read.
pub(super) async fn recorded(target: &Target, db: &Database, history: &History) -> Result<Plan, Failure> {
    let ids: Vec<String> = history.changesets.keys().cloned().collect();
    // on the private server it runs as a superuser, with the rights of who runs this
    if history.version >= schema::CHAINED {
        audit::check_recorded(&db.connection, target.ledger(), &ids).await?;
    }
    let stored = read::stored(&db.connection, target.ledger(), &ids).await?;
    Ok(again(&target.environment, target.ledger(), history, stored))
}

/// Runs a plan in a database of a server that is thrown away: under its lock, as everywhere.
///
/// # Errors
/// If a connection is lost, or the server stays. A failed step is in the result.
pub(super) async fn run_thrown_away(
    target: &Target,
    db: &mut Database,
    plan: Plan,
    options: &RunOptions,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
) -> Result<Finished, Failure> {
    let lock = lock(target, db, options.lock_wait, None, observer, stop).await?;
    let kind = if plan.direction == Direction::Rollback { RunKind::Rollback } else { RunKind::Apply };
    let ready = UnderLock::read(&lock, db).await?.thrown_away(Arc::new(plan), db)?;
    let finished = execute(target, db, &ready, options, kind, observer, stop).await?;
    lock.release().await?;
    Ok(finished)
}

/// Refuses to take back on a new server what is partly applied on the other one.
fn check_whole(plan: &Plan, history: &History) -> Result<(), Failure> {
    let begun = |id: &str| {
        history
            .changesets
            .get(id)
            .is_some_and(|r| r.status != RecordedStatus::Applied || r.segments.iter().any(|s| !s.done))
    };
    match plan.steps.iter().find(|step| begun(&step.changeset)) {
        None => Ok(()),
        Some(step) => Err(Failure::new(
            FailureKind::Refused,
            format!("`{}` is partly applied: the shadow server cannot reproduce it", step.changeset),
        )
        .help("make the dry run without " + Setting::Shadow)),
    }
}

/// The failure of a dry run.
///
/// # Errors
/// If something failed in it.
pub fn verdict_of(rehearsal: &Rehearsal) -> Result<(), Failure> {
    let Some(failed) = &rehearsal.failed else { return Ok(()) };
    let mut failure =
        Failure::new(FailureKind::Failed, format!("the dry run failed in `{}`: {}", failed.changeset, failed.message))
            .help("nothing was changed");
    failure.location.clone_from(&failed.location);
    if let Some(sql) = &failed.sql {
        failure = failure.notes(sql.lines());
    }
    failure = failure.notes(failed.detail.iter().flat_map(|d| d.lines()).map(|line| format!("detail: {line}")));
    Err(failure)
}
