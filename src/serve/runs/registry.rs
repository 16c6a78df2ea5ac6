//! The runs of this process: one at a time in an environment, others refused or queued.

use super::key::Repeat;
use super::order::{IfBusy, Order};
use super::state::{Live, Phase, State};
use super::thread::{self, After};
use crate::base::{Failure, FailureKind};
use crate::ops::now;
use crate::serve::metrics::Metrics;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The most orders that wait in an environment.
const QUEUE: usize = 10;

/// The most runs that are remembered in an environment, for who asks again.
const PAST: usize = 200;

/// The most of them whose lines are kept; of others the ledger has what counts.
const LOGS: usize = 5;

/// How long a run is remembered, in milliseconds.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// Starts the thread of a run.
type Start = fn(Order, Arc<Live>, After) -> Result<(), Failure>;

/// The runs of this process. Clones are the same.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    slots: Mutex<Slots>,
    /// How many runs are in progress.
    running: watch::Sender<usize>,
    start: Start,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Slots {
    environments: BTreeMap<String, Slot>,
    is_stopping: bool,
}

#[derive(Default)]
struct Slot {
    current: Option<Arc<Live>>,
    queue: VecDeque<(Order, Arc<Live>)>,
    past: VecDeque<Arc<Live>>,
}

/// An order that was taken.
pub struct Asked {
    /// The run.
    pub live: Arc<Live>,
    /// Whether it was asked for before with the same key.
    pub is_repeated: bool,
}

/// Why an order was not taken.
pub enum Turned {
    /// This run is in progress.
    Busy(Arc<Live>),
    /// Too many orders wait.
    Full,
    /// The service stops.
    Stopping,
    /// The key belongs to another request: that of this run.
    Reused(Arc<Live>),
    /// The system has no thread.
    Failed(Failure),
}

impl Registry {
    /// None yet; what they tell is counted there.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self::starting(thread::start, metrics)
    }

    fn starting(start: Start, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner { slots: Mutex::default(), running: watch::Sender::new(0), start, metrics }))
    }

    /// Takes an order: starts it, or has it wait. The run outlives who asked for it.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn ask(&self, order: Order) -> Result<Asked, Turned> {
        let mut slots = self.0.slots();
        let is_stopping = slots.is_stopping;
        let slot = slots.environments.entry(order.aim.environment.clone()).or_default();
        if let Some(live) = order.repeat.as_ref().and_then(|repeat| slot.repeated(repeat)) {
            return again(live, order.repeat.as_ref());
        }
        if is_stopping {
            return Err(Turned::Stopping);
        }
        let live = match &slot.current {
            None => {
                let live = Live::of(&order, Phase::Preparing, &self.0.metrics);
                self.0.start(slot, order, &live).map_err(Turned::Failed)?;
                live
            }
            Some(current) if order.if_busy == IfBusy::Refuse => return Err(Turned::Busy(Arc::clone(current))),
            Some(_) if slot.queue.len() >= QUEUE => return Err(Turned::Full),
            Some(_) => {
                let live = Live::of(&order, Phase::Queued, &self.0.metrics);
                tracing::info!(request = live.id, environment = live.environment, by = live.by, "run queued");
                slot.queue.push_back((order, Arc::clone(&live)));
                live
            }
        };
        self.0.count(&slots);
        Ok(Asked { live, is_repeated: false })
    }

    /// The run that was asked for before with the key of this request, if there is one.
    ///
    /// # Errors
    /// If it was asked for by another request.
    pub fn repeated(&self, environment: &str, repeat: &Repeat) -> Result<Option<Asked>, Turned> {
        let slots = self.0.slots();
        let live = slots.environments.get(environment).and_then(|slot| slot.repeated(repeat));
        live.map(|live| again(live, Some(repeat))).transpose()
    }

    /// The run in progress of an environment.
    #[must_use]
    pub fn current(&self, environment: &str) -> Option<Arc<Live>> {
        self.0.slots().environments.get(environment)?.current.clone()
    }

    /// The run of an environment with this id, which is that of its request or the one in the ledger.
    #[must_use]
    pub fn find(&self, environment: &str, id: &str) -> Option<Arc<Live>> {
        let slots = self.0.slots();
        let mut all = slots.environments.get(environment)?.all();
        all.find(|live| live.id == id || live.now().run.as_deref() == Some(id)).cloned()
    }

    /// The runs of an environment, the latest first.
    #[must_use]
    pub fn all(&self, environment: &str) -> Vec<Arc<Live>> {
        let slots = self.0.slots();
        slots.environments.get(environment).map(|slot| slot.all().cloned().collect()).unwrap_or_default()
    }

    /// Stops a run that has not begun: one that waits for its turn ends at once.
    pub fn cancel(&self, live: &Live, why: &str) {
        live.stop.request_by(why.to_owned());
        if let Some(slot) = self.0.slots().environments.get_mut(&live.environment)
            && let Some(at) = slot.queue.iter().position(|(_, queued)| queued.id == live.id)
            && let Some((_, queued)) = slot.queue.remove(at)
        {
            queued.end(Err(Failure::new(FailureKind::Interrupted, format!("{why}; nothing was run"))));
            slot.remember(queued);
        }
    }

    /// Takes no more orders and refuses those that wait. Runs in progress stop in order: the current statement is
    /// cancelled, the state is recorded.
    pub fn stop(&self) {
        self.close();
        for slot in self.0.slots().environments.values() {
            if let Some(live) = &slot.current {
                live.stop.request_by(STOPS.to_owned());
            }
        }
    }

    /// Takes no more orders and refuses those that wait. Runs in progress go on.
    pub fn close(&self) {
        let mut slots = self.0.slots();
        slots.is_stopping = true;
        for slot in slots.environments.values_mut() {
            for (_, live) in slot.queue.drain(..) {
                live.end(Err(Failure::new(FailureKind::Interrupted, format!("{STOPS}; nothing was run"))));
            }
        }
    }

    /// Tells when a run begins or ends.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<usize> {
        self.0.running.subscribe()
    }

    /// Waits until no run is in progress.
    pub async fn idle(&self) {
        let _ = self.0.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

/// A run that was asked for before, by this request or by another one.
fn again(live: Arc<Live>, repeat: Option<&Repeat>) -> Result<Asked, Turned> {
    let same = live.repeat.as_ref() == repeat;
    if same { Ok(Asked { live, is_repeated: true }) } else { Err(Turned::Reused(live)) }
}

/// Why a run does not go on.
const STOPS: &str = "the service stops";

impl Inner {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, slots: &Slots) {
        let running = slots.environments.values().filter(|slot| slot.current.is_some()).count();
        self.running.send_replace(running);
    }

    fn start(self: &Arc<Self>, slot: &mut Slot, order: Order, live: &Arc<Live>) -> Result<(), Failure> {
        let (inner, environment) = (Arc::clone(self), live.environment.clone());
        let after = Box::new(move |result| inner.ended(&environment, result));
        (self.start)(order, Arc::clone(live), after)?;
        slot.current = Some(Arc::clone(live));
        self.metrics.runs.began(&live.environment);
        Ok(())
    }

    /// The run of an environment is over: the next one begins.
    fn ended(self: &Arc<Self>, environment: &str, result: Result<(), Failure>) {
        let mut slots = self.slots();
        if let Some(slot) = slots.environments.get_mut(environment) {
            if let Some(live) = slot.current.take() {
                self.metrics.runs.ended(environment);
                // who waited for it may ask for the next one at once: that waits for the slots
                live.end(result);
                slot.remember(live);
            }
            while slot.current.is_none() {
                let Some((order, live)) = slot.queue.pop_front() else { break };
                if let Err(why) = self.start(slot, order, &live) {
                    live.end(Err(why));
                }
            }
        }
        self.count(&slots);
    }
}

impl Slot {
    /// Its runs, the latest first.
    fn all(&self) -> impl Iterator<Item = &Arc<Live>> {
        self.queue.iter().rev().map(|(_, live)| live).chain(&self.current).chain(self.past.iter().rev())
    }

    /// Keeps a run that is over.
    fn remember(&mut self, live: Arc<Live>) {
        self.past.push_back(live);
        let without_log = self.past.len().saturating_sub(LOGS);
        for old in self.past.iter().take(without_log).filter(|old| old.now().run.is_some()) {
            old.log.forget();
        }
        let oldest = now() - REMEMBERED;
        let is_old = |live: &Arc<Live>| live.now().finished_at.is_some_and(|at| at < oldest);
        while self.past.len() > PAST || self.past.front().is_some_and(is_old) {
            self.past.pop_front();
        }
    }

    /// The run that was asked for with this key. One that never began left nothing and may be asked for again.
    fn repeated(&self, repeat: &Repeat) -> Option<Arc<Live>> {
        let oldest = now() - REMEMBERED;
        let mut all = self.all();
        let same = |live: &&Arc<Live>| live.repeat.as_ref().is_some_and(|own| own.key == repeat.key);
        let counts = |state: &State| state.phase != Phase::Refused && state.finished_at.is_none_or(|at| at >= oldest);
        all.find(|live| same(live) && counts(&live.now())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::What;
    use super::*;
    use crate::base::Actor;
    use crate::ops::{Options, Project, TargetSpec};
    use crate::pg::ProcessEnv;
    use crate::serve::aim::Aim;
    use crate::serve::caller::RequestId;
    use crate::serve::held::Held;
    use std::path::Path;

    /// A run that ends when it is told to stop, as it began or not by then.
    fn until_stopped(_: Order, live: Arc<Live>, after: After) -> Result<(), Failure> {
        std::thread::spawn(move || {
            live.note(|state| state.started_at = Some(1));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(live.stop.requested());
            after(match live.stop.by() {
                Some(by) => Err(Failure::new(FailureKind::Interrupted, by)),
                None => Ok(()),
            });
        });
        Ok(())
    }

    fn order(environment: &str, if_busy: IfBusy, repeat: Option<(&str, &str)>) -> Order {
        let project = Project::open(Path::new(env!("CARGO_MANIFEST_DIR")), ProcessEnv::of_process()).unwrap();
        Order {
            id: RequestId::new().unwrap(),
            what: What::Apply { select: Vec::new() },
            options: Options::default(),
            digest: None,
            if_busy,
            wording: |_| String::new(),
            aim: Aim {
                project,
                environment: environment.to_owned(),
                is_default: true,
                spec: TargetSpec::default(),
                actor: Actor::new("anna", "here"),
                held: Held::default(),
            },
            repeat: repeat.map(|(key, body)| Repeat::of("anna", environment, key, "migrate", body.as_bytes())),
        }
    }

    fn ended(live: &Live) -> Phase {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live.ended_within(std::time::Duration::from_secs(60))).phase
    }

    fn taken(registry: &Registry, order: Order) -> Asked {
        registry.ask(order).ok().unwrap()
    }

    #[test]
    fn one_runs_and_others_are_refused_or_wait() {
        let registry = Registry::starting(until_stopped, Metrics::new());
        let first = taken(&registry, order("a", IfBusy::Refuse, None)).live;
        assert_eq!(registry.current("a").unwrap().id, first.id);
        assert!(
            matches!(registry.ask(order("a", IfBusy::Refuse, None)), Err(Turned::Busy(live)) if live.id == first.id)
        );
        let waiting: Vec<_> = (0..QUEUE).map(|_| taken(&registry, order("a", IfBusy::Queue, None)).live).collect();
        assert!(waiting.iter().all(|live| live.phase() == Phase::Queued));
        assert!(matches!(registry.ask(order("a", IfBusy::Queue, None)), Err(Turned::Full)));
        // another environment is another matter
        let other = taken(&registry, order("b", IfBusy::Refuse, None)).live;
        first.stop.request();
        assert_eq!(ended(&first), Phase::Done);
        assert_eq!(registry.current("a").unwrap().id, waiting[0].id, "the first that waited is the next");
        waiting[0].stop.request();
        assert_eq!(ended(&waiting[0]), Phase::Done);
        // the end of the service
        registry.stop();
        assert_eq!([&waiting[1], &other].map(|live| ended(live)), [Phase::Interrupted; 2]);
        for live in &waiting[2..] {
            assert_eq!(ended(live), Phase::Refused);
            assert_eq!(live.now().failure.unwrap().message, "the service stops; nothing was run");
        }
        assert!(matches!(registry.ask(order("c", IfBusy::Queue, None)), Err(Turned::Stopping)));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(registry.idle());
        assert!(registry.current("a").is_none() && registry.current("b").is_none());
    }

    #[test]
    fn who_closes_lets_runs_go_on() {
        let registry = Registry::starting(until_stopped, Metrics::new());
        let (first, waits) =
            (taken(&registry, order("a", IfBusy::Refuse, None)), taken(&registry, order("a", IfBusy::Queue, None)));
        registry.close();
        assert_eq!((first.live.phase().is_over(), ended(&waits.live)), (false, Phase::Refused));
        first.live.stop.request();
        assert_eq!(ended(&first.live), Phase::Done);
    }

    #[test]
    fn a_request_that_comes_again_is_the_same_run() {
        let registry = Registry::starting(until_stopped, Metrics::new());
        let first = taken(&registry, order("a", IfBusy::Refuse, Some(("k", "{}")))).live;
        let same = || {
            let again = taken(&registry, order("a", IfBusy::Refuse, Some(("k", "{}"))));
            assert!(again.is_repeated && again.live.id == first.id);
        };
        same();
        let other = registry.ask(order("a", IfBusy::Queue, Some(("k", "{ }"))));
        assert!(matches!(other, Err(Turned::Reused(live)) if live.id == first.id));
        first.stop.request();
        assert_eq!(ended(&first), Phase::Done);
        same();
        // elsewhere the key is another one
        assert!(!taken(&registry, order("b", IfBusy::Refuse, Some(("k", "{}")))).is_repeated);
        // after a day nobody remembers
        first.note(|state| state.finished_at = Some(now() - REMEMBERED - 1));
        let next = taken(&registry, order("a", IfBusy::Refuse, Some(("k", "{}"))));
        assert!(!next.is_repeated && next.live.id != first.id);
        // what never began may be asked for again
        let queued = taken(&registry, order("a", IfBusy::Queue, Some(("q", "{}")))).live;
        queued.end(Err(Failure::new(FailureKind::Refused, "a gate is not met")));
        assert_eq!(queued.phase(), Phase::Refused);
        assert!(!taken(&registry, order("a", IfBusy::Queue, Some(("q", "{}")))).is_repeated);
        registry.stop();
    }
}
