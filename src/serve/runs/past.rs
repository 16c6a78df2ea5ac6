//! Runs that this process does not carry out: of an earlier one, of another service, of a command line. The ledger knows
//! them.

use super::state::{Phase, State};
use super::view::Run;
use crate::base::{Failure, FailureKind};
use crate::pg::ledger::runs::{RecordedPhase, RecordedRun};

/// A run of the ledger of an environment.
#[must_use]
pub fn recorded(environment: &str, run: RecordedRun) -> Run {
    let phase = match run.phase {
        RecordedPhase::Running => Phase::Running,
        RecordedPhase::Done => Phase::Done,
        RecordedPhase::Failed => Phase::Failed,
        RecordedPhase::Interrupted => Phase::Interrupted,
        RecordedPhase::Terminated => Phase::Terminated,
    };
    let said = |otherwise: &str| run.message.clone().unwrap_or_else(|| otherwise.to_owned());
    let failure = match run.phase {
        RecordedPhase::Running | RecordedPhase::Done => None,
        RecordedPhase::Failed => Some(Failure::new(FailureKind::Failed, said("a step failed; the history has why"))),
        RecordedPhase::Interrupted => {
            Some(Failure::new(FailureKind::Interrupted, said("the run was stopped; the completed steps are recorded")))
        }
        RecordedPhase::Terminated => {
            let why = "the run ended without reporting: its process was killed or disconnected";
            Some(Failure::new(FailureKind::Interrupted, why).note("the next run continues"))
        }
    };
    let state = State {
        phase,
        run: Some(run.run.clone()),
        digest: None,
        planned: None,
        done: run.changesets,
        waits_for: None,
        waiting: Vec::new(),
        blocked: Vec::new(),
        failed: Vec::new(),
        asked_at: None,
        started_at: Some(run.started_at),
        finished_at: run.finished_at,
        failure,
    };
    Run {
        // the address of a service says nothing of its client
        from: match &run.origin {
            Some(origin) => origin.address.clone(),
            None => run.from,
        },
        id: run.origin.as_ref().map_or(run.run, |origin| origin.request.clone()),
        environment: environment.to_owned(),
        kind: run.kind,
        by: run.by,
        origin: run.origin,
        steps: Some(run.steps),
        done_steps: run.done,
        state,
        here: false,
    }
}
