//! A run of this process: what is known of it while it runs and after it.

use super::key::Repeat;
use super::log::Log;
use super::order::Order;
use super::progress::Progress;
use crate::base::{Failure, FailureKind, Origin};
use crate::history::RunKind;
use crate::ops::now;
use crate::pg::Stop;
use crate::pg::run::FailedStep;
use crate::plan::{Blocked, Waiting};
use crate::run::Event;
use crate::serve::metrics::Metrics;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunPhase")]
pub enum Phase {
    /// Waits for the end of another run of this process.
    Queued,
    /// Connects, compiles, asks the gates and the preflight.
    Preparing,
    /// Waits for the server or for the lock.
    Waiting,
    /// Runs.
    Running,
    /// All of it is done.
    Done,
    /// A step failed.
    Failed,
    /// It was stopped, or lost its connection.
    Interrupted,
    /// It was killed or disconnected; the next run continues.
    Terminated,
    /// Nothing was run.
    Refused,
}

impl Phase {
    /// All phases.
    pub const ALL: [Phase; 9] = [
        Phase::Queued,
        Phase::Preparing,
        Phase::Waiting,
        Phase::Running,
        Phase::Done,
        Phase::Failed,
        Phase::Interrupted,
        Phase::Terminated,
        Phase::Refused,
    ];

    /// The word for people and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Phase::Queued => "queued",
            Phase::Preparing => "preparing",
            Phase::Waiting => "waiting",
            Phase::Running => "running",
            Phase::Done => "done",
            Phase::Failed => "failed",
            Phase::Interrupted => "interrupted",
            Phase::Terminated => "terminated",
            Phase::Refused => "refused",
        }
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Phase::Queued | Phase::Preparing | Phase::Waiting | Phase::Running)
    }
}

/// What is known of a run at one moment.
#[derive(Debug, Clone)]
pub struct State {
    /// How far it is.
    pub phase: Phase,
    /// The id of the run in the ledger; absent: it has not begun. A run that had to connect again has the last one.
    pub run: Option<String>,
    /// The digest of its plan, its database and the states of its gates, once it was confirmed.
    pub digest: Option<String>,
    /// The changesets that it is to run, once they are known.
    pub planned: Option<Vec<String>>,
    /// The changesets that are done, in order.
    pub done: Vec<String>,
    /// What it waits for, as a sentence.
    pub waits_for: Option<String>,
    /// Changesets that wait for a soak time.
    pub waiting: Vec<Waiting>,
    /// Changesets that cannot run.
    pub blocked: Vec<Blocked>,
    /// The failed steps.
    pub failed: Vec<FailedStep>,
    /// When it was asked for, began and ended, in milliseconds since 1970.
    pub asked_at: Option<i64>,
    /// When it began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Why it did not do all of it.
    pub failure: Option<Failure>,
}

/// A run of this process. Its thread changes it, others look at it.
pub struct Live {
    /// The id of the request.
    pub id: String,
    /// The environment.
    pub environment: String,
    /// The kind of the run.
    pub kind: RunKind,
    /// Who asked for it: `user@host`.
    pub by: String,
    /// How.
    pub origin: Option<Origin>,
    /// How the request is recognised if it comes again.
    pub repeat: Option<Repeat>,
    /// Stops it.
    pub stop: Arc<Stop>,
    /// What it tells.
    pub log: Log,
    progress: Mutex<Progress>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    state: watch::Sender<State>,
}

impl Live {
    /// The run for an order, in its first phase.
    #[must_use]
    pub fn of(order: &Order, phase: Phase, metrics: &Arc<Metrics>) -> Arc<Self> {
        let state = State {
            phase,
            run: None,
            digest: None,
            planned: None,
            done: Vec::new(),
            waits_for: None,
            waiting: Vec::new(),
            blocked: Vec::new(),
            failed: Vec::new(),
            asked_at: Some(now()),
            started_at: None,
            finished_at: None,
            failure: None,
        };
        Arc::new(Self {
            id: order.id.to_string(),
            environment: order.aim.environment.clone(),
            kind: order.what.kind(),
            by: order.aim.actor.to_string(),
            origin: order.aim.actor.origin.clone(),
            repeat: order.repeat.clone(),
            stop: Arc::default(),
            log: Log::default(),
            progress: Mutex::default(),
            metrics: Arc::clone(metrics),
            state: watch::Sender::new(state),
        })
    }

    /// What is known of it now.
    #[must_use]
    pub fn now(&self) -> State {
        self.state.borrow().clone()
    }

    /// How far its steps are.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of an event.
    pub fn hear(&self, event: &Event) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).note(event);
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.borrow().phase
    }

    /// Takes note of something.
    pub fn note(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// Takes note of its end.
    pub fn end(&self, result: Result<(), Failure>) {
        self.note(|state| {
            state.phase = match &result {
                Ok(()) => Phase::Done,
                Err(_) if state.started_at.is_none() => Phase::Refused,
                Err(why) if why.kind == FailureKind::Failed => Phase::Failed,
                Err(_) => Phase::Interrupted,
            };
            state.failure = result.err();
            state.finished_at = Some(now());
            state.waits_for = None;
        });
        let state = self.now();
        let took = state.started_at.zip(state.finished_at).map(|(began, ended)| ended - began);
        self.metrics.runs.over(&self.environment, self.kind, state.phase.word(), took);
        self.log.end();
    }

    /// What is known of it when it has begun, at its end, or after this time.
    pub async fn begun_within(&self, time: Duration) -> State {
        let mut watched = self.state.subscribe();
        let has_begun = |state: &State| state.run.is_some() || state.phase.is_over();
        let _ = tokio::time::timeout(time, watched.wait_for(has_begun)).await;
        self.now()
    }

    /// What is known of it at its end, or after this time.
    pub async fn ended_within(&self, time: Duration) -> State {
        let mut watched = self.state.subscribe();
        let _ = tokio::time::timeout(time, watched.wait_for(|state| state.phase.is_over())).await;
        self.now()
    }
}
