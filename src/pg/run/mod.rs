//! Running a plan: the one loop over steps in the whole crate.
//!
//! Steps that are one transaction each go to the server several to a message; what is not
//! one transaction goes segment by segment. Every transaction carries the fence and the
//! ledger's rows, so that effect and record are one.

mod aftermath;
mod batch;
mod outside;
pub mod script;
pub mod stop;
pub mod unit;
mod wire;

use super::connect::Connection;
use crate::base::{Failure, Kind};
use crate::ledger::record::Recorder;
use crate::plan::{Direction, Mode, Plan, Progress, Step, Why};
use crate::report::plan::gist;
use crate::run::{Event, Observer, StepError};
use script::{Mark, Script};
use std::time::Instant;
use stop::Stop;
use unit::{Writer, is_single};
use wire::Fault;
pub use wire::taken_over;

/// Steps in one message; more would only make its text longer.
const MOST_STEPS: usize = 200;

/// Characters of one message, about.
const MOST_TEXT: usize = 512 * 1024;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Done, failed or interrupted.
    pub status: RunStatus,
    /// How many steps are done and recorded.
    pub done: usize,
    /// The step that failed, what went wrong and what is left of it.
    pub failed: Option<(String, StepError, String)>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Every step is done.
    Done,
    /// A step failed; those after it were not begun.
    Failed,
    /// Stopped by a signal.
    Interrupted,
}

impl RunStatus {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Done => "done",
            RunStatus::Failed => "failed",
            RunStatus::Interrupted => "interrupted",
        }
    }
}

/// Who runs: what the ledger notes of a run.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The id of the run.
    pub id: String,
    /// `apply` or `rollback`.
    pub kind: &'static str,
    /// The operating system's user.
    pub os_user: String,
    /// The host's name.
    pub host: String,
}

/// Why a step did not come to its end.
enum Trouble {
    /// The server refused a statement.
    Fault(Fault),
    /// Stopped by a signal.
    Stopped,
    /// The connection is gone, or another run has taken over: nothing more can be recorded.
    Lost(Failure),
}

struct Runner<'a> {
    connection: &'a mut Connection,
    writer: Writer,
    plan: &'a Plan,
    observer: &'a mut dyn Observer,
    stop: &'a Stop,
    done: usize,
    announced: usize,
    /// How long the step took that was recorded last.
    took: Option<u64>,
}

/// Runs a plan under the lock of this epoch.
///
/// # Errors
/// When the connection is lost, or the ledger cannot be written. A step that fails is no
/// error here: it is in the answer, and recorded.
pub async fn execute(
    connection: &mut Connection,
    recorder: Recorder,
    epoch: i64,
    plan: &Plan,
    info: &RunInfo,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    let began = Instant::now();
    let writer = Writer { recorder, epoch };
    let mut runner = Runner { connection, writer, plan, observer, stop, done: 0, announced: 0, took: None };
    runner.start(info).await?;
    let outcome = runner.steps().await;
    let (status, failed) = match outcome {
        Ok(()) => (RunStatus::Done, None),
        Err((_, Trouble::Stopped)) => match stop.loss() {
            Some(why) => return Err(why),
            None => (RunStatus::Interrupted, None),
        },
        Err((_, Trouble::Lost(failure))) => return Err(failure),
        Err((number, Trouble::Fault(fault))) => {
            let failed = runner.record_failure(number, &fault).await?;
            (RunStatus::Failed, Some(failed))
        }
    };
    runner.end(status, failed.as_ref().map(|(_, e, _)| e.message.as_str())).await?;
    let done = runner.done;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    observer.on(&Event::RunFinished { status: status.word().to_owned(), steps: done, took_ms });
    Ok(Finished { status, done, failed })
}

impl Runner<'_> {
    /// Sets the session up and notes the run: one message.
    async fn start(&mut self, info: &RunInfo) -> Result<(), Failure> {
        let mut script = Script::default();
        let frame = Mark::Frame(usize::MAX);
        script.push(frame, "BEGIN");
        script.extend(frame, unit::session_sql());
        let steps = self.plan.steps.len();
        let recorder = &self.writer.recorder;
        script.extend(frame, recorder.start_run(info.kind, &self.plan.environment, steps, &info.os_user, &info.host));
        script.push(frame, "COMMIT");
        self.must("cannot begin the run", &script).await?;
        self.observer.on(&Event::RunStarted {
            run: info.id.clone(),
            kind: info.kind.to_owned(),
            environment: self.plan.environment.clone(),
            steps,
        });
        Ok(())
    }

    async fn end(&mut self, status: RunStatus, message: Option<&str>) -> Result<(), Failure> {
        let mut script = Script::default();
        let frame = Mark::Frame(usize::MAX);
        script.push(frame, "BEGIN");
        script.extend(frame, self.writer.recorder.finish_run(status.word(), message));
        script.push(frame, "COMMIT");
        self.must("cannot note the end of the run", &script).await
    }

    /// The loop.
    async fn steps(&mut self) -> Result<(), (usize, Trouble)> {
        let steps = &self.plan.steps;
        let mut next = 0;
        let mut attempt = 1;
        let mut until = steps.len();
        while next < steps.len() {
            if self.stop.is_requested() {
                return Err((next, Trouble::Stopped));
            }
            if !is_single(&steps[next]) {
                self.long_step(next).await.map_err(|trouble| (next, trouble))?;
                self.step_done(next);
                next += 1;
                continue;
            }
            let mut script = Script::default();
            let mut end = next;
            while end < until && is_single(&steps[end]) && end - next < MOST_STEPS && script.sql.len() < MOST_TEXT {
                self.writer.single(&mut script, end, &steps[end]);
                end += 1;
            }
            match self.send(&script).await {
                Ok(()) => {
                    next = end;
                    attempt = 1;
                    until = steps.len();
                }
                Err(Trouble::Fault(fault)) => {
                    let failed = fault.mark.step();
                    let reached = next.max(self.done);
                    if failed != next {
                        attempt = 1;
                    }
                    next = reached;
                    if failed > reached {
                        // found when the message was read: what stands before it has not run
                        until = failed;
                        continue;
                    }
                    self.retry(next, &mut attempt, fault).await.map_err(|trouble| (next, trouble))?;
                }
                Err(trouble) => return Err((next, trouble)),
            }
        }
        Ok(())
    }

    /// Waits before another attempt, where the fault may pass and attempts are left.
    async fn retry(&mut self, number: usize, attempt: &mut u32, fault: Fault) -> Result<(), Trouble> {
        let step = &self.plan.steps[number];
        let of = step.segments.first().map_or(0, |s| s.limits.lock_retries) + 1;
        if !fault.failure.is_retryable() || *attempt >= of {
            return Err(Trouble::Fault(fault));
        }
        let wait = wire::backoff(*attempt);
        *attempt += 1;
        let reason = self.blame(&fault).await;
        self.observer.on(&Event::Retry {
            changeset: step.changeset.clone(),
            attempt: *attempt,
            of,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            reason,
        });
        if self.stop.sleep(wait).await { Err(Trouble::Stopped) } else { Ok(()) }
    }

    /// A step of several segments, or of one that is not a transaction.
    async fn long_step(&mut self, number: usize) -> Result<(), Trouble> {
        let step = &self.plan.steps[number];
        self.announce(number);
        match self.segments(number, step).await {
            Err(Trouble::Fault(fault))
                if matches!(fault.mark, Mark::Verify(..)) && step.direction == Direction::Forward =>
            {
                self.take_back(number, step).await?;
                Err(Trouble::Fault(fault))
            }
            other => other,
        }
    }

    async fn segments(&mut self, number: usize, step: &Step) -> Result<(), Trouble> {
        let mut first = step.why != Why::Resumed;
        for (no, segment) in step.segments.iter().enumerate() {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            if segment.progress == Progress::Done {
                continue;
            }
            self.observer.on(&Event::SegmentStarted {
                changeset: step.changeset.clone(),
                segment: no,
                mode: segment.mode,
                gist: segment.statements.first().map(|s| gist(&s.sql)).unwrap_or_default(),
            });
            match segment.mode {
                Mode::Transaction => self.transaction(number, step, no, first).await?,
                Mode::Outside => self.outside(number, step, no, first).await?,
                Mode::Batched => self.batched(number, step, no, first).await?,
            }
            first = false;
            self.observer.on(&Event::SegmentDone { changeset: step.changeset.clone(), segment: no });
        }
        if step.segments.last().is_some_and(|s| s.progress == Progress::Done) {
            // an earlier run did everything but the last entry
            let mut script = Script::default();
            self.writer.begin(&mut script, number, None);
            self.writer.finish(&mut script, number, step);
            self.send(&script).await?;
        }
        Ok(())
    }

    async fn transaction(&mut self, number: usize, step: &Step, no: usize, first: bool) -> Result<(), Trouble> {
        let mut attempt = 1;
        loop {
            let mut script = Script::default();
            self.writer.segment(&mut script, number, step, no, first);
            match self.send(&script).await {
                Err(Trouble::Fault(fault)) => self.retry(number, &mut attempt, fault).await?,
                other => return other,
            }
        }
    }

    fn ledger(&self) -> String {
        crate::base::name::quote_ident(&self.plan.ledger_schema).into_owned()
    }

    fn announce(&mut self, number: usize) {
        if self.announced > number {
            return;
        }
        self.announced = number + 1;
        let step = &self.plan.steps[number];
        self.observer.on(&Event::StepStarted {
            changeset: step.changeset.clone(),
            direction: step.direction,
            number: number + 1,
            of: self.plan.steps.len(),
        });
    }

    fn step_done(&mut self, number: usize) {
        if self.done > number {
            return;
        }
        self.done = number + 1;
        let step = &self.plan.steps[number];
        let took_ms = self.took.take();
        self.observer.on(&Event::StepDone { changeset: step.changeset.clone(), direction: step.direction, took_ms });
    }

    /// Sends what must not fail.
    async fn must(&mut self, context: &str, script: &Script) -> Result<(), Failure> {
        match self.send(script).await {
            Ok(()) => Ok(()),
            Err(Trouble::Lost(failure)) => Err(failure),
            Err(Trouble::Stopped) => Err(Failure::new(Kind::Interrupted, "stopped by a signal")),
            Err(Trouble::Fault(fault)) => {
                let failure = Failure::new(Kind::Database, format!("{context}: {}", fault.failure.message));
                Err(match fault.failure.sqlstate.as_str() {
                    "42501" => failure.help("the role needs to own the ledger's schema, or be granted its tables"),
                    _ => failure,
                })
            }
        }
    }
}
