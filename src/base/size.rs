//! Numbers of bytes as people read and write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// A number of bytes, written as `16KiB`, `1MiB` or `512B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanSize {
    /// The number of bytes.
    pub bytes: u32,
}

const UNITS: [(&str, u32); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl HumanSize {
    /// So many kibibytes.
    #[must_use]
    pub const fn kib(number: u32) -> Self {
        Self { bytes: number << 10 }
    }
}

impl std::str::FromStr for HumanSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a valid size: write `16KiB`, `1MiB` or `512B`, at most `4095MiB`");
        let (digits, size) = UNITS
            .iter()
            .find_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim_end(), size)))
            .ok_or_else(wrong)?;
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        Ok(Self { bytes: number.checked_mul(*size).ok_or_else(wrong)? })
    }
}

impl std::fmt::Display for HumanSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fits = |(_, size): &&(&str, u32)| self.bytes >= *size && self.bytes.is_multiple_of(*size);
        let (unit, size) = UNITS.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.bytes / size)
    }
}

impl Serialize for HumanSize {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanSize {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for HumanSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number of bytes: `512B`, `16KiB`, `1MiB`.",
            "pattern": "^[0-9]+ *(B|KiB|MiB)$",
        })
    }
}

/// `100 bytes`, `20 MB`; the unit that leaves at most four digits.
#[must_use]
pub fn size(bytes: i64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut left, mut unit) = (bytes.max(0), 0);
    while left >= 10_240 && unit + 1 < units.len() {
        left /= 1024;
        unit += 1;
    }
    format!("{left} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [("16KiB", 16 << 10), ("1MiB", 1 << 20), ("512B", 512), ("0B", 0), ("1025B", 1025)] {
            assert_eq!(text.parse(), Ok(HumanSize { bytes }));
            assert_eq!(HumanSize { bytes }.to_string(), text);
        }
        assert_eq!("1 MiB".parse(), Ok(HumanSize::kib(1024)));
        for wrong in ["", "1", "MiB", "1GB", "-1B", "4096MiB", "1.5MiB"] {
            assert!(wrong.parse::<HumanSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_unit_follows_from_the_number() {
        assert_eq!((size(100), size(20 << 20), size(3 << 30)), ("100 bytes".into(), "20 MB".into(), "3072 MB".into()));
    }
}
