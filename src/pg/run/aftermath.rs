//! What follows a failure: taking back what must not stay, recording what went wrong, saying
//! what is left.

use super::fault::{StatementError, StepEnd};
use super::job::FailedStep;
use super::worker::Worker;
use crate::base::name::quote_literal;
use crate::base::{Failure, Operation};
use crate::exec::durability::Wait;
use crate::exec::frames::First;
use crate::exec::{Script, StatementTag, is_single};
use crate::history::{EventKind, RecordedStatus};
use crate::ledger::record::STARTED;
use crate::plan::{Direction, Progress, Rollback, Step, StepReason};
use crate::run::Event;
use serde_json::json;

impl Worker<'_, '_> {
    /// Undoes a changeset of several segments whose checks do not hold.
    pub(super) async fn take_back(&mut self, number: usize, step: &Step) -> Result<(), StepEnd> {
        let Rollback::Segments { segments, .. } = &step.rollback else { return Ok(()) };
        let mut segments = segments.clone();
        segments.iter_mut().for_each(|s| s.progress = Progress::Todo);
        let back = Step {
            direction: Direction::Rollback,
            why: StepReason::Requested,
            preconditions: Vec::new(),
            verify: Vec::new(),
            segments,
            ..step.clone()
        };
        if is_single(&back) {
            let mut script = Script::default();
            self.writer.single(&mut script, number, &back, Wait::AsSet);
            self.send(&script).await
        } else {
            Box::pin(self.segments(number, &back)).await
        }
    }

    /// Records what went wrong, and says what is left.
    pub(super) async fn record_failure(
        &mut self,
        number: usize,
        fault: &StatementError,
    ) -> Result<FailedStep, Failure> {
        let step = &self.plan.steps[number];
        let id = step.changeset.clone();
        let (error, kept) = self.step_error(step, fault).await;
        let detail = serde_json::to_value(&kept).unwrap_or_default();
        let frame = StatementTag::Frame(number);
        let left = self.left_of(step).await?;
        let recorder = &self.writer.recorder;
        let mut script = Script::default();
        self.writer.begin(&mut script, number, step, None, First::Own);
        if left.is_none() && step.direction == Direction::Forward && step.why != StepReason::Changed {
            script.extend(frame, recorder.changeset(step, RecordedStatus::Failed.word(), STARTED));
            script.push(frame, &recorder.clear_segments(&id));
        }
        let kind = match step.direction {
            Direction::Forward => EventKind::Failed,
            Direction::Rollback => EventKind::RollbackFailed,
            Direction::Purge => EventKind::PurgeFailed,
            Direction::Restore => EventKind::AtticRestoreFailed,
        };
        // the changeset itself is as it was
        if matches!(step.direction, Direction::Forward | Direction::Rollback) {
            script.push(frame, &recorder.error(&id, &detail));
        }
        // of which version: what is edited afterwards has not failed yet
        let mut of = detail;
        of["checksum"] = json!(step.checksum);
        script.push(frame, &recorder.event(kind, Some(&id), &of));
        script.push(StatementTag::Commit(number), "COMMIT");
        self.note("cannot record the failure", &script).await?;
        let state = match (left, step.direction) {
            (None, Direction::Forward) => "nothing of it remains".to_owned(),
            (None, Direction::Rollback) => "it is applied as before".to_owned(),
            (_, Direction::Purge | Direction::Restore) => "it is kept in the attic as before".to_owned(),
            (Some(done), Direction::Forward) => format!("{done} of its {} segments are done", step.segments.len()),
            (Some(done), Direction::Rollback) => {
                format!("{done} of its {} rollback segments are done", step.segments.len())
            }
        };
        let todo = left.and(match step.direction {
            Direction::Forward => {
                Some(Operation::Apply + " continues, " + Operation::Rollback.on(&id) + " rolls back what is done")
            }
            Direction::Rollback => Some(Operation::Rollback.on(&id) + " continues"),
            Direction::Purge | Direction::Restore => None,
        });
        self.tell(&Event::StepFailed {
            changeset: id.clone(),
            direction: step.direction,
            error: Box::new(error.clone()),
            state: state.clone(),
            todo_parts: todo.clone(),
        });
        Ok(FailedStep { changeset: id, error, state, todo, kept: kept.message })
    }

    /// How many segments the ledger knows as done; `None`: nothing was begun, or nothing of
    /// it is left.
    async fn left_of(&mut self, step: &Step) -> Result<Option<usize>, Failure> {
        if is_single(step) {
            return Ok(None);
        }
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE status = 'done') FROM {}.segment WHERE changeset = {} AND direction = '{}'",
            self.ledger(),
            quote_literal(&step.changeset),
            step.direction.word()
        );
        let row = self.one_row(&sql).await?;
        let number =
            |i: usize| row.get(i).and_then(|v| v.as_deref()).and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
        Ok((number(0) > 0).then(|| number(1)))
    }
}
