//! What destroys was allowed, by the environment or by name for this run.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::plan::{Plan, Progress, Rollback, Step};
use crate::source::policy::Hazard;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(allow) = &evidence.policy.allow else { return Outcome::NotAsked };
    let refused: Vec<Hazard> = Hazard::ALL
        .into_iter()
        .filter(|h| !allow.contains(h) && !evidence.allowed.contains(h) && !having(evidence.plan, *h).is_empty())
        .collect();
    if refused.is_empty() {
        let by_word = evidence.allowed.iter().filter(|h| !allow.contains(h) && !having(evidence.plan, **h).is_empty());
        let words: Vec<&str> = by_word.map(|h| h.word()).collect();
        return Outcome::met(match words.as_slice() {
            [] => "nothing is destroyed without leave".to_owned(),
            words => format!("allowed by name: {}", words.join(", ")),
        });
    }
    let reasons: Vec<String> = refused
        .iter()
        .map(|hazard| {
            let names: Vec<String> = having(evidence.plan, *hazard).iter().map(|id| format!("`{id}`")).collect();
            format!("{}: {}", hazard.word(), names.join(", "))
        })
        .collect();
    let flags: Vec<String> = refused.iter().map(|hazard| format!("--allow {}", hazard.word())).collect();
    Outcome::unmet(some(&reasons), format!("if that is meant: {}", flags.join(" ")))
}

/// The changesets of a plan with this hazard.
#[must_use]
pub fn having(plan: &Plan, hazard: Hazard) -> Vec<&str> {
    plan.steps.iter().filter(|step| has(step, hazard)).map(|step| step.changeset.as_str()).collect()
}

fn has(step: &Step, hazard: Hazard) -> bool {
    let mut facts = step
        .segments
        .iter()
        .filter(|segment| segment.progress != Progress::Done)
        .flat_map(|segment| segment.statements.iter().map(|statement| &statement.facts));
    match hazard {
        Hazard::LosesData => facts.any(|f| f.loses_data),
        Hazard::Rewrites => facts.any(|f| f.rewrites),
        Hazard::Irreversible => matches!(step.rollback, Rollback::Irreversible { .. }),
    }
}
