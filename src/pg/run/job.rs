//! What is to be run and how, and how it ended.

use crate::base::{Actor, Granularity, Ident, Remedy, Secrets};
use crate::history::{RunKind, RunStatus};
use crate::ledger::start::RunStart;
use crate::pg::connect::settings::Settings;
use crate::plan::Plan;
use crate::run::StepError;
use serde_json::Value;

/// A failed step with its error and the resulting state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FailedStep {
    /// The id of the changeset.
    pub changeset: String,
    /// The error.
    pub error: StepError,
    /// The state of the changeset after the failure, as a sentence.
    pub state: String,
    /// How to go on from there, as text and the operations that it names; absent: as after any failure.
    #[serde(rename = "todoParts", skip_serializing_if = "Option::is_none")]
    pub todo: Option<Remedy>,
    /// What the ledger keeps of the message.
    #[serde(skip)]
    pub kept: String,
}

/// What happens to the steps that run when one fails. New ones are not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// They come to their end.
    #[default]
    Finish,
    /// They are cancelled, as by Ctrl-C.
    Stop,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Done, failed or interrupted.
    pub status: RunStatus,
    /// The changesets that are done and recorded, as they came to their end.
    pub done: Vec<String>,
    /// The steps that failed; more than one where several ran at the same time.
    pub failed: Vec<FailedStep>,
    /// Who had it stopped, where it was not a signal.
    pub stopped_by: Option<String>,
}

/// Who runs: what the ledger notes of a run.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The kind of the run.
    pub kind: RunKind,
    /// Who acts.
    pub actor: Actor,
    /// What dagmar.yaml says of the environment.
    pub policy: Value,
}

impl RunInfo {
    /// The beginning of this run of a plan.
    #[must_use]
    pub fn start<'a>(&'a self, plan: &'a Plan) -> RunStart<'a> {
        RunStart {
            kind: self.kind,
            environment: &plan.environment,
            steps: plan.steps.len(),
            actor: &self.actor,
            policy: Some(&self.policy),
        }
    }
}

/// What is to be run, and how.
pub struct Job<'a> {
    /// Who runs it.
    pub info: &'a RunInfo,
    /// Where the ledger is.
    pub ledger: &'a Ident,
    /// Where further connections go.
    pub settings: &'a Settings,
    /// The most connections that run steps at the same time.
    pub jobs: usize,
    /// What happens to the others when one fails.
    pub on_failure: OnFailure,
    /// What one transaction holds. A plan that is one has passed [`check_whole`](crate::exec::check_whole).
    pub transaction: Granularity,
    /// The values of the secret variables that the plan needs.
    pub secrets: &'a Secrets,
}
