//! Nothing comes into an environment past its promotion, where it says so.

use super::Outcome;
use super::evidence::Evidence;
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    if !evidence.policy.promote_only || evidence.plan.direction == Direction::Purge {
        return Outcome::NotAsked;
    }
    match evidence.source {
        Some(source) => Outcome::met(format!("comes from {}", source.environment)),
        None => {
            let file = if evidence.sealed.is_some() { "FILE " } else { "" };
            Outcome::unmet(
                format!("`{}` takes only what is promoted", evidence.environment),
                format!("use `dagmar promote {file}--to {}`", evidence.environment),
            )
        }
    }
}
