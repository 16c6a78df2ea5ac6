//! A confirmed run: under the lock, with everything read and asked again.

use super::gates::Gates;
use super::prepare::{Confirmed, Options, Planned, Prepared};
use super::run::{execute, lock, run_hooks, verdict};
use super::{Target, preflight};
use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Operation};
use crate::history::{History, RecordedStatus};
use crate::pg::lock::Lock;
use crate::pg::lock::lost::{is_lost, taken_over};
use crate::pg::run::ready::{Clearance, UnderLock};
use crate::pg::run::{Finished, RunStatus};
use crate::pg::{Database, Stop};
use crate::plan::{Direction, Plan, decide, secrets};
use crate::run::{Event, Observer};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Connections that may be lost one after the other without anything done in between: what
/// brings a server down is not to be sent to it for ever.
const LOSSES: u32 = 2;

/// A server that restarts is waited for at least so long.
const RETURN: Duration = Duration::from_secs(30);

/// The result of a run.
pub struct RunOutcome<'a> {
    /// The database, its gates, and the final plan.
    pub planned: Planned<'a>,
    /// The changesets that were run, in order.
    pub done: Vec<String>,
    /// The result of the run; absent if there was nothing to run.
    pub finished: Option<Finished>,
}

impl RunOutcome<'_> {
    /// The status of the run.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.finished.as_ref().map_or(RunStatus::Done, |finished| finished.status)
    }

    /// Closes the connections.
    ///
    /// # Errors
    /// The failed steps, or the user who stopped the run.
    pub async fn close(self) -> Result<(), Failure> {
        self.planned.close().await?;
        self.finished.map_or(Ok(()), |finished| verdict(&finished))
    }
}

impl<'a> Confirmed<'a> {
    /// Runs the plan. `observer` receives the events; `stop` can stop the run from any thread.
    ///
    /// # Errors
    /// If the plan can no longer run according to the ledger, or if the ledger cannot be written. A failed step
    /// is in the outcome.
    pub async fn run(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<RunOutcome<'a>, Failure> {
        let Prepared { planned: Planned { target, db, gates, history, plan }, options, .. } = self.0;
        let shown = plan.steps.iter().map(|step| step.changeset.clone()).collect();
        let mut course = Execution {
            target,
            options,
            db,
            gates,
            history,
            plan: Arc::new(plan),
            shown,
            done: Vec::new(),
            losses: 0,
            epoch: None,
            clearance: Clearance::default(),
            has_begun: false,
        };
        let finished = loop {
            match course.attempt(observer, stop).await {
                Ok(finished) => break finished,
                Err(why) => course.reconnect(why, observer, stop).await?,
            }
        };
        course.finish(finished).await
    }
}

/// A run that may survive the loss of its connection.
struct Execution<'a> {
    target: &'a Target,
    options: &'a Options,
    db: Database,
    gates: Gates<'a>,
    history: History,
    plan: Arc<Plan>,
    /// The changesets of the plan that was confirmed.
    shown: HashSet<String>,
    /// What was done before a connection was lost.
    done: Vec<String>,
    /// Connections lost since something was done.
    losses: u32,
    /// The epoch of the last lock.
    epoch: Option<i64>,
    /// Whether the gates were met under the lock, and the hooks have run.
    clearance: Clearance,
    /// Whether a statement of the plan may have run.
    has_begun: bool,
}

impl<'a> Execution<'a> {
    /// Takes the lock, looks at what is to be run now, and runs it.
    async fn attempt(&mut self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<Option<Finished>, Failure> {
        let lock = lock(self.target, &mut self.db, self.options.run.lock_wait, self.epoch, observer, stop).await?;
        let finished = self.under(&lock, observer, stop).await;
        match finished {
            // a run that was cut off has no lock to give back
            Err(why) if why.kind == FailureKind::Database || why.kind == FailureKind::Locked => Err(why),
            finished => {
                let released = lock.release().await;
                let finished = finished?;
                released.map(|()| finished)
            }
        }
    }

    /// What is done under the lock.
    async fn under(
        &mut self,
        lock: &Lock,
        observer: &mut dyn Observer,
        stop: &Arc<Stop>,
    ) -> Result<Option<Finished>, Failure> {
        if self.epoch.replace(lock.epoch).is_some_and(|before| lock.epoch != before + 1) {
            return Err(taken_over(None));
        }
        // a dump may have been restored meanwhile; another run may have come first, or a lost answer
        // have been a yes: the ledger knows
        let now = UnderLock::read(lock, &self.db).await?;
        self.target.check_bound(now.history())?;
        self.compile_again(now.history()).await?;
        if self.plan.is_empty() {
            return Ok(None);
        }
        let kind = self.gates.kind();
        let plan = Arc::clone(&self.plan);
        let ready = if self.clearance.is_complete() {
            now.resumed(plan, &self.clearance)?
        } else if !self.gates.hold() {
            now.way_back(plan)?
        } else {
            // time has passed since they were asked, and the source may have moved
            let judgement = self.gates.judge(&self.db, &plan).await?;
            self.gates.refuse(&judgement, &self.db, &plan, kind.word()).await?;
            self.gates.note(&judgement, &self.db, &plan, Some(&lock.run), kind.word()).await?;
            secrets::check(&plan, &self.target.secrets)?;
            let judged = now.judged(plan, &judgement.verdicts, &mut self.clearance)?;
            run_hooks(self.target, &mut self.db, kind, judged, &mut self.clearance, observer, stop).await?
        };
        if let (Some(release), false) = (self.gates.release(), self.plan.steps.is_empty()) {
            release.note(self.target, &self.db, lock).await?;
        }
        self.has_begun = true;
        execute(self.target, &mut self.db, &ready, &self.options.run, kind, observer, stop).await.map(Some)
    }

    /// Compiles once more from what the ledger says now. Nothing runs that was not shown.
    async fn compile_again(&mut self, now: &History) -> Result<(), Failure> {
        let moved = now.changesets != self.history.changesets;
        match self.plan.direction {
            Direction::Rollback if moved => {
                return Err(Failure::new(
                    FailureKind::Drift,
                    "another run changed the database after the plan was shown",
                )
                .help("run the command again and check the new plan"));
            }
            Direction::Rollback => return Ok(()),
            // what the attic has is not in the history
            Direction::Purge | Direction::Restore => {
                let next = self.gates.compile(&self.db, now).await?;
                if statements(&next) != statements(&self.plan) {
                    return Err(Failure::new(
                        FailureKind::Drift,
                        "the attic changed after the plan was shown; nothing was run",
                    )
                    .help("run the command again and check the new plan"));
                }
                return Ok(());
            }
            Direction::Forward => {}
        }
        // a source may have moved; a sealed plan may be rejected, expired or changed
        if !moved && (!self.gates.is_bound() || self.clearance.is_complete()) {
            return Ok(());
        }
        let next = self.gates.compile(&self.db, now).await?;
        if let Some(unseen) = next.steps.iter().find(|step| !self.shown.contains(&step.changeset)) {
            return Err(Failure::new(
                FailureKind::Drift,
                format!("`{}` is pending now and was not when the plan was shown", unseen.changeset),
            )
            .note("another run rolled it back in between; nothing was run")
            .help("run the command again and check the new plan"));
        }
        if self.losses > 0 {
            let before = self.plan.steps.iter().map(|s| &s.changeset);
            let done = before.filter(|id| !next.steps.iter().any(|s| s.changeset == **id));
            self.done.extend(done.filter(|id| now.status(id) == Some(RecordedStatus::Applied)).cloned());
        }
        (self.plan, self.history) = (Arc::new(next), now.clone());
        if moved {
            self.losses = 0;
        }
        if moved && !self.options.skip_preflight && !self.plan.steps.is_empty() {
            preflight::refusal(&preflight::preflight(self.target, &self.db, &self.plan).await?.findings)?;
        }
        Ok(())
    }

    /// Connects again where the connection is why it failed.
    async fn reconnect(&mut self, why: Failure, observer: &mut dyn Observer, stop: &Stop) -> Result<(), Failure> {
        if self.plan.direction != Direction::Forward {
            return Err(self.unsettled(why).await);
        }
        self.losses += 1;
        let may_pass = matches!(why.kind, FailureKind::Database | FailureKind::Locked) && self.losses <= LOSSES;
        if !may_pass || !(is_lost(&why) || self.db.is_gone().await) {
            return Err(why);
        }
        stop.recover();
        observer.on(&Event::Waiting { message: format!("{}; connecting again", why.message) });
        let wait = self.target.wait().max(RETURN);
        tokio::select! {
            connected = self.db.reconnect(wait) => connected.map_err(|failure| Failure {
                notes: [vec![failure.message.into()], failure.notes, why.notes.clone()].concat(),
                ..why
            }),
            () = stop.requested() => Err(why),
        }
    }

    /// A run that was cut off, and does not go on by itself: what it had done is known to the ledger
    /// alone, and `--last-run` and its like may mean something else by then.
    async fn unsettled(&self, why: Failure) -> Failure {
        if !self.has_begun || why.kind != FailureKind::Locked && !self.db.is_gone().await {
            return why;
        }
        if self.plan.direction != Direction::Rollback {
            return why.help("run the command again: it continues with the remaining steps");
        }
        let ids: Vec<&str> = self.plan.steps.iter().map(|s| s.changeset.as_str()).collect();
        why.note(format!("to be rolled back: {}", ids.join(", "))).help(
            Operation::Status
                + " shows which of them are still applied: "
                + Operation::Rollback.on(Argument::Open)
                + " rolls those back",
        )
    }

    /// What is known in the end.
    async fn finish(mut self, finished: Option<Finished>) -> Result<RunOutcome<'a>, Failure> {
        if let (Some(view), false) = (self.gates.view(), self.plan.waiting.is_empty()) {
            // what it waits for may have been applied just now: until when is known only since
            let history = self.db.history().await?;
            let now = decide(&view.changelog, &view.graph, &history, &self.target.environment, None);
            for waiting in &mut Arc::make_mut(&mut self.plan).waiting {
                if let Some(known) = now.waiting.iter().find(|w| w.changeset == waiting.changeset) {
                    waiting.until.clone_from(&known.until);
                }
            }
        }
        let Self { target, db, gates, history, plan, mut done, .. } = self;
        done.extend(finished.iter().flat_map(|finished| finished.done.iter().cloned()));
        Ok(RunOutcome {
            planned: Planned { target, db, gates, history, plan: Arc::unwrap_or_clone(plan) },
            done,
            finished,
        })
    }
}

/// The SQL of a plan.
fn statements(plan: &Plan) -> Vec<&str> {
    let statements = plan.steps.iter().flat_map(|s| &s.segments).flat_map(|s| &s.statements);
    statements.map(|s| s.sql.as_str()).collect()
}
