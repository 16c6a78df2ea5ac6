//! The events of a run. The executor emits them; terminal, JSON lines and tests listen.

use super::Finding;
use crate::base::Location;
use crate::history::{RunKind, RunStatus};
use crate::plan::{Direction, Mode};
use schemars::JsonSchema;
use serde::Serialize;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub enum Event {
    /// Worth care, and no reason to stop.
    Warning {
        /// What it is, in a sentence.
        message: String,
    },
    /// Worth knowing for who looks closely.
    Note {
        /// What it is, in a sentence.
        message: String,
    },
    /// Nothing moves until something else does: the lock, the server.
    Waiting {
        /// For what, in a sentence.
        message: String,
    },
    /// What was found before the first statement.
    Preflight {
        /// What weighs most first.
        findings: Vec<Finding>,
    },
    /// A hook has begun.
    HookStarted {
        /// What it is.
        hook: String,
    },
    /// A hook says something.
    HookSaid {
        /// A line of it.
        line: String,
    },
    /// A hook is over.
    HookDone {
        /// What it is.
        hook: String,
        /// How it ended.
        outcome: HookOutcome,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// A run has begun.
    RunStarted {
        /// Its id in the ledger.
        run: String,
        /// What kind of run it is.
        kind: RunKind,
        /// The environment.
        environment: String,
        /// How many steps it has.
        steps: usize,
    },
    /// A step has begun.
    StepStarted {
        /// The changeset.
        changeset: String,
        /// Which way.
        direction: Direction,
        /// Its number in the run, from 1.
        number: usize,
        /// How many steps the run has.
        of: usize,
    },
    /// A segment that is not all of its step has begun.
    SegmentStarted {
        /// The changeset.
        changeset: String,
        /// Its position, from 0.
        segment: usize,
        /// How it runs.
        mode: Mode,
        /// Its first statement, in one line.
        gist: String,
    },
    /// A batch was committed.
    BatchDone {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// Rows that were changed so far.
        rows: i64,
        /// Rows of the table, as the server estimates; 0: it does not know.
        table_rows: i64,
        /// Rows that this walk through the table has looked at.
        seen: i64,
        /// Which walk it is, from 1; the further ones look for what came in meanwhile.
        pass: i64,
        /// How long the batch took, in milliseconds.
        took_ms: u64,
        /// Rows in a second, pauses included.
        rate: u64,
        /// How long the rest of this walk takes, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_ms: Option<u64>,
    },
    /// A backfill waits; its run goes on to hold the lock.
    BackfillWaits {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// Whether somebody asked for it; otherwise the server is busy.
        paused: bool,
        /// What for, or who asked and why.
        reason: String,
    },
    /// A backfill that waited goes on.
    BackfillGoesOn {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// How long it waited, in milliseconds.
        waited_ms: u64,
    },
    /// A segment that is not all of its step is done.
    SegmentDone {
        /// The changeset.
        changeset: String,
        /// Its position, from 0.
        segment: usize,
    },
    /// A transaction was given up and is tried again.
    Retry {
        /// The changeset.
        changeset: String,
        /// The number of the next attempt, from 2.
        attempt: u32,
        /// How many attempts there are.
        of: u32,
        /// How long it waits before, in milliseconds.
        wait_ms: u64,
        /// Why it was given up.
        reason: String,
    },
    /// A step waits for a lock that others hold.
    Blocked {
        /// The changeset.
        changeset: String,
        /// Who holds it: process, user, application, state, age, statement.
        by: Vec<String>,
        /// How many sessions wait behind this one.
        waiting_behind: u64,
    },
    /// How far an index build is.
    IndexProgress {
        /// The changeset.
        changeset: String,
        /// What the server is doing, in its words (manual, chapter 28.4.4).
        phase: String,
        /// Blocks or rows of this phase that are done.
        done: u64,
        /// Blocks or rows of this phase; 0 where it has none.
        total: u64,
    },
    /// The server had something to say.
    Notice {
        /// NOTICE, WARNING and so on.
        severity: String,
        /// What it said.
        message: String,
    },
    /// A step is done and recorded.
    StepDone {
        /// The changeset.
        changeset: String,
        /// Which way.
        direction: Direction,
        /// How long it took by the server's clock, in milliseconds; of what is applied.
        #[serde(skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// A step has failed; the state is recorded.
    StepFailed {
        /// The changeset.
        changeset: String,
        /// Which way.
        direction: Direction,
        /// What went wrong.
        error: StepError,
        /// What is left of it, in a sentence.
        state: String,
    },
    /// The run is over.
    RunFinished {
        /// How it ended.
        status: RunStatus,
        /// How many steps are done.
        steps: usize,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
}

/// How a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookOutcome {
    /// It did what it is for.
    Done,
    /// It failed.
    Failed,
    /// Its time was over.
    Timeout,
    /// Stopped by a signal.
    Interrupted,
}

impl HookOutcome {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            HookOutcome::Done => "done",
            HookOutcome::Failed => "failed",
            HookOutcome::Timeout => "timeout",
            HookOutcome::Interrupted => "interrupted",
        }
    }
}

/// What went wrong with a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// The server's code; empty where the server said nothing.
    pub sqlstate: String,
    /// What it said.
    pub message: String,
    /// The statement, where one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Where in the project's files it is written, where that is known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Line and column in the statement, from 1, where the server named a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_column: Option<(usize, usize)>,
    /// The constraint that was violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The server's DETAIL: it holds values of rows, so that the ledger does not get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's hint, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Who held the lock that could not be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<String>,
}

/// Listens to a run.
pub trait Observer {
    /// Takes note of an event.
    fn on(&mut self, event: &Event);
}

/// Listens to nothing.
impl Observer for () {
    fn on(&mut self, _: &Event) {}
}

/// Hands each event to a function.
pub struct Listener<F>(pub F);

impl<F: FnMut(&Event)> Observer for Listener<F> {
    fn on(&mut self, event: &Event) {
        (self.0)(event);
    }
}

/// Keeps all events.
impl Observer for Vec<Event> {
    fn on(&mut self, event: &Event) {
        self.push(event.clone());
    }
}
