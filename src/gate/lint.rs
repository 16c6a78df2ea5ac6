//! The review of the changesets has no finding that the environment refuses.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::Operation;
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(reviewed) = evidence.reviewed.filter(|_| evidence.plan.direction == Direction::Forward) else {
        return Outcome::NotAsked;
    };
    let level = reviewed.refuse.word();
    let refused: Vec<String> = reviewed
        .findings
        .iter()
        .filter(|finding| finding.severity >= reviewed.refuse)
        .map(|finding| format!("`{}`: {} ({})", finding.changeset, finding.rule, finding.severity.word()))
        .collect();
    if refused.is_empty() {
        return Outcome::met(format!("the review has no finding of severity {level} or higher"));
    }
    Outcome::unmet(
        some(&refused),
        Operation::Lint.at(evidence.environment)
            + " shows the safe form of each; a finding that does not apply is ignored with a reason",
    )
}
