//! What runs of this process tell.

use super::labels::{Labels, seconds};
use crate::history::RunKind;
use crate::plan::Direction;
use crate::run::Event;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

type Counted<const N: usize> = Family<Labels<N>, Counter>;
type Measured<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// Seconds of runs and steps: from a tenth of a second to some hours.
const DURATIONS: [f64; 12] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0];

/// The most SQLSTATEs that have a series of their own: a function may raise any.
const SQLSTATES: usize = 100;

/// What runs of this process tell.
#[derive(Debug)]
pub struct RunMetrics {
    runs: Counted<3>,
    in_progress: Family<Labels<1>, Gauge>,
    duration: Measured<2>,
    steps: Counted<3>,
    step_duration: Measured<2>,
    step_failures: Counted<2>,
    retries: Counted<1>,
    lock_waits: Measured<1>,
    sqlstates: Mutex<BTreeSet<String>>,
}

/// What a run has under way.
#[derive(Debug, Default)]
pub struct Course {
    steps: BTreeMap<String, Instant>,
    waits: BTreeMap<String, Instant>,
}

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

impl RunMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self {
            runs: Family::default(),
            in_progress: Family::default(),
            duration: Family::new_with_constructor(durations),
            steps: Family::default(),
            step_duration: Family::new_with_constructor(durations),
            step_failures: Family::default(),
            retries: Family::default(),
            lock_waits: Family::new_with_constructor(durations),
            sqlstates: Mutex::default(),
        };
        registry.register(
            "dagmar_runs",
            "Runs that this service was asked for and that are over; refused: nothing was run",
            this.runs.clone(),
        );
        registry.register("dagmar_runs_in_progress", "Runs of this service in progress", this.in_progress.clone());
        registry.register_with_unit(
            "dagmar_run_duration",
            "How long runs of this service took that began",
            Unit::Seconds,
            this.duration.clone(),
        );
        registry.register("dagmar_steps", "Steps of runs of this service that are over", this.steps.clone());
        registry.register_with_unit(
            "dagmar_step_duration",
            "How long steps took that are done",
            Unit::Seconds,
            this.step_duration.clone(),
        );
        registry.register(
            "dagmar_step_failures",
            "Failed steps by their SQLSTATE; none: the error is not from the server",
            this.step_failures.clone(),
        );
        registry.register("dagmar_step_retries", "Transactions that were tried again", this.retries.clone());
        registry.register_with_unit(
            "dagmar_lock_wait",
            "How long steps waited for locks of other sessions, from when it was seen: waits of some seconds are",
            Unit::Seconds,
            this.lock_waits.clone(),
        );
        this
    }

    /// A run is in progress.
    pub fn began(&self, environment: &str) {
        self.in_progress.get_or_create(&of(environment)).inc();
    }

    /// It is in progress no more.
    pub fn ended(&self, environment: &str) {
        self.in_progress.get_or_create(&of(environment)).dec();
    }

    /// A run is over, also one that never was in progress; how long it took, in milliseconds, if it began.
    pub fn over(&self, environment: &str, kind: RunKind, status: &str, took: Option<i64>) {
        let kind = ("kind", kind.word().to_owned());
        let [of] = of(environment);
        self.runs.get_or_create(&[of.clone(), kind.clone(), ("status", status.to_owned())]).inc();
        if let Some(took) = took {
            self.duration.get_or_create(&[of, kind]).observe(seconds(took.max(0)));
        }
    }

    /// A run tells something.
    pub fn hear(&self, environment: &str, course: &mut Course, event: &Event) {
        match event {
            Event::StepStarted { changeset, .. } => {
                course.steps.insert(changeset.clone(), Instant::now());
            }
            Event::Blocked { changeset, .. } => {
                course.waits.entry(changeset.clone()).or_insert_with(Instant::now);
            }
            Event::Retry { changeset, .. } => {
                self.waited(environment, course, changeset);
                self.retries.get_or_create(&of(environment)).inc();
            }
            Event::StepDone { changeset, direction, .. } => {
                self.waited(environment, course, changeset);
                let [of] = of(environment);
                if let Some(began) = course.steps.remove(changeset) {
                    let labels = [of.clone(), ("direction", word(*direction).to_owned())];
                    self.step_duration.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
                }
                self.step(of, *direction, "done");
            }
            Event::StepFailed { changeset, direction, error, .. } => {
                self.waited(environment, course, changeset);
                course.steps.remove(changeset);
                let [of] = of(environment);
                self.step(of.clone(), *direction, "failed");
                self.step_failures.get_or_create(&[of, ("sqlstate", self.sqlstate(&error.sqlstate))]).inc();
            }
            Event::SegmentStarted { changeset, .. }
            | Event::SegmentDone { changeset, .. }
            | Event::BatchDone { changeset, .. }
            | Event::IndexProgress { changeset, .. } => self.waited(environment, course, changeset),
            _ => {}
        }
    }

    /// A step that waited for a lock goes on.
    fn waited(&self, environment: &str, course: &mut Course, changeset: &str) {
        if let Some(since) = course.waits.remove(changeset) {
            self.lock_waits.get_or_create(&of(environment)).observe(since.elapsed().as_secs_f64());
        }
    }

    fn step(&self, of: (&'static str, String), direction: Direction, status: &str) {
        let labels = [of, ("direction", word(direction).to_owned()), ("status", status.to_owned())];
        self.steps.get_or_create(&labels).inc();
    }

    /// The SQLSTATE as a label.
    fn sqlstate(&self, state: &str) -> String {
        if state.is_empty() {
            return "none".to_owned();
        }
        let is_state = state.len() == 5 && state.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let mut known = self.sqlstates.lock().unwrap_or_else(PoisonError::into_inner);
        if is_state && (known.contains(state) || known.len() < SQLSTATES) {
            known.insert(state.to_owned());
            return state.to_owned();
        }
        "other".to_owned()
    }
}

fn of(environment: &str) -> Labels<1> {
    [("environment", environment.to_owned())]
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Rollback => "rollback",
        Direction::Purge => "purge",
        Direction::Restore => "restore",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_have_a_limit() {
        let metrics = RunMetrics::new(&mut Registry::default());
        let state = |text: &str| metrics.sqlstate(text);
        assert_eq!((state(""), state("23505"), state("235\n5")), ("none".into(), "23505".into(), "other".into()));
        for n in 0..SQLSTATES {
            state(&format!("X{n:04}"));
        }
        assert_eq!((state("Z0000"), state("23505"), state("X0001")), ("other".into(), "23505".into(), "X0001".into()));
    }
}
