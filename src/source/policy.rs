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
    /// A statement after which data is gone.
    LosesData,
    /// A statement that writes a whole table anew.
    Rewrites,
    /// A changeset that cannot be taken back.
    Irreversible,
    /// A statement of the author's whose text does not show what it does, as `DO` and calls of functions.
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

/// When something may be run. By the clock of the environment's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// The days on which it opens; left out: every day.
    #[serde(default = "every_day")]
    pub days: Vec<Day>,
    /// When it opens.
    pub from: Clock,
    /// When it closes; before `from`: on the next day.
    pub to: Clock,
    /// Whose clock; left out: UTC.
    #[serde(default)]
    pub timezone: Zone,
}

fn every_day() -> Vec<Day> {
    Day::ALL.to_vec()
}

/// Days on which nothing is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// The first day.
    pub from: CalendarDay,
    /// The last day.
    pub to: CalendarDay,
    /// Why.
    pub reason: String,
    /// Whose calendar; left out: that of the window, or UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
}

/// Who has to agree before something is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// How many people.
    #[schemars(range(min = 1, max = 20))]
    pub count: u16,
    /// Members of one of these database roles; left out: whoever may approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whether the author of a changeset in the plan does not count.
    #[serde(default)]
    pub not_author: bool,
    /// How long an approval holds; left out: as long as the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<HumanDuration>,
}

/// How much may happen in an hour; the last sixty minutes count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rate {
    /// The most runs that apply something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub runs_per_hour: Option<u32>,
    /// The most changesets.
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
