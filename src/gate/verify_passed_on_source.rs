//! The checks of what runs were asked on the source, and held: they are part of what applies
//! a changeset, so that only marks by hand go past them.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::count;
use crate::base::{Operation, Remedy};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let name = &source.environment;
    let (mut checks, mut wrong) = (0, Vec::new());
    for step in &evidence.plan.steps {
        if source.never_gets.contains(&step.changeset) {
            continue;
        }
        let ran = source.trails.get(&step.changeset).and_then(|trail| trail.ran.as_ref());
        // another version there is what another gate is about
        let there = source.history.changesets.get(&step.changeset).map(|r| &r.checksum);
        if ran.is_some() && ran == there {
            checks += step.verify.len();
        } else {
            wrong.push(format!("`{}` was only marked on {name}, not run", step.changeset));
        }
    }
    if wrong.is_empty() && checks == 0 {
        return Outcome::met("no changeset of this plan has a `verify`");
    }
    if wrong.is_empty() {
        return Outcome::met(format!("{} passed on {name}", count(checks, "check")));
    }
    Outcome::unmet(
        some(&wrong),
        Remedy::from(format!("apply it on {name}: "))
            + Operation::Mark.on("pending")
            + " removes the mark there; or mark it here as well",
    )
}
