//! dagmar.yaml says of the environment what the owner of its ledger demands: who runs dagmar may have
//! changed the file.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::Operation;
use serde_json::Value;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(required) = evidence.required else { return Outcome::NotAsked };
    let differing = differences(required, evidence.here);
    if differing.is_empty() {
        return Outcome::met("dagmar.yaml matches the policy required by the ledger's owner");
    }
    Outcome::unmet(
        format!("dagmar.yaml differs from the policy required by the ledger's owner: {}", differing.join(", ")),
        "use the dagmar.yaml that the policy was recorded from; the ledger's owner changes it with "
            + Operation::LedgerPolicy,
    )
}

/// The keys of which two policies say something else.
#[must_use]
pub fn differences<'a>(a: &'a Value, b: &'a Value) -> Vec<&'a str> {
    let keys = |value: &'a Value| value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
    let mut all: Vec<&str> = keys(a).chain(keys(b)).filter(|key| a.get(key) != b.get(key)).collect();
    all.sort_unstable();
    all.dedup();
    all
}
