//! Nothing comes into an environment past its promotion, where it says so.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::Operation;
use crate::base::remedy::Argument;
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    if !evidence.policy.promote_only || evidence.plan.direction == Direction::Purge {
        return Outcome::NotAsked;
    }
    match evidence.source {
        Some(source) => Outcome::met(format!("comes from {}", source.environment)),
        None => {
            let promote = Operation::Promote.at(evidence.environment);
            let promote = if evidence.sealed.is_some() { promote.on(Argument::Open) } else { promote };
            Outcome::unmet(format!("`{}` accepts only promotions", evidence.environment), "use " + promote)
        }
    }
}
