//! The events of a run. The executor emits them; terminal, JSON lines and tests listen.

use crate::base::{Location, Remedy};
use crate::history::{RunKind, RunStatus};
use crate::plan::{Direction, Mode};
use schemars::JsonSchema;
use serde::Serialize;

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
#[schemars(inline)]
pub enum Event {
    /// A warning, which does not stop the run.
    Warning {
        /// The message, as a sentence.
        message: String,
        /// What to do about it, as text and the operations that it names; absent: nothing, or the message says it.
        #[serde(skip_serializing_if = "Option::is_none")]
        todo_parts: Option<Remedy>,
    },
    /// A note.
    Note {
        /// The message, as a sentence.
        message: String,
    },
    /// The run waits for something, such as the lock or the server.
    Waiting {
        /// The reason, as a sentence.
        message: String,
    },
    /// A hook started.
    HookStarted {
        /// A description of the hook.
        hook: String,
    },
    /// A hook wrote a line of output.
    HookSaid {
        /// The line.
        line: String,
    },
    /// A hook ended.
    HookDone {
        /// A description of the hook.
        hook: String,
        /// The result of the hook.
        outcome: HookOutcome,
        /// The duration in milliseconds.
        took_ms: u64,
    },
    /// A run started.
    RunStarted {
        /// The id of the run in the ledger.
        run: String,
        /// The kind of the run.
        kind: RunKind,
        /// The environment.
        environment: String,
        /// The number of steps.
        steps: usize,
    },
    /// A step started.
    StepStarted {
        /// The changeset.
        changeset: String,
        /// The direction of the step.
        direction: Direction,
        /// The number of the step in the run, from 1.
        number: usize,
        /// The number of steps of the run.
        of: usize,
    },
    /// A segment started, in a step with several segments.
    SegmentStarted {
        /// The changeset.
        changeset: String,
        /// The position of the segment, from 0.
        segment: usize,
        /// The mode of the segment.
        mode: Mode,
        /// The first statement, in one line.
        gist: String,
    },
    /// A batch was committed.
    BatchDone {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// The number of rows changed so far.
        rows: i64,
        /// The estimated number of rows of the table; 0: unknown.
        table_rows: i64,
        /// The number of rows that this walk through the table has processed.
        seen: i64,
        /// The number of the walk, from 1; later walks look for rows inserted in the meantime.
        pass: i64,
        /// The duration of the batch in milliseconds.
        took_ms: u64,
        /// Rows per second, including pauses.
        rate: u64,
        /// The estimated time for the rest of this walk, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_ms: Option<u64>,
    },
    /// A backfill waits; its run keeps the lock.
    BackfillWaits {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// True if a user requested the pause; false if the server is busy.
        paused: bool,
        /// The reason of the wait, or the user and the reason of the request.
        reason: String,
    },
    /// A backfill continues after a wait.
    BackfillGoesOn {
        /// The changeset.
        changeset: String,
        /// The position of the segment.
        segment: usize,
        /// The duration of the wait in milliseconds.
        waited_ms: u64,
    },
    /// A segment is done, in a step with several segments.
    SegmentDone {
        /// The changeset.
        changeset: String,
        /// The position of the segment, from 0.
        segment: usize,
    },
    /// A transaction is retried.
    Retry {
        /// The changeset.
        changeset: String,
        /// The number of the next attempt, from 2.
        attempt: u32,
        /// The maximum number of attempts.
        of: u32,
        /// The wait before the next attempt, in milliseconds.
        wait_ms: u64,
        /// The reason of the retry.
        reason: String,
    },
    /// A step waits for a lock of another session.
    Blocked {
        /// The changeset.
        changeset: String,
        /// The sessions that hold the lock: process, user, application, state, age, statement.
        by: Vec<String>,
        /// The number of sessions that wait behind this one.
        waiting_behind: u64,
    },
    /// The progress of an index build.
    IndexProgress {
        /// The changeset.
        changeset: String,
        /// The server's phase (manual, chapter 28.4.4).
        phase: String,
        /// The blocks or rows of this phase that are done.
        done: u64,
        /// The total blocks or rows of this phase; 0 if it has none.
        total: u64,
    },
    /// The server sent a notice.
    Notice {
        /// The severity: NOTICE, WARNING and so on.
        severity: String,
        /// The text of the notice.
        message: String,
    },
    /// A step is done and recorded.
    StepDone {
        /// The changeset.
        changeset: String,
        /// The direction of the step.
        direction: Direction,
        /// The duration by the server's clock, in milliseconds; only for applied changesets.
        #[serde(skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// A step failed; the state is recorded.
    StepFailed {
        /// The changeset.
        changeset: String,
        /// The direction of the step.
        direction: Direction,
        /// The error.
        error: Box<StepError>,
        /// The state of the changeset after the failure, as a sentence.
        state: String,
        /// How to go on from there, as text and the operations that it names; absent: as after any failure.
        #[serde(skip_serializing_if = "Option::is_none")]
        todo_parts: Option<Remedy>,
    },
    /// The run ended.
    RunFinished {
        /// The status of the run.
        status: RunStatus,
        /// The number of steps that are done.
        steps: usize,
        /// The duration in milliseconds.
        took_ms: u64,
    },
}

impl Event {
    /// A warning that needs no remedy.
    pub fn warning(message: impl Into<String>) -> Self {
        Event::Warning { message: message.into(), todo_parts: None }
    }
}

/// The result of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookOutcome {
    /// The hook succeeded.
    Done,
    /// The hook failed.
    Failed,
    /// The hook exceeded its time limit.
    Timeout,
    /// A signal stopped it.
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

/// The error of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// The SQLSTATE; empty if the error is not from the server.
    pub sqlstate: String,
    /// The error message.
    pub message: String,
    /// The failed statement, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The place in the project's files, if known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The line and column in the statement, from 1, if the server reported a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_column: Option<(usize, usize)>,
    /// The constraint that was violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The server's DETAIL. It can contain values of rows, so the ledger does not store it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The hint of the server or of dagmar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The sessions that held the required lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<String>,
}

/// Receives the events of a run.
pub trait Observer {
    /// Takes note of an event.
    fn on(&mut self, event: &Event);
}

/// Listens to nothing.
impl Observer for () {
    fn on(&mut self, _: &Event) {}
}

/// An observer that passes each event to a function.
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
