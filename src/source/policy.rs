//! What an environment asks of a run: what may be destroyed, when, how much of it, and who
//! has to agree. The gates decide; here is how it is written.

use crate::base::{Diagnostic, Diagnostics, Place, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use std::str::FromStr;

/// A destructive kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Hazard {
    /// A statement after which data is gone.
    LosesData,
    /// A statement that writes a whole table anew.
    Rewrites,
    /// A changeset that cannot be taken back.
    Irreversible,
    /// A statement of the author's whose text does not show what it does, as `DO` and calls of functions.
    Opaque,
}

impl Hazard {
    /// Every kind.
    pub const ALL: [Hazard; 4] = [Hazard::LosesData, Hazard::Rewrites, Hazard::Irreversible, Hazard::Opaque];

    /// The word in `dagmar.yaml`, on the command line and in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Hazard::LosesData => "losesData",
            Hazard::Rewrites => "rewrites",
            Hazard::Irreversible => "irreversible",
            Hazard::Opaque => "opaque",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hazard| hazard.word() == word)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// Every day, from Monday.
    pub const ALL: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

    /// The word in `dagmar.yaml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }
}

/// A time of the day, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// Minutes since midnight, up to 1440.
    pub minutes: u16,
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of the day: write \"09:00\"; the end of a day is \"24:00\"");
        let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
        let number = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten()
        };
        match (number(hours), number(minutes)) {
            (Some(hours), Some(minutes)) if minutes < 60 && hours * 60 + minutes <= 1440 => {
                Ok(Self { minutes: hours * 60 + minutes })
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

/// A day of the calendar, as `2026-12-24`: such texts compare as the days do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarDay(String);

impl CalendarDay {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CalendarDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<jiff::civil::Date>() {
            // the parser knows shorter forms too
            Ok(day) if day.to_string() == text => Ok(Self(text.to_owned())),
            _ => Err(format!("`{text}` is no day: write 2026-12-24")),
        }
    }
}

impl std::fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The IANA name of a time zone. Whether there is one of this name the server says: it does
/// the reckoning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone(String);

impl Zone {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl FromStr for Zone {
    type Err = String;

    /// The server would take `CET-3` or `+02` too, and mean something else than people do: a
    /// name with digits is one of `Etc/GMT+1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let place =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'));
        let fixed = text.strip_prefix("Etc/GMT").is_some_and(|offset| {
            offset.strip_prefix(['+', '-']).is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n <= 14))
        });
        let named = text.contains('/') && text.split('/').all(place);
        if text == "UTC" || fixed || named {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no name of a time zone: write the IANA name, as `Europe/Zurich` or `UTC`"))
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Texts that are parsed, with their pattern for editors.
macro_rules! as_text {
    ($type:ident, $name:literal, $description:literal, $pattern:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description, "pattern": $pattern })
            }
        }
    };
}

as_text!(
    Clock,
    "Clock",
    "A time of the day: \"09:00\"; the end of a day is \"24:00\".",
    "^([01][0-9]|2[0-4]):[0-5][0-9]$"
);
as_text!(CalendarDay, "CalendarDay", "A day: 2026-12-24.", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
as_text!(
    Zone,
    "TimeZone",
    "The IANA name of a time zone: Europe/Zurich, UTC.",
    "^(UTC|Etc/GMT[+-][0-9]{1,2}|[A-Za-z_-]+(/[A-Za-z_-]+)+)$"
);

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
const CODE: &str = "DG0130";

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
    fn texts_are_what_people_mean() {
        for good in ["UTC", "Europe/Zurich", "America/Port-au-Prince", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert_eq!(good.parse::<Zone>().unwrap().as_str(), good);
        }
        for bad in ["", "CET-3", "+02", "Zurich", "Foo/Bar+3", "Europe/", "Etc/GMT+15", "Europe/Zurich'"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
        for (text, minutes) in [("00:00", 0), ("09:30", 570), ("24:00", 1440)] {
            let clock: Clock = text.parse().unwrap();
            assert_eq!((clock.minutes, clock.to_string().as_str()), (minutes, text));
        }
        for bad in ["9:00", "09:60", "24:01", "0900", "+9:00", "25:00"] {
            assert!(bad.parse::<Clock>().is_err(), "{bad}");
        }
        assert!("2026-02-28".parse::<CalendarDay>().unwrap() < "2026-12-01".parse().unwrap());
        for bad in ["2026-02-29", "20261201", "2026-12-01T10:00", "24.12.2026"] {
            assert!(bad.parse::<CalendarDay>().is_err(), "{bad}");
        }
        assert!(Day::ALL.iter().all(|d| serde_json::to_value(d).unwrap() == d.word()));
        assert!(Hazard::ALL.iter().all(|h| serde_json::to_value(h).unwrap() == h.word()));
    }
}
