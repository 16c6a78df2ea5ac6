//! The gates: what must hold before a run in an environment. Evidence from the ledgers of source and target goes in; a
//! verdict with reason and remedy comes out for each gate. It reads no database itself.
//!
//! To add a gate: a file with a `check`, its `mod` line, its row in `ALL`; a test compares them.

pub mod evidence;

mod applied_cleanly_on_source;
mod approvals;
mod dependencies_present;
mod destructive_allowed;
mod drift;
mod freeze;
mod lint;
mod outcome;
mod promote_only;
mod proven;
mod rate;
mod required_policy;
mod same_checksum_on_source;
mod signed_by;
mod soak;
mod source_settled;
mod verify_passed_on_source;
mod window;

use crate::base::Remedy;
pub use approvals::{Weighed, weigh};
use evidence::Evidence;
pub use freeze::zone as freeze_zone;
pub use outcome::Outcome;
use outcome::some;
pub use required_policy::differences;
use schemars::JsonSchema;
use serde::Serialize;

/// A gate: from evidence to an outcome, nothing else. What the environment does not ask for is
/// [`Outcome::NotAsked`]: nothing else decides which gates are asked.
type Check = fn(&Evidence<'_>) -> Outcome;

/// All gates: the name of the file with hyphens, and its function.
const ALL: &[(&str, Check)] = &[
    (REQUIRED_POLICY, required_policy::check),
    ("promote-only", promote_only::check),
    ("source-settled", source_settled::check),
    ("same-checksum-on-source", same_checksum_on_source::check),
    ("dependencies-present", dependencies_present::check),
    ("verify-passed-on-source", verify_passed_on_source::check),
    ("applied-cleanly-on-source", applied_cleanly_on_source::check),
    ("soak", soak::check),
    ("destructive-allowed", destructive_allowed::check),
    ("lint", lint::check),
    ("proven", proven::check),
    ("drift", drift::check),
    ("window", window::check),
    ("freeze", freeze::check),
    ("rate", rate::check),
    ("signed-by", signed_by::check),
    ("approvals", approvals::check),
];

/// The gate that the ledger's owner has put up: nobody else overrides it.
const REQUIRED_POLICY: &str = "required-policy";

/// The names of all gates.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|(name, _)| *name).collect()
}

/// The names of the gates that a word with a reason overrides.
#[must_use]
pub fn overridable() -> Vec<&'static str> {
    names().into_iter().filter(|name| *name != REQUIRED_POLICY).collect()
}

/// The status of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateStatus {
    /// The gate is met.
    Met,
    /// The gate is not met.
    Unmet,
    /// The gate is not met, and a user overrode it with a reason.
    Overridden,
}

impl GateStatus {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            GateStatus::Met => "met",
            GateStatus::Unmet => "unmet",
            GateStatus::Overridden => "overridden",
        }
    }
}

/// The verdict of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateVerdict {
    /// The name of the gate.
    pub gate: &'static str,
    /// The status of the gate.
    pub status: GateStatus,
    /// The reason of the status.
    pub reason: String,
    /// The remedy; `None` if the gate is met.
    pub remedy: Option<Remedy>,
}

/// Whether every gate is met or overridden.
#[must_use]
pub fn are_met(verdicts: &[GateVerdict]) -> bool {
    verdicts.iter().all(|verdict| verdict.status != GateStatus::Unmet)
}

/// Asks every gate. Those of `overridden` do not stop the run.
#[must_use]
pub fn judge(evidence: &Evidence<'_>, overridden: &[String]) -> Vec<GateVerdict> {
    ALL.iter()
        .filter_map(|(gate, check)| {
            let (status, reason, remedy) = match check(evidence) {
                Outcome::NotAsked => return None,
                Outcome::Met(reason) => (GateStatus::Met, reason, None),
                Outcome::Unmet { reason, remedy } => {
                    let over = *gate != REQUIRED_POLICY && overridden.iter().any(|name| name == gate);
                    (if over { GateStatus::Overridden } else { GateStatus::Unmet }, reason, Some(remedy))
                }
            };
            Some(GateVerdict { gate, status, reason, remedy })
        })
        .collect()
}

#[cfg(test)]
mod tests;
