//! One connection of a run: takes steps from the schedule until nothing is left.
//!
//! Steps that are one transaction each go to the server several to a message; what is not
//! one transaction goes segment by segment. Every transaction carries the fence and the
//! ledger's rows, so that effect and record are one.

use super::fault::{Row, StatementError, StepEnd};
use super::pace::backoff;
use super::shared::Shared;
use crate::base::{Failure, FailureKind, Operation};
use crate::exec::frames::First;
use crate::exec::schedule::Next;
use crate::exec::{Frame, Level, Script, StatementTag, Writer, is_single};
use crate::history::EventKind;
use crate::ledger::code;
use crate::pg::connect::Connection;
use crate::pg::lock::lost;
use crate::plan::{Direction, Plan, Step};
use crate::run::Event;
use crate::sql::gist;
use serde_json::json;

/// A connection that runs steps.
pub(super) struct Worker<'w, 'a> {
    pub(super) connection: &'w mut Connection,
    pub(super) shared: &'w Shared<'a>,
    pub(super) plan: &'w Plan,
    pub(super) writer: &'w Writer,
    /// The server's process for this connection; 0 until it is known.
    pid: i32,
    /// What a COMMIT of the session waits for, where that is known.
    pub(super) level: Option<Level>,
    /// How long the step took that was recorded last.
    pub(super) took: Option<u64>,
    /// The steps whose COMMITs have not waited for the disk, or are not told yet.
    pub(super) unsettled: Vec<usize>,
    /// The step that has begun after them.
    begun: Option<usize>,
    /// Whether a step whose checks do not hold is being undone: its end is no success.
    undoes: bool,
}

impl<'w, 'a> Worker<'w, 'a> {
    pub(super) fn new(connection: &'w mut Connection, shared: &'w Shared<'a>) -> Self {
        Self {
            connection,
            shared,
            plan: shared.plan,
            writer: &shared.writer,
            pid: 0,
            level: None,
            took: None,
            unsettled: Vec::new(),
            begun: None,
            undoes: false,
        }
    }

    pub(super) fn tell(&self, event: &Event) {
        self.shared.tell(event);
    }

    /// Works until the schedule is empty or closed. A failed step is recorded and closes it.
    ///
    /// # Errors
    /// When nothing more can be recorded.
    pub(super) async fn work(&mut self) -> Result<(), Failure> {
        loop {
            let unit = match self.shared.take() {
                Next::Over => return Ok(()),
                Next::Wait => {
                    self.shared.changed.notified().await;
                    continue;
                }
                Next::Unit(unit) => unit,
            };
            match self.unit(&unit).await {
                Ok(()) => {}
                Err((_, StepEnd::Stopped)) => self.shared.close(),
                Err((_, StepEnd::Lost(failure))) => {
                    self.shared.close();
                    self.shared.halt.request();
                    return Err(failure);
                }
                Err((number, StepEnd::Statement(fault))) => {
                    self.shared.failed();
                    let failure = self.record_failure(number, &fault).await?;
                    self.shared.failures.borrow_mut().push(failure);
                }
            }
        }
    }

    /// Runs steps one after the other.
    async fn unit(&mut self, unit: &[usize]) -> Result<(), (usize, StepEnd)> {
        let steps = &self.plan.steps;
        let mut next = 0;
        let mut attempt = 1;
        let mut until = unit.len();
        while next < unit.len() {
            let number = unit[next];
            if self.shared.halt.is_requested() {
                return Err((number, StepEnd::Stopped));
            }
            if self.shared.is_closed() {
                return Ok(());
            }
            if !is_single(&steps[number]) {
                self.shared.busy(self.pid, &unit[next..=next]);
                let ended = self.long_step(number).await;
                self.shared.idle(self.pid);
                ended.map_err(|trouble| (number, trouble))?;
                self.step_done(number, 0);
                next += 1;
                continue;
            }
            let mut script = Script::default();
            let several: Vec<_> = unit[next..until].iter().map(|number| (*number, &steps[*number])).collect();
            let end = next + self.writer.message(&mut script, &several, self.level);
            self.shared.busy(self.pid, &unit[next..end]);
            let sent = self.send(&script).await;
            self.shared.idle(self.pid);
            match sent {
                Ok(()) => {
                    next = end;
                    attempt = 1;
                    until = unit.len();
                }
                Err(StepEnd::Statement(fault)) => {
                    let reached = (next..end).find(|i| !self.shared.is_done(unit[*i])).unwrap_or(end);
                    let failed = (next..end).find(|i| Some(unit[*i]) == fault.mark.step()).unwrap_or(reached);
                    if failed != next {
                        attempt = 1;
                    }
                    next = reached;
                    if failed > reached {
                        // found when the message was read: what stands before it has not run
                        until = failed;
                        continue;
                    }
                    let number = unit[next.min(unit.len() - 1)];
                    self.retry(number, &mut attempt, fault).await.map_err(|trouble| (number, trouble))?;
                }
                Err(trouble) => return Err((number, trouble)),
            }
        }
        Ok(())
    }

    /// Waits before another attempt, where the fault may pass and attempts are left.
    pub(super) async fn retry(
        &mut self,
        number: usize,
        attempt: &mut u32,
        fault: StatementError,
    ) -> Result<(), StepEnd> {
        let step = &self.plan.steps[number];
        let of = step.segments.first().map_or(0, |s| s.limits.lock_retries) + 1;
        if !fault.failure.is_retryable() || *attempt >= of {
            return Err(StepEnd::Statement(fault));
        }
        let wait = backoff(*attempt);
        *attempt += 1;
        let reason = self.describe_blockers(&fault).await;
        self.tell(&Event::Retry {
            changeset: step.changeset.clone(),
            attempt: *attempt,
            of,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            reason,
        });
        self.note_retry(number, &fault, *attempt, of).await?;
        if self.shared.halt.sleep(wait).await { Err(StepEnd::Stopped) } else { Ok(()) }
    }

    /// Keeps in the ledger that a lock could not be had in time: who promotes from here wants
    /// to know. Without the names of those who held it.
    async fn note_retry(
        &mut self,
        number: usize,
        fault: &StatementError,
        attempt: u32,
        of: u32,
    ) -> Result<(), StepEnd> {
        let step = &self.plan.steps[number];
        let detail = json!({
            "sqlstate": fault.failure.sqlstate, "attempt": attempt, "of": of, "checksum": step.checksum,
            "direction": step.direction.word(),
        });
        let frame = StatementTag::Frame(number);
        let mut script = Script::default();
        self.writer.begin(&mut script, number, step, None, First::Own);
        script.push(frame, &self.writer.recorder.event(EventKind::Retried, Some(&step.changeset), &detail));
        script.push(StatementTag::Commit(number), "COMMIT");
        self.exchange(&script).await.map(drop)
    }

    /// A step of several segments, or of one that is not a transaction.
    async fn long_step(&mut self, number: usize) -> Result<(), StepEnd> {
        let step = &self.plan.steps[number];
        self.shared.announce(number);
        match self.segments(number, step).await {
            Err(StepEnd::Statement(fault))
                if matches!(fault.mark, StatementTag::Verify(..)) && step.direction == Direction::Forward =>
            {
                self.undoes = true;
                let undone = self.take_back(number, step).await;
                self.undoes = false;
                undone?;
                Err(StepEnd::Statement(fault))
            }
            other => other,
        }
    }

    pub(super) async fn segments(&mut self, number: usize, step: &Step) -> Result<(), StepEnd> {
        for frame in self.writer.step(number, step) {
            if self.shared.halt.is_requested() {
                return Err(StepEnd::Stopped);
            }
            let segment = frame.segment();
            if let Some(no) = segment {
                let segment = &step.segments[no];
                self.tell(&Event::SegmentStarted {
                    changeset: step.changeset.clone(),
                    segment: no,
                    mode: segment.mode,
                    gist: segment.statements.first().map(|s| gist(&s.sql)).unwrap_or_default(),
                });
            }
            match frame {
                Frame::Transactions { script, .. } => self.transactions(number, &script).await?,
                Frame::Outside { segment, before, after } => {
                    self.outside(number, step, segment, &before, &after).await?;
                }
                Frame::Batches { segment, around } => self.batched(number, step, segment, around).await?,
            }
            if let Some(no) = segment {
                self.tell(&Event::SegmentDone { changeset: step.changeset.clone(), segment: no });
            }
        }
        Ok(())
    }

    /// Sends whole transactions, again where a lock cannot be had.
    async fn transactions(&mut self, number: usize, script: &Script) -> Result<(), StepEnd> {
        let mut attempt = 1;
        loop {
            match self.send(script).await {
                Err(StepEnd::Statement(fault)) => self.retry(number, &mut attempt, fault).await?,
                other => return other,
            }
        }
    }

    pub(super) fn ledger(&self) -> String {
        crate::base::name::quote_ident(&self.plan.ledger_schema).into_owned()
    }

    /// A step has begun. It is told when those before it are: who watches sees one after the other.
    pub(super) fn step_begun(&mut self, number: usize) {
        match self.unsettled.is_empty() {
            true => self.shared.announce(number),
            false => self.begun = Some(number),
        }
    }

    /// A step is committed: what comes after it may begin, on any connection, as the log of the
    /// server has one order. Nobody is told before a COMMIT has waited for the disk.
    pub(super) fn step_committed(&mut self, number: usize) {
        let took_ms = self.took.take();
        if !self.undoes && self.shared.step_committed(number, took_ms) {
            self.unsettled.push(number);
        }
    }

    /// A step is committed, and its COMMIT has waited for the disk: so have those of this
    /// connection before it, and those of others that were known when the message was sent.
    pub(super) fn step_done(&mut self, number: usize, known: usize) {
        self.step_committed(number);
        self.settled(known);
    }

    fn settled(&mut self, known: usize) {
        self.shared.settle(known, &std::mem::take(&mut self.unsettled));
        if let Some(number) = self.begun.take() {
            self.shared.announce(number);
        }
    }

    /// Waits for the disk, where COMMITs of this connection have not: what is told of them, or
    /// follows from a failure after them, must stay.
    pub(super) async fn settle(&mut self) -> Result<(), StepEnd> {
        if self.unsettled.is_empty() {
            return Ok(());
        }
        let known = self.shared.committed_steps();
        // the fence writes: its transaction has a record in the log that waits, behind theirs
        let sql = format!("SELECT {}.fence({})", self.ledger(), self.shared.epoch);
        match self.connection.texts(&sql).await {
            Ok(_) => {
                self.settled(known);
                Ok(())
            }
            Err(why) if why.is_connection_lost() => Err(StepEnd::Lost(lost::connection_lost(&why))),
            Err(why) if why.sqlstate == code::TAKEN_OVER => Err(self.taken_over().await),
            Err(why) => {
                let message = format!("cannot verify that the committed changes are on the server's disk: {why}");
                Err(StepEnd::Lost(
                    Failure::new(FailureKind::Database, message).help("run " + Operation::Status + " to see the state"),
                ))
            }
        }
    }

    /// Sends what must not fail and asks which process the server has for it, and what its
    /// COMMITs wait for.
    pub(super) async fn init_session(&mut self, context: &str, mut script: Script) -> Result<(), Failure> {
        // at the end: of several rows the last one is kept
        script.push(
            StatementTag::Session,
            "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('synchronous_commit')",
        );
        let row = self.send_required(context, &script).await?.unwrap_or_default();
        let text = |at: usize| row.get(at).and_then(Option::as_deref);
        self.pid = text(0).and_then(|pid| pid.parse().ok()).unwrap_or(0);
        self.level = text(1).and_then(Level::of);
        Ok(())
    }

    /// Notes what follows a failure. Where the server refuses that too (its disk is full), the
    /// failure is what has to be told, and this is only a warning.
    ///
    /// # Errors
    /// When the connection is gone, or another run has taken over.
    pub(super) async fn note(&mut self, context: &str, script: &Script) -> Result<(), Failure> {
        match self.send_required(context, script).await {
            Err(why) if why.kind == FailureKind::Database && !lost::is_lost(&why) => {
                self.tell(&Event::Notice { severity: "WARNING".to_owned(), message: why.message });
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Sends what must not fail.
    pub(super) async fn send_required(&mut self, context: &str, script: &Script) -> Result<Option<Row>, Failure> {
        match self.exchange(script).await {
            Ok(row) => Ok(row),
            Err(StepEnd::Lost(failure)) => Err(failure),
            Err(StepEnd::Stopped) => Err(Failure::new(FailureKind::Interrupted, "stopped by a signal")),
            Err(StepEnd::Statement(fault)) => {
                let failure = Failure::new(FailureKind::Database, format!("{context}: {}", fault.failure.message));
                Err(match fault.failure.sqlstate.as_str() {
                    "42501" => failure.help("the role must own the ledger's schema or have privileges on its tables"),
                    _ => failure,
                })
            }
        }
    }
}
