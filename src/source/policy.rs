//! What an environment asks of a run: what may be destroyed, when, how much of it, and who
//! has to agree. The gates decide; here is how it is written.

pub(super) mod check;

use super::calendar::{CalendarDay, Clock, Day, Zone};
use crate::base::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A destructive kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Destructive {
    /// A statement that loses data.
    LosesData,
    /// A statement that rewrites a whole table.
    Rewrites,
    /// A changeset that cannot be rolled back.
    Irreversible,
    /// A statement whose text does not show its effects, such as `DO` and function calls.
    Opaque,
}

impl Destructive {
    /// Every kind.
    pub const ALL: [Destructive; 4] =
        [Destructive::LosesData, Destructive::Rewrites, Destructive::Irreversible, Destructive::Opaque];

    /// The word in `dagmar.yaml`, on the command line and in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Destructive::LosesData => "losesData",
            Destructive::Rewrites => "rewrites",
            Destructive::Irreversible => "irreversible",
            Destructive::Opaque => "opaque",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The change window, by the clock of the environment's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// The days on which the window opens; default: every day.
    #[serde(default = "every_day")]
    pub days: Vec<Day>,
    /// The opening time.
    pub from: Clock,
    /// The closing time; a time before `from` is on the next day.
    pub to: Clock,
    /// The time zone; default: UTC.
    #[serde(default)]
    pub timezone: Zone,
}

fn every_day() -> Vec<Day> {
    Day::ALL.to_vec()
}

/// Days without runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// The first day.
    pub from: CalendarDay,
    /// The last day.
    pub to: CalendarDay,
    /// The reason.
    pub reason: String,
    /// The time zone of the days; default: that of the window, or UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
}

/// The approvals that a run requires.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// The required number of approvals.
    #[schemars(range(min = 1, max = 20))]
    pub count: u16,
    /// The database roles whose members can approve; default: every role that can approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The database roles of services that approve for people: their approvals count as those of the person who asked
    /// the service, and `roles` are compared with the groups of that person; default: each role counts as one user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// `true`: the approval of a changeset's author does not count.
    #[serde(default)]
    pub not_author: bool,
    /// How long an approval is valid; default: as long as the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<HumanDuration>,
}

/// Limits for the last sixty minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rate {
    /// The maximum number of runs that apply something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub runs_per_hour: Option<u32>,
    /// The maximum number of changesets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub changesets_per_hour: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destructive_kinds_have_one_word_each() {
        assert!(Destructive::ALL.iter().all(|kind| serde_json::to_value(kind).unwrap() == kind.word()));
    }
}
