//! The lines of JSON that a run writes: its events, what the gates say before it, what came of it at its end.

use super::execution::RunOutcome;
use super::gates::Judgement;
use super::prepare::Prepared;
use crate::base::{Wording, time};
use crate::gate;
use crate::history::attic::{Entry, EntrySummary};
use crate::pg::run::{FailedStep, RunStatus};
use crate::plan::{About, Blocked, Direction, Plan, Renamed, Waiting};
use crate::report::gates::VerdictAnswer;
use crate::report::preflight::FindingAnswer;
use crate::run::{Event, Finding};
use schemars::JsonSchema;
use serde::Serialize;

/// A JSON line with its time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "{T}Line")]
pub struct Stamped<T> {
    /// The time, as RFC 3339 in UTC with milliseconds, by the clock of the machine that runs dagmar.
    at: String,
    /// The content.
    #[serde(flatten)]
    line: T,
}

impl<T> Stamped<T> {
    /// A line with this time, in milliseconds since 1970.
    pub fn new(now: i64, line: T) -> Self {
        Self { at: time::rfc3339_millis(now), line }
    }
}

/// The last line of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
#[schemars(rename = "{T}")]
pub enum End<T> {
    /// The summary of the run.
    Summary(T),
}

/// The verdicts of the gates of a promotion.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
#[schemars(rename = "Gates")]
pub enum GatesLine<'a> {
    /// The verdicts of the gates before the run.
    Gates(GatesAnswer<'a>),
}

/// The verdicts of the gates of a run, with its changesets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "GatesOfRun")]
pub struct GatesAnswer<'a> {
    /// The command: `apply` or `promote`.
    command: &'static str,
    /// The target environment.
    environment: &'a str,
    /// The changesets to run, in order.
    changesets: Vec<&'a str>,
    /// The source environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// For which database the plan is, when and by whom it was made.
    #[serde(flatten)]
    about: &'a About,
    /// True if every gate is met or overridden.
    met: bool,
    /// The verdicts of all checked gates.
    gates: Vec<VerdictAnswer<'a>>,
    /// Warnings that do not stop the run.
    warnings: &'a [String],
    /// Changesets that wait for a soak time.
    waiting: &'a [Waiting],
    /// Changesets that cannot run because a dependency waits, is held or failed.
    blocked: &'a [Blocked],
}

impl<'a> GatesLine<'a> {
    /// The verdicts of the gates of a promotion.
    #[must_use]
    pub fn of(prepared: &'a Prepared<'_>, about: &'a About, wording: Wording) -> Self {
        let (judgement, from) = (prepared.judgement(), prepared.planned().gates.source());
        Self::Gates(GatesAnswer::of(prepared.plan(), about, from, judgement, wording))
    }
}

impl<'a> GatesAnswer<'a> {
    /// The verdicts of the gates of a plan; `from`: the source environment of a promotion.
    #[must_use]
    pub fn of(
        plan: &'a Plan,
        about: &'a About,
        from: Option<&'a str>,
        judgement: &'a Judgement,
        wording: Wording,
    ) -> Self {
        Self {
            command: if from.is_some() { "promote" } else { "apply" },
            environment: &plan.environment,
            changesets: plan.steps.iter().map(|step| step.changeset.as_str()).collect(),
            from,
            about,
            met: gate::are_met(&judgement.verdicts),
            gates: VerdictAnswer::of(&judgement.verdicts, wording),
            warnings: &judgement.warnings,
            waiting: &plan.waiting,
            blocked: &plan.blocked,
        }
    }
}

/// An event of a run, or the findings before it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "RunEvent")]
pub enum RunEvent<'a> {
    /// An event of the run.
    Event(&'a Event),
    /// The findings before it.
    Found(Preflight<'a>),
}

impl<'a> RunEvent<'a> {
    /// The findings of the preflight.
    #[must_use]
    pub fn preflight(findings: &'a [Finding], wording: Wording) -> Self {
        Self::Found(Preflight::Preflight { findings: FindingAnswer::of(findings, wording) })
    }
}

/// The findings of the preflight.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
#[schemars(inline)]
pub enum Preflight<'a> {
    /// The findings of the preflight.
    Preflight {
        /// The findings, most severe first.
        findings: Vec<FindingAnswer<'a>>,
    },
}

/// The summary of apply or promote.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplySummary<'a> {
    /// The status of the run; `done` also if there was nothing to run.
    status: RunStatus,
    /// The environment.
    environment: &'a str,
    /// The applied changesets, in order.
    applied: &'a [String],
    /// The changesets whose id changed in the ledger.
    renamed: &'a [Renamed],
    /// Changesets that wait for a soak time.
    waiting: &'a [Waiting],
    /// Changesets that cannot run because a dependency waits, is held or failed.
    blocked: &'a [Blocked],
    /// Changesets that are not for this environment.
    excluded: &'a [String],
    /// Applied changesets that are in no file.
    missing: &'a [String],
    /// The first failed step.
    failed: Option<&'a FailedStep>,
    /// Other steps that failed at the same time.
    also_failed: &'a [FailedStep],
}

impl<'a> ApplySummary<'a> {
    /// The summary of a run; `missing`: applied changesets that are in no file.
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

/// The summary of a rollback.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackSummary<'a> {
    /// The status of the run; `done` also if there was nothing to run.
    pub status: RunStatus,
    /// The environment.
    pub environment: &'a str,
    /// The rolled-back changesets, in order.
    pub rolled_back: &'a [String],
}

/// The summary of a purge or a restore.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AtticSummary<'a> {
    /// The status of the run; `done` also if there was nothing to run.
    status: RunStatus,
    /// The environment.
    environment: &'a str,
    /// The purged entries; absent for a restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<Vec<EntrySummary<'a>>>,
    /// The restored entries; absent for a purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<Vec<EntrySummary<'a>>>,
}

impl<'a> AtticSummary<'a> {
    /// The summary for these entries.
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
