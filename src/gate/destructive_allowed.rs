//! What destroys was allowed, by the environment or by name for this run.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::remedy::Choice;
use crate::base::{Remedy, Setting};
use crate::plan::{Destructive, Hazard};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(allow) = &evidence.policy.allow else { return Outcome::NotAsked };
    let asked = Destructive::ALL.into_iter().filter(|kind| !allow.contains(kind));
    let found = asked.map(|kind| (kind, evidence.plan.having(Hazard::Destructive(kind))));
    let found = found.filter(|(_, having)| !having.is_empty());
    let (by_name, refused): (Vec<_>, Vec<_>) = found.partition(|(kind, _)| evidence.allowed.contains(kind));
    if refused.is_empty() {
        let words: Vec<&str> = by_name.iter().map(|(kind, _)| kind.word()).collect();
        return Outcome::met(match words.as_slice() {
            [] => "no destructive step needs permission".to_owned(),
            words => format!("allowed by option: {}", words.join(", ")),
        });
    }
    let reason = |(kind, having): &(Destructive, Vec<&str>)| {
        let names: Vec<String> = having.iter().map(|id| format!("`{id}`")).collect();
        format!("{}: {}", kind.word(), names.join(", "))
    };
    let reasons: Vec<String> = refused.iter().map(reason).collect();
    let options: Vec<Choice> = refused.iter().map(|(kind, _)| Setting::Allow.to(kind.word())).collect();
    Outcome::unmet(some(&reasons), Remedy::from("to allow it: ") + options)
}
