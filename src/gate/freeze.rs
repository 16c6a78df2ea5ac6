//! No day of a freeze.

use super::Outcome;
use super::evidence::Evidence;
use crate::source::calendar::Zone;
use crate::source::policy::Freeze;

/// Whose calendar a freeze goes by.
#[must_use]
pub fn zone(freeze: &Freeze, policy: &crate::source::Environment) -> Zone {
    let window = || policy.window.as_ref().map(|w| w.timezone.clone());
    freeze.timezone.clone().or_else(window).unwrap_or_default()
}

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let policy = evidence.policy;
    if policy.freeze.is_empty() {
        return Outcome::NotAsked;
    }
    for freeze in &policy.freeze {
        let zone = zone(freeze, policy);
        let today = evidence.target.local(&zone).date;
        if (freeze.from.as_str()..=freeze.to.as_str()).contains(&today.as_str()) {
            return Outcome::unmet(
                format!("frozen from {} to {} ({zone}): {}", freeze.from, freeze.to, freeze.reason.trim()),
                format!("wait until {} is over", freeze.to),
            );
        }
    }
    Outcome::met("no freeze today")
}
