//! Not more in an hour than the environment takes.

use super::Outcome;
use super::evidence::Evidence;
use crate::base::Setting;
use crate::base::time;
use crate::plan::Direction;

const HOUR: i64 = 3_600_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(rate) = evidence.policy.rate.filter(|_| evidence.plan.direction != Direction::Purge) else {
        return Outcome::NotAsked;
    };
    let target = evidence.target;
    let mut said = Vec::new();
    for (most, before, more, noun) in [
        (rate.runs_per_hour, &target.runs, 1, "run"),
        (rate.changesets_per_hour, &target.applied, evidence.plan.steps.len(), "changeset"),
    ] {
        let Some(most) = most else { continue };
        let limit = most as usize;
        let words = format!("{} of {most} {noun}s in the last hour", before.len());
        if before.len() + more <= limit {
            said.push(words);
            continue;
        }
        if more > limit {
            return Outcome::unmet(
                format!("this run has {more} {noun}s, the limit is {most} in an hour"),
                "run fewer at a time with " + Setting::Select,
            );
        }
        // so many of the oldest have to be an hour ago
        let over = before[before.len() + more - limit - 1] + HOUR;
        return Outcome::unmet(format!("{words}, and {more} more"), format!("wait until {}", time::rfc3339(over)));
    }
    Outcome::met(said.join("; "))
}
