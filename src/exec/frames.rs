//! A step as frames: transaction, fence, limits and paths around its statements, and the ledger's
//! rows in the same transaction.

use super::durability::Wait;
use super::locks::locks;
use super::printer::Printer;
use super::script::{Script, StatementTag, USE_OWN_PATH};
use super::session::{self, NO_LIMITS, limits_sql, session_sql, set_path};
use crate::base::Limits;
use crate::base::name::{quote_dollar, quote_literal};
use crate::history::RunStatus;
use crate::ledger::record::{self, OWN_PATH, Recorder};
use crate::ledger::start::RunStart;
use crate::ledger::walk;
use crate::plan::{Direction, Mode, Progress, Renamed, Segment, Step, StepReason};
use crate::sql;

/// Writes the frames of one run.
#[derive(Debug)]
pub struct Writer {
    /// Writes the ledger's rows.
    pub recorder: Recorder,
    /// For whom.
    pub printer: Printer,
}

/// A part of a step that is printed as one.
#[derive(Debug)]
pub enum Frame {
    /// Whole transactions.
    Transactions {
        /// The segment that they are for; `None`: none that is left.
        segment: Option<usize>,
        /// All of them.
        script: Script,
    },
    /// The statement of a segment outside of a transaction.
    Outside {
        /// The segment.
        segment: usize,
        /// The intent, or what a session needs that continues it.
        before: Script,
        /// That it is done.
        after: Script,
    },
    /// A walk through a table, batch after batch.
    Batches {
        /// The segment.
        segment: usize,
        /// What comes before and after the batches.
        around: BatchFrames,
    },
}

/// What comes before and after the batches of a walk.
#[derive(Debug)]
pub struct BatchFrames {
    /// The intent; empty for a walk that goes on.
    pub before: Script,
    /// The settings of the session for batches.
    pub enter: Script,
    /// Takes them back.
    pub leave: Script,
    /// That it is done.
    pub after: Script,
}

impl Frame {
    /// The segment that it is for; `None`: none that is left.
    #[must_use]
    pub fn segment(&self) -> Option<usize> {
        match self {
            Frame::Transactions { segment, .. } => *segment,
            Frame::Outside { segment, .. } | Frame::Batches { segment, .. } => Some(*segment),
        }
    }
}

/// Whose statements come first in a transaction, and so under whose `search_path` it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The author's.
    Author,
    /// dagmar's own.
    Own,
}

/// Whether the whole step is one transaction that nothing was done of before.
#[must_use]
pub fn is_single(step: &Step) -> bool {
    match step.segments.as_slice() {
        [] => true,
        [only] => only.mode == Mode::Transaction && only.progress == Progress::Todo,
        _ => false,
    }
}

impl Writer {
    /// The settings of a session that runs changesets.
    pub fn session(&self, script: &mut Script) {
        script.extend(StatementTag::Session, session_sql());
    }

    /// The rows that begin the run, within a transaction.
    pub fn start(&self, script: &mut Script, start: &RunStart<'_>, renamed: &[Renamed]) {
        for row in self.recorder.start_run(start) {
            script.push(StatementTag::Session, &row);
        }
        if !renamed.is_empty() {
            script.push(StatementTag::Session, &self.fence_sql("rename", None, First::Own));
            renamed.iter().for_each(|renamed| script.extend(StatementTag::Session, self.recorder.rename(renamed)));
        }
    }

    /// The rows that end the run, in a transaction.
    pub fn end(&self, script: &mut Script, status: RunStatus, message: Option<&str>) {
        script.extend(StatementTag::Session, ["BEGIN", USE_OWN_PATH]);
        script.extend(StatementTag::Session, self.recorder.finish_run(status, message));
        script.push(StatementTag::Session, "COMMIT");
    }

    /// A step, frame by frame.
    #[must_use]
    pub fn step(&self, number: usize, step: &Step) -> Vec<Frame> {
        let mut frames = Vec::new();
        if self.printer.has_guards() {
            let mut script = Script::default();
            script.own(StatementTag::Guard(number), &self.guard(step));
            frames.push(Frame::Transactions { segment: None, script });
        }
        if is_single(step) {
            let mut script = Script::default();
            self.single(&mut script, number, step, Wait::AsSet);
            frames.push(Frame::Transactions { segment: step.segments.first().map(|_| 0), script });
            return frames;
        }
        let mut first = step.why != StepReason::Resumed;
        let left = step.segments.iter().enumerate().filter(|(_, segment)| segment.progress != Progress::Done);
        for (no, segment) in left {
            frames.push(match segment.mode {
                Mode::Transaction => {
                    let mut script = Script::default();
                    self.segment(&mut script, number, step, no, first);
                    Frame::Transactions { segment: Some(no), script }
                }
                Mode::Outside => self.outside(number, step, no, first),
                Mode::Batched => self.batches(number, step, no, first),
            });
            first = false;
        }
        if step.segments.last().is_some_and(|s| s.progress == Progress::Done) {
            // an earlier run did everything but the last entry
            let mut script = Script::default();
            self.begin(&mut script, number, step, None, First::Author);
            self.finish(&mut script, number, step);
            frames.push(Frame::Transactions { segment: None, script });
        }
        frames
    }

    /// Opens a transaction that only the holder of the lock can commit.
    pub fn begin(&self, script: &mut Script, number: usize, step: &Step, limits: Option<Limits>, first: First) {
        script.push(StatementTag::Begin(number), "BEGIN");
        self.fence(script, number, step, limits, first);
    }

    fn fence(&self, script: &mut Script, number: usize, step: &Step, limits: Option<Limits>, first: First) {
        script.push(StatementTag::Fence(number), &self.fence_sql(&step.changeset, limits, first));
    }

    fn fence_sql(&self, changeset: &str, limits: Option<Limits>, first: First) -> String {
        let path = match first {
            First::Author => self.printer.author_path(),
            First::Own => quote_literal(OWN_PATH),
        };
        let limits = limits.or_else(|| self.printer.no_limits());
        self.recorder.transaction(self.printer.epoch().as_deref(), changeset, limits, &path)
    }

    /// What follows is the author's, until the end of the transaction or [`own`].
    fn author(&self, script: &mut Script, number: usize) {
        script.push(StatementTag::Frame(number), &set_path(&self.printer.author_path(), true));
    }

    /// What follows and is no part of a transaction is the author's.
    fn author_outside(&self, script: &mut Script, number: usize) {
        script.push(StatementTag::Frame(number), &set_path(&self.printer.author_path(), false));
    }

    /// A step that is one transaction.
    pub fn single(&self, script: &mut Script, number: usize, step: &Step, wait: Wait) {
        self.begin(script, number, step, step.segments.first().map(|s| s.limits), First::Author);
        script.extend(StatementTag::Frame(number), wait.at_first());
        self.body(script, number, step);
        script.extend(StatementTag::Frame(number), wait.at_last());
        let is_later = wait == Wait::Later;
        script.push(
            if is_later { StatementTag::StepCommitted(number) } else { StatementTag::StepDone(number) },
            "COMMIT",
        );
        self.reset_after(script, number, &step.segments);
    }

    /// A step as a part of the transaction that holds the whole plan.
    pub fn part(&self, script: &mut Script, number: usize, step: &Step) {
        self.fence(script, number, step, step.segments.first().map(|s| s.limits), First::Author);
        self.body(script, number, step);
        if leaves_session(&step.segments) {
            session::reset(script, StatementTag::Frame(number));
        }
    }

    fn body(&self, script: &mut Script, number: usize, step: &Step) {
        self.before(script, number, step);
        if let Some(segment) = step.segments.first() {
            statements(script, number, 0, segment);
        }
        self.record(script, number, step);
    }

    /// What a step needs before its first statement.
    fn before(&self, script: &mut Script, number: usize, step: &Step) {
        if step.why == StepReason::Changed {
            own(script, number);
            script.extend(StatementTag::Frame(number), self.recorder.supersede(&step.changeset));
            self.author(script, number);
        }
        if step.why != StepReason::Resumed {
            for (i, check) in step.preconditions.iter().enumerate() {
                script.push(StatementTag::Precondition(number, i), &record::assertion(check, "the precondition"));
            }
        }
    }

    /// Notes in the ledger that a step of several segments is on its way.
    fn enter(&self, script: &mut Script, number: usize, step: &Step) {
        own(script, number);
        rows(script, number, step, self.recorder.begin_step(step));
    }

    /// The end of a step: verify, record, commit.
    fn finish(&self, script: &mut Script, number: usize, step: &Step) {
        self.record(script, number, step);
        script.push(StatementTag::StepDone(number), "COMMIT");
    }

    fn record(&self, script: &mut Script, number: usize, step: &Step) {
        for (i, check) in step.verify.iter().enumerate() {
            script.push(StatementTag::Verify(number, i), &record::assertion(check, "the check"));
        }
        own(script, number);
        rows(script, number, step, self.recorder.finish_step(step, is_single(step)));
    }

    /// A transactional segment of a step that has several.
    fn segment(&self, script: &mut Script, number: usize, step: &Step, no: usize, first: bool) {
        let segment = &step.segments[no];
        self.begin(script, number, step, Some(segment.limits), First::Author);
        if first {
            self.before(script, number, step);
            self.enter(script, number, step);
            self.author(script, number);
        }
        statements(script, number, no, segment);
        if no + 1 == step.segments.len() {
            self.finish(script, number, step);
        } else {
            own(script, number);
            script.push(StatementTag::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
            script.push(StatementTag::SegmentDone(number, no), "COMMIT");
        }
        self.reset_after(script, number, std::slice::from_ref(segment));
    }

    fn outside(&self, number: usize, step: &Step, no: usize, first: bool) -> Frame {
        let mut before = match step.segments[no].progress {
            Progress::Todo => self.intent(number, step, no, first),
            Progress::Started | Progress::Done => {
                // no intent sets it
                let mut script = Script::default();
                self.author_outside(&mut script, number);
                script
            }
        };
        let mut after = Script::default();
        if let Some(limits) = step.segments[no].outside_limits() {
            before.extend(StatementTag::Frame(number), limits_sql(self.printer.batch_limits(limits)));
            after.extend(StatementTag::Frame(number), NO_LIMITS);
        }
        self.done(&mut after, number, step, no);
        Frame::Outside { segment: no, before, after }
    }

    fn batches(&self, number: usize, step: &Step, no: usize, first: bool) -> Frame {
        let segment = &step.segments[no];
        let before = match segment.progress {
            Progress::Todo => self.intent(number, step, no, first),
            Progress::Started | Progress::Done => Script::default(),
        };
        let frame = StatementTag::Frame(number);
        let (mut enter, mut leave, mut after) = (Script::default(), Script::default(), Script::default());
        enter.extend(frame, limits_sql(self.printer.batch_limits(segment.limits)));
        enter.extend(frame, walk::enter());
        self.author_outside(&mut enter, number);
        leave.extend(frame, NO_LIMITS);
        leave.extend(frame, walk::leave());
        self.done(&mut after, number, step, no);
        Frame::Batches { segment: no, around: BatchFrames { before, enter, leave, after } }
    }

    /// Notes that a segment outside of a transaction, or in batches, is about to begin.
    fn intent(&self, number: usize, step: &Step, no: usize, first: bool) -> Script {
        let mut script = Script::default();
        self.begin(&mut script, number, step, None, First::Author);
        if first {
            self.before(&mut script, number, step);
            self.enter(&mut script, number, step);
        }
        own(&mut script, number);
        script.push(StatementTag::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, false));
        self.author_outside(&mut script, number);
        script.push(StatementTag::Commit(number), "COMMIT");
        script
    }

    /// Notes that such a segment is done; after the last one the step is finished in a
    /// transaction of its own, so that a failed check does not hide what has happened.
    fn done(&self, script: &mut Script, number: usize, step: &Step, no: usize) {
        self.begin(script, number, step, None, First::Own);
        script.push(StatementTag::Frame(number), &self.recorder.segment(&step.changeset, step.direction, no, true));
        script.push(StatementTag::SegmentDone(number, no), "COMMIT");
        if no + 1 == step.segments.len() {
            self.begin(script, number, step, None, First::Author);
            self.finish(script, number, step);
        }
    }

    /// In a transaction of its own: bare statements of a message would become part of the next
    /// one (manual, chapter 55.2.2.1).
    fn reset_after(&self, script: &mut Script, number: usize, segments: &[Segment]) {
        if leaves_session(segments) {
            script.push(StatementTag::Begin(number), "BEGIN");
            session::reset(script, StatementTag::Frame(number));
            script.push(StatementTag::Commit(number), "COMMIT");
        }
    }

    /// A statement that fails where the database is not as the plan expects it before this step.
    fn guard(&self, step: &Step) -> String {
        let id = quote_literal(&step.changeset);
        let is_there = |more: &str| self.recorder.has_changeset(&format!("id = {id}{more}"));
        let (condition, message) = match (step.direction, step.why) {
            (Direction::Forward, StepReason::Pending) => (is_there(" AND status <> 'failed'"), "already exists"),
            (Direction::Forward | Direction::Purge | Direction::Restore, _) => {
                (format!("NOT {}", is_there("")), "is not as the plan expects it")
            }
            (Direction::Rollback, _) => {
                let same = format!(" AND checksum = {}", quote_literal(&step.checksum));
                (format!("NOT {}", is_there(&same)), "is not applied as the plan expects it")
            }
        };
        let body = format!(
            "BEGIN IF {condition} THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END",
            quote_literal(&format!("the changeset {} {message}", step.changeset))
        );
        format!("DO {}", quote_dollar(&body, "guard"))
    }
}

/// What follows is dagmar's own, until the end of the transaction.
fn own(script: &mut Script, number: usize) {
    script.push(StatementTag::Frame(number), USE_OWN_PATH);
}

/// The rows of a step: of one that goes forward, the first is its own.
fn rows(script: &mut Script, number: usize, step: &Step, rows: Vec<String>) {
    for (n, row) in rows.iter().enumerate() {
        let is_own = n == 0 && step.direction == Direction::Forward;
        script.push(if is_own { StatementTag::Took(number) } else { StatementTag::Frame(number) }, row);
    }
}

/// Whether statements leave something in the session.
pub(super) fn leaves_session(segments: &[Segment]) -> bool {
    segments.iter().flat_map(|segment| &segment.statements).any(|s| s.facts.session)
}

/// The statements of a segment, its locks before them. The ledger's rows that follow must not be
/// written under a role that the changeset took on.
fn statements(script: &mut Script, number: usize, no: usize, segment: &Segment) {
    if let Some(sql) = locks(segment) {
        script.push(StatementTag::Locks(number, no), &sql);
    }
    for (i, statement) in segment.statements.iter().enumerate() {
        script.push(StatementTag::Statement(number, no, i), &statement.sql);
    }
    if segment.statements.iter().any(|s| s.facts.session || sql::command(&s.sql) == "set") {
        script.extend(StatementTag::Frame(number), ["RESET SESSION AUTHORIZATION", "RESET ROLE"]);
    }
}
