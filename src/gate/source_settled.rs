//! Nothing is partly applied on the source, and nothing runs there.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::Operation;
use crate::history::RecordedStatus;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let name = &source.environment;
    if let Some(who) = &source.running {
        return Outcome::unmet(format!("a run is in progress on {name}: {who}"), "wait for it to end");
    }
    let half = source.history.changesets.iter().filter(|(_, r)| r.status == RecordedStatus::Partly);
    let half: Vec<String> = half.map(|(id, _)| format!("`{id}`")).collect();
    if half.is_empty() {
        return Outcome::met(format!("nothing is partly applied on {name}"));
    }
    Outcome::unmet(
        format!("partly applied on {name}: {}", some(&half)),
        Operation::Apply.at(name) + " continues there, " + Operation::Rollback + " rolls it back",
    )
}
