//! Looks at all environments now and then, for the metrics: a scrape reads memory alone. One environment after the other
//! on a desk, with small limits of time, by reads that wait for nobody and lock nothing.

pub mod hooks;
pub mod scrape;

use super::aim::Aim;
use super::metrics::Observed;
use super::service::Service;
use crate::base::text::one_line;
use crate::base::{Failure, FailureKind, time};
use crate::ops::{now, status};
use crate::plan::states::State;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

/// How long a look at an environment may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The states of changesets that are still to be applied.
const TO_APPLY: [State; 3] = [State::Pending, State::Waiting, State::Blocked];

/// What is known of an environment from the looks before.
#[derive(Default)]
struct Known {
    /// When each changeset was applied.
    applied: BTreeMap<String, i64>,
    /// When each changeset that is still to be applied was seen first.
    seen: BTreeMap<String, i64>,
    /// Why it could not be looked at the last time.
    trouble: Option<String>,
}

/// What a look has found.
struct Look {
    counts: BTreeMap<State, usize>,
    applied: BTreeMap<String, i64>,
    to_apply: BTreeSet<String>,
    drift: Option<(u64, i64)>,
}

/// Looks every so often, until the service stops.
pub async fn watch(service: Rc<Service>) {
    let every = Duration::from_millis(service.config.observe.millis);
    if every.is_zero() {
        return;
    }
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    loop {
        let aims = service.aims_of_watch();
        let names: BTreeSet<String> = aims.iter().map(|aim| aim.environment.clone()).collect();
        known.retain(|name, _| names.contains(name));
        service.metrics.environments.retain(&names);
        for aim in aims {
            if service.is_stopping() {
                return;
            }
            observe(&service, &mut known, aim).await;
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = service.stopped() => return,
        }
    }
}

/// Looks at one environment.
async fn observe(service: &Rc<Service>, known: &mut BTreeMap<String, Known>, aim: Aim) {
    let environment = aim.environment.clone();
    let config = &aim.project.workspace().loaded.config;
    let source = config.environment(&environment).and_then(|environment| environment.promote_from.clone());
    let stopped = service.until_stopped();
    let work = move || async move {
        tokio::select! {
            looked = tokio::time::timeout(PATIENCE, look(&aim)) => looked.unwrap_or_else(|_| {
                Err(Failure::new(FailureKind::Database, "the database does not answer"))
            }),
            () = stopped => Ok(None),
        }
    };
    let looked = service.work(|| Box::pin(async move { Ok(work().await) })).await;
    // a desk that has too much to do says nothing of the environment
    let Ok(looked) = looked else { return };
    let own = known.entry(environment.clone()).or_default();
    let trouble = looked.as_ref().err().map(|failure| one_line(&failure.message));
    if trouble != own.trouble {
        match &trouble {
            Some(why) => tracing::warn!(environment, "the environment cannot be looked at: {why}"),
            None => tracing::info!(environment, "the environment can be looked at again"),
        }
        own.trouble = trouble;
    }
    match looked {
        Ok(Some(look)) => {
            let found = found(known, &environment, source.as_deref(), look);
            service.metrics.environments.observed(&environment, now(), Some(&found));
        }
        Ok(None) => {}
        Err(_) => service.metrics.environments.observed(&environment, now(), None),
    }
}

/// What there is; `None`: looking would start a private server.
async fn look(aim: &Aim) -> Result<Option<Look>, Failure> {
    let target = aim.looking()?;
    if target.is_embedded() && !aim.held.has(&aim.environment) {
        return Ok(None);
    }
    let status = status::status(&target, &mut ()).await?;
    let rows = &status.changesets;
    let is_applied = |state: State| matches!(state, State::Applied | State::Changed | State::Edited);
    let applied = rows.iter().filter(|row| is_applied(row.state));
    let applied = applied.filter_map(|row| Some((row.id.clone(), time::parse(row.applied_at.as_deref()?)?)));
    let to_apply = rows.iter().filter(|row| TO_APPLY.contains(&row.state)).map(|row| row.id.clone());
    Ok(Some(Look {
        applied: applied.collect(),
        to_apply: to_apply.collect(),
        drift: status.drift.as_ref().map(|drift| (drift.differences, now() - drift.age_ms)),
        counts: status.counts,
    }))
}

/// What a look says together with those before it.
fn found(known: &mut BTreeMap<String, Known>, environment: &str, source: Option<&str>, look: Look) -> Observed {
    let before = source.and_then(|source| known.get(source)).map(|source| source.applied.clone()).unwrap_or_default();
    let own = known.entry(environment.to_owned()).or_default();
    own.seen.retain(|id, _| look.to_apply.contains(id));
    for id in look.to_apply {
        own.seen.entry(id).or_insert_with(now);
    }
    own.applied = look.applied;
    let since = own.seen.iter().map(|(id, seen)| before.get(id).copied().unwrap_or(*seen)).min();
    let oldest_pending = since.map_or(0, |since| (now() - since).max(0));
    Observed { counts: look.counts, oldest_pending, drift: look.drift }
}
