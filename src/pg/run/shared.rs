//! What the connections of one run have in common.

use super::job::{FailedStep, Job, OnFailure};
use super::ready::Ready;
use crate::base::Secrets;
use crate::exec::schedule::{Next, Schedule};
use crate::exec::{Writer, is_single};
use crate::pg::stop::Stop;
use crate::plan::Plan;
use crate::run::{Event, Observer};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use tokio::sync::Notify;

/// A step that is committed and not told: the first one has the number 0.
struct Committed {
    number: usize,
    step: usize,
    took_ms: Option<u64>,
}

/// What was sent to a session, by its process: steps by their positions in the plan. The
/// server keeps its answers to itself until it has many or is done, so that which of them it
/// runs is seen only in `pg_stat_activity`.
pub(super) type Busy = BTreeMap<i32, Vec<usize>>;

/// The state of a run; one task works on it, so that a borrow never meets another.
pub(super) struct Shared<'a> {
    pub(super) plan: &'a Plan,
    pub(super) writer: Writer,
    /// The epoch of the lock that this run holds.
    pub(super) epoch: i64,
    /// The values of the secret variables, filled in when SQL is sent.
    pub(super) secrets: Secrets,
    /// The `search_path` that authors wrote their SQL for.
    pub(super) author_path: String,
    observer: RefCell<&'a mut dyn Observer>,
    /// Asks all connections to cancel what they run.
    pub(super) halt: Stop,
    schedule: RefCell<Schedule>,
    /// A step is done, or nothing more is begun.
    pub(super) changed: Notify,
    /// There is work for one more connection.
    pub(super) more: Notify,
    on_failure: OnFailure,
    /// What each session runs, by its process.
    pub(super) sessions: RefCell<Busy>,
    announced: RefCell<Vec<bool>>,
    /// How many steps are committed.
    committed: Cell<usize>,
    unsettled: RefCell<Vec<Committed>>,
    /// The steps that are done, as they came to their end.
    pub(super) done: RefCell<Vec<usize>>,
    pub(super) failures: RefCell<Vec<FailedStep>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        ready: &'a Ready<'_>,
        job: &Job<'a>,
        writer: Writer,
        author_path: String,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let plan = ready.plan();
        Self {
            plan,
            writer,
            epoch: ready.lock().epoch,
            secrets: job.secrets.clone(),
            author_path,
            observer: RefCell::new(observer),
            halt: Stop::default(),
            schedule: RefCell::new(Schedule::new(plan, job.jobs)),
            changed: Notify::new(),
            more: Notify::new(),
            on_failure: job.on_failure,
            sessions: RefCell::default(),
            announced: RefCell::new(vec![false; plan.steps.len()]),
            committed: Cell::default(),
            unsettled: RefCell::default(),
            done: RefCell::default(),
            failures: RefCell::default(),
        }
    }

    pub(super) fn tell(&self, event: &Event) {
        self.observer.borrow_mut().on(event);
    }

    /// A session has been sent these steps.
    pub(super) fn busy(&self, pid: i32, steps: &[usize]) {
        self.sessions.borrow_mut().insert(pid, steps.to_vec());
    }

    /// A session has answered.
    pub(super) fn idle(&self, pid: i32) {
        self.sessions.borrow_mut().remove(&pid);
    }

    /// Tells, once, that a step has begun.
    pub(super) fn announce(&self, number: usize) {
        if std::mem::replace(&mut self.announced.borrow_mut()[number], true) {
            return;
        }
        let step = &self.plan.steps[number];
        self.tell(&Event::StepStarted {
            changeset: step.changeset.clone(),
            direction: step.direction,
            number: number + 1,
            of: self.plan.steps.len(),
        });
    }

    pub(super) fn take(&self) -> Next {
        let mut schedule = self.schedule.borrow_mut();
        let next = schedule.take(|step| is_single(&self.plan.steps[step]));
        if schedule.has_ready() {
            self.more.notify_one();
        }
        next
    }

    /// Notes a step as committed; false when it was noted before.
    pub(super) fn step_committed(&self, number: usize, took_ms: Option<u64>) -> bool {
        let mut schedule = self.schedule.borrow_mut();
        if schedule.is_done(number) {
            return false;
        }
        schedule.done(number);
        let of_all = self.committed.replace(self.committed.get() + 1);
        self.unsettled.borrow_mut().push(Committed { number: of_all, step: number, took_ms });
        self.changed.notify_waiters();
        if schedule.has_ready() {
            self.more.notify_one();
        }
        true
    }

    /// How many steps are committed.
    pub(super) fn committed_steps(&self) -> usize {
        self.committed.get()
    }

    /// Tells of the steps that a COMMIT has waited for: the first so many that were committed, and
    /// these.
    pub(super) fn settle(&self, first: usize, and: &[usize]) {
        let is_settled = |it: &mut Committed| it.number < first || and.contains(&it.step);
        let settled: Vec<Committed> = self.unsettled.borrow_mut().extract_if(.., is_settled).collect();
        for Committed { step, took_ms, .. } in settled {
            self.announce(step);
            self.done.borrow_mut().push(step);
            let step = &self.plan.steps[step];
            self.tell(&Event::StepDone { changeset: step.changeset.clone(), direction: step.direction, took_ms });
        }
    }

    pub(super) fn is_done(&self, number: usize) -> bool {
        self.schedule.borrow().is_done(number)
    }

    /// Waits until nothing is left to be begun.
    pub(super) async fn over(&self) {
        while !self.schedule.borrow().is_over() {
            self.changed.notified().await;
        }
    }

    /// Nothing new is begun.
    pub(super) fn close(&self) {
        self.schedule.borrow_mut().close();
        self.changed.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.schedule.borrow().is_closed()
    }

    /// A step has failed: what happens to the others is as the user said.
    pub(super) fn failed(&self) {
        self.close();
        if self.on_failure == OnFailure::Stop {
            self.halt.request();
        }
    }
}
