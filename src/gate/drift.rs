//! The database was compared with its ledger, and nothing differs.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::{HumanDuration, Operation, Setting, count};
use crate::plan::Direction;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let most = evidence.policy.drift.as_ref().and_then(|policy| policy.max_age);
    let Some(most) = most.filter(|_| evidence.plan.direction == Direction::Forward) else {
        return Outcome::NotAsked;
    };
    let reason = match &evidence.target.drift {
        None => "no comparison of the database with its ledger is recorded".to_owned(),
        Some(drift) if drift.differences > 0 => {
            let number = usize::try_from(drift.differences).unwrap_or(usize::MAX);
            format!("the database has drifted: {}", count(number, "difference"))
        }
        Some(drift) if u64::try_from(drift.age).unwrap_or_default() > most.millis => {
            format!("the last comparison with the ledger is older than {most}")
        }
        Some(drift) => {
            let age = HumanDuration::secs(u64::try_from(drift.age).unwrap_or_default() / 1000);
            return Outcome::met(format!("no drift was found {age} ago"));
        }
    };
    Outcome::unmet(
        reason,
        Operation::Drift.at(evidence.environment).with(Setting::Record)
            + " compares the database and records the result",
    )
}
