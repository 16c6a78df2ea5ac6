//! A run as everybody sees it, whether it is of this process or known from the ledger.

use super::state::{Live, Phase, State};
use crate::base::percent::encoded;
use crate::base::time::rfc3339;
use crate::base::{Origin, Wording};
use crate::history::RunKind;
use crate::pg::run::FailedStep;
use crate::plan::{Blocked, Waiting};
use crate::report::FailureAnswer;
use schemars::JsonSchema;
use serde::Serialize;

/// A run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The id of the request; of a run that no service was asked for its id in the ledger.
    pub id: String,
    /// The environment.
    pub environment: String,
    /// What it does.
    pub kind: Option<RunKind>,
    /// Who asked for it.
    pub by: String,
    /// How.
    pub origin: Option<Origin>,
    /// From where.
    pub from: Option<String>,
    /// How many steps it has.
    pub steps: Option<u64>,
    /// How many of them are done.
    pub done_steps: u64,
    /// What is known of it.
    pub state: State,
    /// Whether it is of this process.
    pub here: bool,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Run")]
pub struct RunView<'a> {
    /// The id: that of the request which asked for it; of a run that no service was asked for the id in the ledger.
    id: &'a str,
    /// The id in the ledger; null while it has not begun, and if nothing was to be run.
    run: Option<&'a str>,
    /// The environment.
    environment: &'a str,
    /// What it does; null: a later version of dagmar knows.
    kind: Option<RunKind>,
    /// How far it is.
    phase: Phase,
    /// The person and the address, or the operating system's user and the host.
    by: &'a str,
    /// The address of the client; null for a local connection.
    from: Option<&'a str>,
    /// How the person proved to be the person; null: the run was not asked for through a service.
    way: Option<String>,
    /// The digest of its plan, its database and the states of its gates; null: not known here.
    digest: Option<&'a str>,
    /// The number of steps; null: not known yet.
    steps: Option<u64>,
    /// The number of steps that are done.
    done_steps: u64,
    /// The changesets that it is to run, in order; absent in lists, and of runs of other processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    changesets: Option<&'a [String]>,
    /// The changesets that are done, in order; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a [String]>,
    /// What it waits for, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'a str>,
    /// Changesets that wait for a soak time.
    #[serde(skip_serializing_if = "is_empty")]
    waiting: &'a [Waiting],
    /// Changesets that cannot run because a dependency waits, is held or failed.
    #[serde(skip_serializing_if = "is_empty")]
    blocked: &'a [Blocked],
    /// The failed steps.
    #[serde(skip_serializing_if = "is_empty")]
    failed: &'a [FailedStep],
    /// When it was asked for, as RFC 3339 in UTC; null: not known here.
    asked_at: Option<String>,
    /// When it began.
    started_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
    /// Why it did not do all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureAnswer<'a>>,
    /// Whether this process carries it out, or has carried it out.
    here: bool,
}

fn is_empty<T>(list: &&[T]) -> bool {
    list.is_empty()
}

impl Run {
    /// A run of this process.
    #[must_use]
    pub fn of(live: &Live) -> Self {
        let state = live.now();
        Self {
            id: live.id.clone(),
            environment: live.environment.clone(),
            kind: Some(live.kind),
            by: live.by.clone(),
            origin: live.origin.clone(),
            from: live.origin.as_ref().and_then(|origin| origin.address.clone()),
            steps: state.planned.as_ref().map(|planned| planned.len() as u64),
            done_steps: state.done.len() as u64,
            here: true,
            state,
        }
    }

    /// For programs; `whole`: with the changesets.
    #[must_use]
    pub fn view(&self, wording: Wording, whole: bool) -> RunView<'_> {
        let state = &self.state;
        RunView {
            id: &self.id,
            run: state.run.as_deref(),
            environment: &self.environment,
            kind: self.kind,
            phase: state.phase,
            by: &self.by,
            from: self.from.as_deref(),
            way: self.origin.as_ref().map(Origin::words),
            digest: state.digest.as_deref(),
            steps: self.steps,
            done_steps: self.done_steps,
            changesets: state.planned.as_deref().filter(|_| whole),
            done: whole.then_some(state.done.as_slice()),
            waits_for: state.waits_for.as_deref(),
            waiting: &state.waiting,
            blocked: &state.blocked,
            failed: &state.failed,
            asked_at: state.asked_at.map(rfc3339),
            started_at: state.started_at.map(rfc3339),
            finished_at: state.finished_at.map(rfc3339),
            failure: state.failure.as_ref().map(|failure| FailureAnswer::of(failure, wording)),
            here: self.here,
        }
    }

    /// Its path in the API.
    #[must_use]
    pub fn path(&self) -> String {
        path(&self.environment, &self.id)
    }
}

/// The path of a run in the API.
#[must_use]
pub fn path(environment: &str, id: &str) -> String {
    format!("/api/v1/environments/{}/runs/{id}", encoded(environment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_segment_for_each_part() {
        assert_eq!(path("a b/ä", "7f3a"), "/api/v1/environments/a%20b%2F%C3%A4/runs/7f3a");
    }
}
