//! What runs met no failure on the source: what ran into a timeout there, or failed and was
//! tried again until it held, does so here too.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::Operation;
use crate::base::count;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let name = &source.environment;
    let (mut retries, mut wrong) = (0, Vec::new());
    for step in &evidence.plan.steps {
        let Some(trail) = source.trails.get(&step.changeset) else { continue };
        retries += trail.retries;
        if let Some(last) = trail.failures.last() {
            wrong.push(format!(
                "`{}` failed on {name} ({}): {last}",
                step.changeset,
                count(trail.failures.len(), "time")
            ));
        }
    }
    if !wrong.is_empty() {
        return Outcome::unmet(
            some(&wrong),
            "find and fix the cause; then "
                + Operation::Rollback
                + " and "
                + Operation::Apply
                + format!(" it on {name}, so that it succeeds without a failure"),
        );
    }
    match retries {
        0 => Outcome::met(format!("no failure, no lock timeout on {name}")),
        n => Outcome::met(format!("no failure on {name}; {n} lock timeouts there, tried again")),
    }
}
