//! What runs is what the source has, to the letter.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::count;
use crate::base::{Operation, Remedy};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let name = &source.environment;
    let mut wrong: Vec<String> = evidence.differing.iter().map(|d| format!("`{}`: {}", d.changeset, d.what)).collect();
    let mut same = 0;
    for step in &evidence.plan.steps {
        match source.history.changesets.get(&step.changeset) {
            Some(there) if there.checksum == step.checksum && there.status.satisfies() => same += 1,
            // said already, or never to be had from there
            _ if evidence.differing.iter().any(|d| d.changeset == step.changeset) => {}
            None if source.never_gets.contains(&step.changeset) => {}
            _ => wrong.push(format!("`{}` is not on {name} as it is here", step.changeset)),
        }
    }
    if wrong.is_empty() {
        let never = evidence.plan.steps.len() - same;
        let but = if never > 0 { format!("; {} is not for {name}", count(never, "changeset")) } else { String::new() };
        return Outcome::met(format!("{} as on {name}{but}", count(same, "changeset")));
    }
    Outcome::unmet(
        some(&wrong),
        Remedy::from(format!("revert the edits, or apply the new version on {name} first: "))
            + Operation::Rollback
            + " and "
            + Operation::Apply
            + " there",
    )
}
