//! All or nothing: a whole plan in one transaction.

use super::script::{Mark, Script};
use super::unit::is_single;
use super::worker::{MOST_TEXT, Trouble, Worker};
use crate::base::{Failure, Kind};
use crate::plan::{Mode, Plan, Step};

/// Whether a plan can be one transaction.
///
/// # Errors
/// Names the steps that cannot be part of one.
pub fn check(plan: &Plan) -> Result<(), Failure> {
    let reason = |step: &Step| {
        let mode = step.segments.iter().map(|s| s.mode).find(|mode| *mode != Mode::Transaction);
        format!("`{}`: {}", step.changeset, mode.map_or("it has several segments, or was begun before", Mode::words))
    };
    let misfits: Vec<String> = plan.steps.iter().filter(|step| !is_single(step)).map(reason).collect();
    if misfits.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(Kind::Refused, "the plan cannot be one transaction; nothing was run")
        .help("apply these on their own first (`--select`), or use `--transaction changeset`");
    failure.notes = misfits;
    Err(failure)
}

impl Worker<'_, '_> {
    /// Runs all steps in one transaction, in the plan's order; a lock that cannot be had
    /// begins it anew.
    pub(super) async fn whole(&mut self) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            let (number, trouble) = match self.all_steps().await {
                Ok(()) => {
                    (0..self.plan.steps.len()).for_each(|number| self.step_done(number));
                    return Ok(());
                }
                Err(Trouble::Fault(fault)) => {
                    let number = fault.mark.step().min(self.plan.steps.len() - 1);
                    match self.retry(number, &mut attempt, fault).await {
                        Ok(()) => continue,
                        Err(trouble) => (number, trouble),
                    }
                }
                Err(trouble) => (0, trouble),
            };
            self.shared.close();
            return match trouble {
                Trouble::Stopped => Ok(()),
                Trouble::Lost(failure) => Err(failure),
                Trouble::Fault(fault) => {
                    let failure = self.record_failure(number, &fault).await?;
                    self.shared.failures.borrow_mut().push(failure);
                    Ok(())
                }
            };
        }
    }

    async fn all_steps(&mut self) -> Result<(), Trouble> {
        let plan = self.plan;
        let last = plan.steps.len().saturating_sub(1);
        let mut script = Script::default();
        script.push(Mark::Frame(0), "BEGIN");
        for (number, step) in plan.steps.iter().enumerate() {
            self.writer.part(&mut script, number, step);
            if script.sql.len() >= MOST_TEXT {
                self.part(&std::mem::take(&mut script)).await?;
            }
        }
        script.push(Mark::Frame(last), "COMMIT");
        self.part(&script).await
    }

    /// Sends a message, unless a stop was asked for: the server forgets a cancel that comes
    /// when it has answered one message and not got the next.
    async fn part(&mut self, script: &Script) -> Result<(), Trouble> {
        if self.shared.halt.is_requested() {
            self.undo().await?;
            return Err(Trouble::Stopped);
        }
        self.send(script).await
    }
}
