//! What an environment asks of a run: what may be destroyed, when, how much of it, and who
//! has to agree. The gates decide; here is how it is written.

use super::calendar::{CalendarDay, Clock, Day, Zone};
use crate::base::{Code, Diagnostic, Diagnostics, Place, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    pub expires: Option<Span>,
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

/// The code of what is wrong with a policy.
const CODE: Code = Code::Policy;

/// Looks whether the policies of an environment can be kept.
///
/// `written` is the environment as it stands there: a key of which it has a wrong value is not
/// missing.
pub(super) fn check(environment: &super::Environment, written: &Value, here: &Place, out: &mut Diagnostics) {
    let from_nowhere = environment.promote_from.is_none() && written.get("promoteFrom").is_none();
    let mut wrong = |place: Place, message: String, help: &str| {
        out.push(Diagnostic::error(CODE, message).at(place).help(help));
    };
    if let Some(window) = &environment.window {
        let place = here.child("window");
        if window.days.is_empty() {
            wrong(
                place.child("days"),
                "the change window never opens".to_owned(),
                "name days: [mon, tue]; left out: every day",
            );
        }
        if window.from == window.to {
            let help = "a whole day is from: \"00:00\", to: \"24:00\"";
            wrong(place.child("to"), "the change window closes when it opens".to_owned(), help);
        }
        if window.from.minutes == 1440 {
            wrong(place.child("from"), "a change window cannot open at 24:00".to_owned(), "write \"00:00\"");
        }
    }
    for (i, freeze) in environment.freeze.iter().enumerate() {
        let place = here.child("freeze").at(i);
        if freeze.from > freeze.to {
            let message = format!("the freeze ends on {}, before it begins", freeze.to);
            wrong(place.child("to"), message, "`from` is the first day, `to` the last one");
        }
        if freeze.reason.trim().is_empty() {
            wrong(place.child("reason"), "the freeze has no reason".to_owned(), "say why: it is what people are told");
        }
    }
    if environment.soak.is_some() && from_nowhere {
        let message = "`soak` without `promoteFrom`".to_owned();
        wrong(here.child("soak"), message, "say with `promoteFrom` where a changeset must have been for this time");
    }
    if environment.promote_only && from_nowhere {
        let message = "`promoteOnly` without `promoteFrom`".to_owned();
        wrong(here.child("promoteOnly"), message, "say with `promoteFrom` where changesets come from");
    }
    for (i, key) in environment.signed_by.iter().enumerate() {
        if key.trim().is_empty() {
            let help = "name a file of a public key, as `dagmar key new` writes it, or write the key in base64";
            wrong(here.child("signedBy").at(i), "the key is empty".to_owned(), help);
        }
    }
    if let Some(approvals) = &environment.approvals {
        let place = here.child("approvals");
        if !(1..=20).contains(&approvals.count) {
            wrong(place.child("count"), "`count` is out of range".to_owned(), "it is a number of people: 1 to 20");
        }
        for (i, role) in approvals.roles.iter().enumerate() {
            if role.trim().is_empty() {
                wrong(
                    place.child("roles").at(i),
                    "the name of a role is empty".to_owned(),
                    "write the name of a database role",
                );
            }
        }
        if approvals.expires.is_some_and(|span| span.millis == 0) {
            let message = "an approval that expires at once never counts".to_owned();
            wrong(place.child("expires"), message, "write 8h, or leave it out");
        }
    }
    if let Some(rate) = &environment.rate {
        let place = here.child("rate");
        for (key, value) in [("runsPerHour", rate.runs_per_hour), ("changesetsPerHour", rate.changesets_per_hour)] {
            if value == Some(0) {
                wrong(
                    place.child(key),
                    format!("with `{key}: 0` nothing ever runs"),
                    "write 1 or more, or leave it out",
                );
            }
        }
        if *rate == Rate::default() {
            wrong(place, "`rate` says nothing".to_owned(), "give `runsPerHour`, `changesetsPerHour` or both");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destructive_kinds_have_one_word_each() {
        assert!(Destructive::ALL.iter().all(|kind| serde_json::to_value(kind).unwrap() == kind.word()));
    }
}
