//! The lines of JSON that a run writes: its events, what the gates say before it, what came of it at its end.

use super::execution::RunOutcome;
use super::prepare::Prepared;
use crate::base::time;
use crate::gate::GateVerdict;
use crate::history::attic::{Entry, EntrySummary};
use crate::pg::run::{FailedStep, RunStatus};
use crate::plan::{About, Blocked, Direction, Plan, Renamed, Waiting};
use schemars::JsonSchema;
use serde::Serialize;

/// A line with its time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "{T}Line")]
pub struct Stamped<T> {
    /// When, as RFC 3339 in UTC with milliseconds, by the clock of the machine that runs dagmar.
    at: String,
    /// What.
    #[serde(flatten)]
    line: T,
}

impl<T> Stamped<T> {
    /// A line of this time, in milliseconds since 1970.
    pub fn new(now: i64, line: T) -> Self {
        Self { at: time::rfc3339_millis(now), line }
    }
}

/// The last line of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
#[schemars(rename = "{T}")]
pub enum End<T> {
    /// What came of the run.
    Summary(T),
}

/// What the gates say of a promotion.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
#[schemars(rename = "Gates")]
pub enum GatesLine<'a> {
    /// What the gates say before anything runs.
    Gates(GatesAnswer<'a>),
}

/// What the gates say of a promotion, and of what.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "GatesOfRun")]
pub struct GatesAnswer<'a> {
    /// The command: `promote`.
    command: &'static str,
    /// The environment that it goes to.
    environment: &'a str,
    /// The changesets that would run, in order.
    changesets: Vec<&'a str>,
    /// The environment that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// For which database the plan is, when and by whom it was made.
    #[serde(flatten)]
    about: &'a About,
    /// Whether every gate is met or overridden.
    met: bool,
    /// Each gate that was asked.
    gates: &'a [GateVerdict],
    /// What is odd, and keeps nothing back.
    warnings: &'a [String],
    /// What has to wait for time.
    waiting: &'a [Waiting],
    /// What cannot run because something it needs waits, is held or failed.
    blocked: &'a [Blocked],
}

impl<'a> GatesLine<'a> {
    /// What the gates say of a promotion.
    #[must_use]
    pub fn of(prepared: &'a Prepared<'_>, about: &'a About) -> Self {
        let (plan, gates, judgement) = (prepared.plan(), &prepared.planned().gates, prepared.judgement());
        Self::Gates(GatesAnswer {
            command: "promote",
            environment: &plan.environment,
            changesets: plan.steps.iter().map(|step| step.changeset.as_str()).collect(),
            from: gates.source(),
            about,
            met: prepared.gates_are_met(),
            gates: &judgement.verdicts,
            warnings: &judgement.warnings,
            waiting: &plan.waiting,
            blocked: &plan.blocked,
        })
    }
}

/// What came of apply or promote.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplySummary<'a> {
    /// How the run ended; `done` also where there was nothing to run.
    status: RunStatus,
    /// The environment.
    environment: &'a str,
    /// The changesets that were applied, in order.
    applied: &'a [String],
    /// What was recorded under an earlier id.
    renamed: &'a [Renamed],
    /// What has to wait for time.
    waiting: &'a [Waiting],
    /// What cannot run because something it needs waits, is held or failed.
    blocked: &'a [Blocked],
    /// Changesets that this environment never gets.
    excluded: &'a [String],
    /// Applied changesets that no file has any more.
    missing: &'a [String],
    /// The step that failed first.
    failed: Option<&'a FailedStep>,
    /// Steps that failed at the same time.
    also_failed: &'a [FailedStep],
}

impl<'a> ApplySummary<'a> {
    /// Of this run; `missing`: applied changesets that no file has any more.
    #[must_use]
    pub fn of(outcome: &'a RunOutcome<'_>, missing: &'a [String]) -> Self {
        let plan = &outcome.planned.plan;
        let failed = outcome.finished.as_ref().map(|finished| finished.failed.as_slice()).unwrap_or_default();
        Self {
            status: outcome.status(),
            environment: &plan.environment,
            applied: &outcome.done,
            renamed: &plan.renamed,
            waiting: &plan.waiting,
            blocked: &plan.blocked,
            excluded: &plan.excluded,
            missing,
            failed: failed.first(),
            also_failed: failed.get(1..).unwrap_or_default(),
        }
    }
}

/// What came of a rollback.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackSummary<'a> {
    /// How the run ended; `done` also where there was nothing to run.
    pub status: RunStatus,
    /// The environment.
    pub environment: &'a str,
    /// The changesets that were taken back, in order.
    pub rolled_back: &'a [String],
}

/// What came of a purge of the attic, or of putting back what it keeps.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AtticSummary<'a> {
    /// How the run ended; `done` also where there was nothing to run.
    status: RunStatus,
    /// The environment.
    environment: &'a str,
    /// The entries that were purged; absent: it was no purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<Vec<EntrySummary<'a>>>,
    /// The entries that were put back; absent: it was a purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<Vec<EntrySummary<'a>>>,
}

impl<'a> AtticSummary<'a> {
    /// Of these entries.
    #[must_use]
    pub fn of(status: RunStatus, plan: &'a Plan, done: &'a [Entry]) -> Self {
        let done = Some(done.iter().map(Entry::told).collect());
        let (purged, restored) = match plan.direction {
            Direction::Purge => (done, None),
            Direction::Forward | Direction::Rollback | Direction::Restore => (None, done),
        };
        Self { status, environment: &plan.environment, purged, restored }
    }
}
