//! What runs has been on the source for long enough. By the clock of the source's server: it
//! wrote the time, and it tells the time.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::{HumanDuration, time};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let (Some(source), Some(soak)) = (evidence.source, evidence.policy.soak) else { return Outcome::NotAsked };
    let name = &source.environment;
    let wanted = i64::try_from(soak.millis).unwrap_or(i64::MAX / 2);
    let (mut wrong, mut over, mut backwards) = (Vec::new(), i64::MIN, false);
    for step in &evidence.plan.steps {
        let Some(there) = source.history.changesets.get(&step.changeset) else { continue };
        // the history is what nobody can rewrite
        let since = source.trails.get(&step.changeset).and_then(|trail| trail.since).unwrap_or(there.applied_at);
        let elapsed = source.history.now - since;
        if elapsed < 0 {
            backwards = true;
            wrong.push(format!("`{}` was applied at {}, which is in the future", step.changeset, time::rfc3339(since)));
        } else if elapsed < wanted {
            over = over.max(since.saturating_add(wanted));
            let seconds = HumanDuration::secs(u64::try_from(elapsed / 1000).unwrap_or(0));
            wrong.push(format!("`{}` for {seconds} of {soak}", step.changeset));
        }
    }
    if wrong.is_empty() {
        return Outcome::met(format!("{soak} on {name} are over"));
    }
    let remedy = if backwards {
        format!("the clocks differ: correct the clock of the server of {name}")
    } else {
        format!("wait until {}", time::rfc3339(over))
    };
    Outcome::unmet(format!("on {name} {}", some(&wrong)), remedy)
}
