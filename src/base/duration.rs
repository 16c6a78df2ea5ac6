//! Lengths of time as people write them: `30d`, `90s`, `1h30m`.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, in milliseconds. Written as numbers with the units
/// `ms`, `s`, `m`, `h`, `d`, `w`; a bare `0` needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct HumanDuration {
    /// Milliseconds.
    pub millis: u64,
}

const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl HumanDuration {
    /// This many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self { millis }
    }

    /// This many seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self { millis: secs * 1000 }
    }
}

impl std::str::FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a valid duration: write `30d`, `12h`, `90s` or `1h30m`");
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::default());
        }
        let mut millis: u64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (_, unit) = UNITS.iter().find(|(u, _)| *u == &rest[..letters]).ok_or_else(wrong)?;
            rest = rest[letters..].trim_start();
            millis = number.checked_mul(*unit).and_then(|n| n.checked_add(millis)).ok_or_else(wrong)?;
        }
        Ok(Self { millis })
    }
}

impl std::fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.millis == 0 {
            return f.write_str("0s");
        }
        let mut left = self.millis;
        for (unit, size) in UNITS {
            // weeks are read but never written: days say it plainly
            if unit != "w" && left >= size {
                write!(f, "{}{unit}", left / size)?;
                left %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A duration: 30d, 12h, 90s, 1h30m.",
            "pattern": "^(0|(\\s*[0-9]+(ms|w|d|h|m|s))+)$|\\$\\{"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, millis, shown) in [
            ("30d", 2_592_000_000, "30d"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90s", 90_000, "1m30s"),
            ("0", 0, "0s"),
            ("250ms", 250, "250ms"),
            ("2w", 1_209_600_000, "14d"),
        ] {
            let span: HumanDuration = text.parse().expect(text);
            assert_eq!((span.millis, span.to_string().as_str()), (millis, shown));
        }
        for bad in ["", "30", "d", "3 years", "-1s", "99999999999999999999d"] {
            assert!(bad.parse::<HumanDuration>().is_err(), "{bad}");
        }
    }
}
