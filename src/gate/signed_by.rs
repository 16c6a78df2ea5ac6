//! What runs is a sealed plan, signed with one of the keys that the environment names.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::{Operation, Remedy, Setting};
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    if evidence.policy.signed_by.is_empty() {
        return Outcome::NotAsked;
    }
    if evidence.plan.direction == Direction::Purge {
        return Outcome::unmet(
            "a purge cannot be sealed and signed",
            Remedy::from(vec![Setting::Override.to("signed-by"), Setting::Reason.open()])
                + ": the history records who did it and why",
        );
    }
    let remedy = "seal and sign it: "
        + Operation::Plan.with(Setting::Out.open()).with(Setting::Sign.open())
        + ", with a key that dagmar.yaml names";
    let Some(sealed) = &evidence.sealed else { return Outcome::unmet("the plan is not sealed", remedy) };
    let mut unread = Vec::new();
    for key in evidence.trusted {
        match (key, sealed.signed_by) {
            (Ok(key), Some(by)) if key == by => return Outcome::met(format!("signed with the key {by}")),
            (Ok(_), _) => {}
            (Err(why), _) => unread.push(why.as_str()),
        }
    }
    if !unread.is_empty() {
        return Outcome::unmet(
            unread.join("; "),
            "correct `signedBy` in dagmar.yaml: files of public keys, or keys in base64",
        );
    }
    Outcome::unmet(
        match sealed.signed_by {
            None => "the sealed plan is not signed".to_owned(),
            Some(by) => format!("the sealed plan is signed with another key: {by}"),
        },
        remedy,
    )
}
