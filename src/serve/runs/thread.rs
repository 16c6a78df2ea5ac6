//! The thread of a run: one runtime for one order, as the command line has it.

use super::listener::Writer;
use super::order::{Order, What};
use super::state::{Live, Phase};
use crate::base::text::one_line;
use crate::base::{Failure, FailureKind};
use crate::ops::lines::{ApplySummary, End, GatesLine, RollbackSummary, RunEvent, Stamped};
use crate::ops::perform::{Door, perform};
use crate::ops::refusal::Attempt;
use crate::ops::run::RunOptions;
use crate::ops::{Options, Planned, Prepared, RunOutcome, RunSource, Target, now, plans, promotion};
use crate::pg::Stop;
use crate::plan::Direction;
use crate::run::Observer;
use crate::serve::aim::Aim;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The stack of a run: deep expressions in SQL are parsed there.
const STACK: usize = 8 << 20;

/// What is done when a run is over, with its result.
pub type After = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// Starts the thread; `after` is called at its end, whatever came of the run.
///
/// # Errors
/// If the system has no thread.
pub fn start(order: Order, live: Arc<Live>, after: After) -> Result<(), Failure> {
    let thread = std::thread::Builder::new().name(format!("run-{}", live.environment)).stack_size(STACK);
    let work = move || {
        let Live { id, environment, kind, by, .. } = live.as_ref();
        tracing::info!(request = id, environment, kind = kind.word(), by, "run asked for");
        // a mistake of ours in one run must not keep the environment from its next one
        let result = catch_unwind(AssertUnwindSafe(|| block_on(carry_out(&order, &live))));
        after(result.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::Internal, "the run ended because of an internal error of dagmar")
                .note("the ledger has what was done"))
        }));
        let state = live.now();
        let why = state.failure.as_ref().map(|failure| one_line(&failure.message));
        tracing::info!(
            request = id,
            environment,
            run = state.run,
            phase = state.phase.word(),
            changesets = state.done.len(),
            why,
            "run over"
        );
    };
    let failed = |e| Failure::new(FailureKind::Internal, format!("cannot start a thread: {e}"));
    thread.spawn(work).map(drop).map_err(failed)
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot start the runtime: {e}")))?
        .block_on(work)
}

async fn carry_out(order: &Order, live: &Arc<Live>) -> Result<(), Failure> {
    live.note(|state| state.phase = Phase::Preparing);
    let target = order.aim.target().await?;
    let (source, from) = sources(&order.what, &order.aim, &target).await?;
    let run = RunOptions { lock_wait: order.if_busy.lock_wait(), ..order.options.run.clone() };
    let options = Options { run, ..order.options.clone() };
    let attempt = Attempt { operation: order.what.kind().word(), plan: order.what.plan() };
    let mut course = Course { order, live: Arc::clone(live), listener: Writer::of(live), missing: Vec::new() };
    perform(&target, &source, from, &options, attempt, &mut course).await
}

/// From what a run is made, and the source environment of a promotion.
///
/// # Errors
/// Problems in the files, selectors that match nothing, an environment that is no source.
pub async fn sources<'t>(
    what: &What,
    aim: &Aim,
    target: &'t Target,
) -> Result<(RunSource<'t>, Option<Target>), Failure> {
    Ok(match what {
        What::Apply { select } => (RunSource::files(target, select)?, None),
        What::Promote { from, select } => {
            let from = promotion::source(target, from.as_deref())?;
            aim.held.hold(&from).await?;
            (RunSource::files(target, select)?, Some(from))
        }
        What::Sealed { digest, promote, from, check_render } => {
            let sealed = plans::open(target, digest, &mut ()).await?;
            let from = match promote {
                true => Some(promotion::source(target, from.as_deref())?),
                false => None,
            };
            if let Some(from) = &from {
                aim.held.hold(from).await?;
            }
            (RunSource::sealed(target, sealed, *check_render)?, from)
        }
        What::Rollback { which, cascade } => (RunSource::Rollback { which: which.clone(), cascade: *cascade }, None),
    })
}

/// The run as the service carries it out: nobody is asked.
struct Course<'o> {
    order: &'o Order,
    live: Arc<Live>,
    listener: Writer,
    /// Applied changesets that are in no file.
    missing: Vec<String>,
}

impl Course<'_> {
    /// Refuses to go on where the service stops.
    fn check(&self) -> Result<(), Failure> {
        if !self.live.stop.is_requested() {
            return Ok(());
        }
        let by = self.live.stop.by().unwrap_or("the run was stopped");
        Err(Failure::new(FailureKind::Interrupted, format!("{by}; nothing was run")))
    }
}

impl Door for Course<'_> {
    fn listener(&mut self) -> &mut dyn Observer {
        &mut self.listener
    }

    async fn planned(&mut self, planned: &Planned<'_>) -> Result<(), Failure> {
        for problem in planned.exposed_passwords().iter() {
            tracing::warn!(
                request = self.live.id,
                environment = self.live.environment,
                "{}",
                one_line(&problem.message)
            );
        }
        self.missing = planned.missing();
        self.live.note(|state| {
            state.phase = Phase::Preparing;
            state.waits_for = None;
            state.planned = Some(planned.plan.steps.iter().map(|step| step.changeset.clone()).collect());
        });
        self.check()
    }

    async fn prepared(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        if prepared.planned().gates.source().is_some() {
            let about = prepared.planned().about().await;
            let gates = GatesLine::of(prepared, &about, self.order.wording);
            self.live.log.push(&Stamped::new(now(), gates));
        }
        if prepared.gates_are_met() && !prepared.findings().is_empty() {
            let findings = RunEvent::preflight(prepared.findings(), self.order.wording);
            self.live.log.push(&Stamped::new(now(), findings));
        }
        self.check()
    }

    fn confirm(&mut self, prepared: &Prepared<'_>) -> Result<String, Failure> {
        let digest = prepared.digest();
        let seen = self.order.digest.clone().unwrap_or_else(|| digest.clone());
        self.live.note(|state| state.digest = Some(digest));
        Ok(seen)
    }

    fn stop(&mut self) -> Arc<Stop> {
        Arc::clone(&self.live.stop)
    }

    fn observer(&mut self) -> Box<dyn Observer + '_> {
        Box::new(Writer::of(&self.live))
    }

    async fn finished(&mut self, outcome: &RunOutcome<'_>) -> Result<(), Failure> {
        let RunOutcome { planned, done, finished } = outcome;
        let (status, environment) = (outcome.status(), planned.plan.environment.as_str());
        match planned.plan.direction {
            Direction::Rollback => {
                let summary = RollbackSummary { status, environment, rolled_back: done };
                self.live.log.push(&Stamped::new(now(), End::Summary(summary)));
            }
            Direction::Forward | Direction::Purge | Direction::Restore => {
                let summary = ApplySummary::of(outcome, &self.missing);
                self.live.log.push(&Stamped::new(now(), End::Summary(summary)));
            }
        }
        self.live.note(|state| {
            state.done.clone_from(done);
            state.waiting.clone_from(&planned.plan.waiting);
            state.blocked.clone_from(&planned.plan.blocked);
            state.failed = finished.iter().flat_map(|finished| finished.failed.iter().cloned()).collect();
        });
        Ok(())
    }
}
