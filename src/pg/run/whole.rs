//! All or nothing: a whole plan in one transaction.

use super::fault::StepEnd;
use super::worker::Worker;
use crate::base::Failure;
use crate::exec::message::MOST_TEXT;
use crate::exec::{Script, StatementTag};

impl Worker<'_, '_> {
    /// Runs all steps in one transaction, in the plan's order; a lock that cannot be had
    /// begins it anew.
    pub(super) async fn whole(&mut self) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            let (number, trouble) = match self.all_steps().await {
                Ok(()) => {
                    (0..self.plan.steps.len()).for_each(|number| self.step_done(number, 0));
                    return Ok(());
                }
                Err(StepEnd::Statement(fault)) => {
                    let number = fault.mark.step().unwrap_or(self.plan.steps.len() - 1);
                    match self.retry(number, &mut attempt, fault).await {
                        Ok(()) => continue,
                        Err(trouble) => (number, trouble),
                    }
                }
                Err(trouble) => (0, trouble),
            };
            self.shared.close();
            return match trouble {
                StepEnd::Stopped => Ok(()),
                StepEnd::Lost(failure) => Err(failure),
                StepEnd::Statement(fault) => {
                    let failure = self.record_failure(number, &fault).await?;
                    self.shared.failures.borrow_mut().push(failure);
                    Ok(())
                }
            };
        }
    }

    async fn all_steps(&mut self) -> Result<(), StepEnd> {
        let plan = self.plan;
        let last = plan.steps.len().saturating_sub(1);
        let mut script = Script::default();
        script.push(StatementTag::Begin(0), "BEGIN");
        for (number, step) in plan.steps.iter().enumerate() {
            self.writer.part(&mut script, number, step);
            if script.sql.len() >= MOST_TEXT {
                self.part(&std::mem::take(&mut script)).await?;
            }
        }
        script.push(StatementTag::Commit(last), "COMMIT");
        self.part(&script).await
    }

    /// Sends a message, unless a stop was asked for: the server forgets a cancel that comes
    /// when it has answered one message and not got the next.
    async fn part(&mut self, script: &Script) -> Result<(), StepEnd> {
        if self.shared.halt.is_requested() {
            self.undo().await?;
            return Err(StepEnd::Stopped);
        }
        self.send(script).await
    }
}
