//! The changesets were proven in this form, on a server of the same major version.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::base::{Operation, Setting};
use crate::plan::{Direction, Step};

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(policy) = evidence.policy.proven.as_ref().filter(|_| evidence.plan.direction == Direction::Forward) else {
        return Outcome::NotAsked;
    };
    let major = evidence.target.major;
    let lacks = |step: &&Step| {
        let of: Vec<_> = evidence.proofs.iter().filter(|proof| proof.digest == step.digest).collect();
        let here: Vec<_> = of.iter().filter(|proof| proof.major == major).collect();
        let max_age = policy.max_age.map(|age| i64::try_from(age.millis).unwrap_or(i64::MAX));
        match (of.first(), here.first()) {
            (None, _) => Some(format!("`{}` is not proven in this form", step.changeset)),
            (Some(other), None) => {
                Some(format!("`{}` is proven on PostgreSQL {} and not on {major}", step.changeset, other.major))
            }
            _ if max_age.is_some_and(|most| here.iter().all(|proof| proof.age > most)) => {
                Some(format!("the proof of `{}` is too old", step.changeset))
            }
            _ => None,
        }
    };
    let lacking: Vec<String> = evidence.plan.steps.iter().filter_map(|step| lacks(&step)).collect();
    if lacking.is_empty() {
        return Outcome::met(format!("all changesets are proven on PostgreSQL {major}"));
    }
    Outcome::unmet(
        some(&lacking),
        Operation::Prove.at(evidence.environment).with(Setting::Record) + " proves what is pending and records it",
    )
}
