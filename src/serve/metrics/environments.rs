//! What was found when the environments were looked at.

use super::labels::{Labels, seconds};
use crate::plan::states::State;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

type Real<const N: usize> = Family<Labels<N>, Gauge<f64, AtomicU64>>;
type Whole<const N: usize> = Family<Labels<N>, Gauge>;

/// What was found of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The number of changesets per state.
    pub counts: BTreeMap<State, usize>,
    /// How long the oldest changeset that is to be applied has been there to be applied, in milliseconds; 0: there is none.
    pub oldest_pending: i64,
    /// The last recorded comparison: the number of differences, and when it was made, in milliseconds since 1970.
    pub drift: Option<(u64, i64)>,
}

/// What was found when the environments were looked at.
#[derive(Debug)]
pub struct EnvironmentMetrics {
    up: Whole<1>,
    observed_at: Real<1>,
    changesets: Whole<2>,
    oldest_pending: Real<1>,
    drift: Whole<1>,
    drift_checked: Real<1>,
    known: Mutex<BTreeSet<String>>,
}

impl EnvironmentMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self {
            up: Family::default(),
            observed_at: Family::default(),
            changesets: Family::default(),
            oldest_pending: Family::default(),
            drift: Family::default(),
            drift_checked: Family::default(),
            known: Mutex::default(),
        };
        registry.register(
            "dagmar_environment_up",
            "Whether the database of the environment answered when it was looked at last",
            this.up.clone(),
        );
        registry.register_with_unit(
            "dagmar_environment_observed_timestamp",
            "When the environment was looked at last",
            Unit::Seconds,
            this.observed_at.clone(),
        );
        registry.register("dagmar_changesets", "Changesets by their state", this.changesets.clone());
        registry.register_with_unit(
            "dagmar_oldest_pending",
            "How long the oldest changeset that is to be applied has waited: since it was applied in the environment \
             before, or since the service saw it; 0: nothing is to be applied",
            Unit::Seconds,
            this.oldest_pending.clone(),
        );
        registry.register(
            "dagmar_drift_differences",
            "Differences of the database that the last recorded comparison found",
            this.drift.clone(),
        );
        registry.register_with_unit(
            "dagmar_drift_checked_timestamp",
            "When the last recorded comparison was made",
            Unit::Seconds,
            this.drift_checked.clone(),
        );
        this
    }

    /// Takes note of what was found at this time; `None`: the database did not answer. What was found before is gone.
    pub fn observed(&self, environment: &str, at: i64, found: Option<&Observed>) {
        self.known().insert(environment.to_owned());
        self.clear(environment);
        let of = of(environment);
        self.up.get_or_create(&of).set(found.is_some().into());
        self.observed_at.get_or_create(&of).set(seconds(at));
        let Some(found) = found else { return };
        for state in State::ALL {
            let number = found.counts.get(&state).copied().unwrap_or_default();
            let labels = in_state(environment, state);
            self.changesets.get_or_create(&labels).set(i64::try_from(number).unwrap_or(i64::MAX));
        }
        self.oldest_pending.get_or_create(&of).set(seconds(found.oldest_pending));
        if let Some((differences, at)) = found.drift {
            self.drift.get_or_create(&of).set(i64::try_from(differences).unwrap_or(i64::MAX));
            self.drift_checked.get_or_create(&of).set(seconds(at));
        }
    }

    /// Forgets the environments that are not looked at any more.
    pub fn retain(&self, looked_at: &BTreeSet<String>) {
        let gone: Vec<String> = self.known().difference(looked_at).cloned().collect();
        for environment in gone {
            self.clear(&environment);
            self.up.remove(&of(&environment));
            self.observed_at.remove(&of(&environment));
            self.known().remove(&environment);
        }
    }

    fn clear(&self, environment: &str) {
        let of = of(environment);
        for state in State::ALL {
            self.changesets.remove(&in_state(environment, state));
        }
        self.oldest_pending.remove(&of);
        self.drift.remove(&of);
        self.drift_checked.remove(&of);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(environment: &str) -> Labels<1> {
    [("environment", environment.to_owned())]
}

fn in_state(environment: &str, state: State) -> Labels<2> {
    [("environment", environment.to_owned()), ("state", state.word().to_owned())]
}
