//! A run from its beginning to its end: the one sequence of all who ask for a run.

use super::refusal::{Attempt, recorded};
use super::{Options, Planned, Prepared, RunOutcome, RunSource, Target};
use crate::base::Failure;
use crate::pg::Stop;
use crate::plan::Direction;
use crate::run::Observer;
use std::sync::Arc;

/// Who asks for a run: what is shown, how it is confirmed, who listens.
#[expect(async_fn_in_trait, reason = "a run stays on one thread")]
pub trait Door {
    /// Hears warnings and notes before the run.
    fn listener(&mut self) -> &mut dyn Observer;

    /// Sees the plan, also if it has nothing to run.
    ///
    /// # Errors
    /// If the run ends here.
    async fn planned(&mut self, planned: &Planned<'_>) -> Result<(), Failure>;

    /// Sees the verdicts of the gates and the findings of the preflight.
    ///
    /// # Errors
    /// If the run ends here.
    async fn prepared(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure>;

    /// Confirms the run: the digest of what was seen. It is asked only if nothing refuses the run.
    ///
    /// # Errors
    /// If the run is not confirmed.
    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure>;

    /// What stops the run, from its confirmation on.
    fn stop(&mut self) -> Arc<Stop>;

    /// Hears the events of the run.
    fn observer(&mut self) -> Box<dyn Observer + '_>;

    /// Sees the result, also if there was nothing to run.
    ///
    /// # Errors
    /// If the result cannot be told.
    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure>;
}

/// Connects, compiles the plan, evaluates the gates, runs the preflight, has it confirmed and runs it. A refusal
/// is recorded in the ledger as `attempt`.
///
/// # Errors
/// The reason why nothing was run, or the failed steps.
pub async fn perform<'a, D: Door>(
    target: &'a Target,
    source: &'a RunSource<'a>,
    from: Option<Target>,
    options: &'a Options,
    attempt: Attempt<'_>,
    door: &mut D,
) -> Result<(), Failure> {
    let result = carry_out(target, source, from, options, door).await;
    recorded(result, attempt, target, door.listener()).await
}

async fn carry_out<'a, D: Door>(
    target: &'a Target,
    source: &'a RunSource<'a>,
    from: Option<Target>,
    options: &'a Options,
    door: &mut D,
) -> Result<(), Failure> {
    let planned = Planned::new(target, source, &options.overrides, from, door.listener()).await?;
    // where nothing is taken back, the ledger may be anybody's
    if planned.plan.direction == Direction::Forward {
        target.check_bound(&planned.history)?;
    }
    door.planned(&planned).await?;
    if planned.is_nothing() {
        let outcome = RunOutcome { planned, done: Vec::new(), finished: None };
        door.finished(&outcome).await?;
        return outcome.close().await;
    }
    let prepared = planned.prepare(options).await?;
    door.prepared(&prepared).await?;
    prepared.check().await?;
    let digest = door.confirm(&prepared)?;
    let stop = door.stop();
    let mut observer = door.observer();
    let outcome = prepared.confirmed(&digest).await?.run(observer.as_mut(), &stop).await?;
    drop(observer);
    door.finished(&outcome).await?;
    outcome.close().await
}
