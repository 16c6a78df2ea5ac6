//! Nothing is half done on the source, and nothing runs there.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::Operation;
use crate::history::RecordedStatus;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let name = &source.environment;
    if let Some(who) = &source.running {
        return Outcome::unmet(format!("a run is on its way on {name}: {who}"), "wait for it to end");
    }
    let half = source.history.changesets.iter().filter(|(_, r)| r.status == RecordedStatus::Partly);
    let half: Vec<String> = half.map(|(id, _)| format!("`{id}`")).collect();
    if half.is_empty() {
        return Outcome::met(format!("nothing is half done on {name}"));
    }
    Outcome::unmet(
        format!("half done on {name}: {}", some(&half)),
        Operation::Apply.at(name) + " goes on there, " + Operation::Rollback + " takes it back",
    )
}
