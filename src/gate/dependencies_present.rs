//! What is needed is there, or comes along.

use super::evidence::Evidence;
use super::{Outcome, some};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(source) = evidence.source else { return Outcome::NotAsked };
    let (here, from) = (evidence.environment, &source.environment);
    if evidence.missing.is_empty() {
        return Outcome::met("all dependencies are applied or in this plan");
    }
    let missing: Vec<String> = evidence
        .missing
        .iter()
        .map(|m| format!("`{}` needs `{}`, which is not on {here} ({} on {from})", m.changeset, m.needs, m.on_source))
        .collect();
    Outcome::unmet(
        some(&missing),
        format!("select it too, apply it on {from} first, or mark it as skipped on {here} where it is not wanted"),
    )
}
