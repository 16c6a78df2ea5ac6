//! Days, times and time zones as `dagmar.yaml` writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::str::FromStr;

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
        let wrong = || format!("`{text}` is not a valid time of day: write \"09:00\"; the end of a day is \"24:00\"");
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
            _ => Err(format!("`{text}` is not a valid date: write 2026-12-24")),
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
            Err(format!("`{text}` is not a valid time zone name: write the IANA name, as `Europe/Zurich` or `UTC`"))
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
    }
}
