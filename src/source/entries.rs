//! The changesets of an ordinary file, read from YAML to JSON texts in one go, without a tree in
//! between. What is odd in any way, right or wrong, is left to `yaml.rs`, which says what it is.

use super::document::CHANGESETS;
use super::yaml::MERGE;
use crate::base::Content;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// A mapping with more keys is odd: they are looked for one by one.
const MOST_KEYS: usize = 64;

/// The entries below `changesets:` of a file that has this key alone; `None` when something is odd:
/// another key, one that is there twice or is no text, a tag, a merge key, a number that JSON has not.
pub fn read(text: &str) -> Option<Vec<Content>> {
    File.deserialize(serde_yaml::Deserializer::from_str(text)).ok()
}

struct File;

impl<'de> DeserializeSeed<'de> for File {
    type Value = Vec<Content>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for File {
    type Value = Vec<Content>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mapping with the key `{CHANGESETS}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if map.next_key_seed(Key)?.as_deref() != Some(CHANGESETS) {
            return Err(A::Error::custom("another key"));
        }
        let entries = map.next_value_seed(List)?;
        match map.next_key_seed(Key)? {
            None => Ok(entries),
            Some(_) => Err(A::Error::custom("another key")),
        }
    }
}

struct List;

impl<'de> DeserializeSeed<'de> for List {
    type Value = Vec<Content>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<Content>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        let mut json = Vec::new();
        while list.next_element_seed(Json(&mut json))?.is_some() {
            entries.push(Content::of_json(std::str::from_utf8(&json).map_err(A::Error::custom)?));
            json.clear();
        }
        Ok(entries)
    }
}

/// A key that is a text; one that looks like a number is none.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<String, D::Error> {
        d.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }
}

/// Writes what is read as compact JSON, as `serde_json` writes the same value.
struct Json<'a>(&'a mut Vec<u8>);

impl Json<'_> {
    fn write<E: Error>(self, value: impl Serialize) -> Result<(), E> {
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }

    /// Ends a list or mapping; each of its members has written a comma.
    fn close(self, first: usize, end: u8) {
        if self.0.len() > first {
            self.0.pop();
        }
        self.0.push(end);
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(Number::from_f64(value).ok_or_else(|| E::custom("no number of JSON"))?)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.write(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'[');
        let first = out.len();
        while list.next_element_seed(Json(out))?.is_some() {
            out.push(b',');
        }
        Json(out).close(first, b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'{');
        let first = out.len();
        let mut keys: Vec<String> = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if key == MERGE || keys.len() == MOST_KEYS || keys.contains(&key) {
                return Err(A::Error::custom("an odd key"));
            }
            Json(out).write(&key)?;
            out.push(b':');
            map.next_value_seed(Json(out))?;
            out.push(b',');
            keys.push(key);
        }
        Json(out).close(first, b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Diagnostics, FileId};
    use crate::source::{Document, yaml};

    /// What the slow way makes of it, when it finds nothing wrong.
    fn slowly(text: &str) -> Option<Document> {
        yaml::parse(FileId(0), text, &mut Diagnostics::default()).map(Document::from)
    }

    #[test]
    fn both_ways_read_the_same() {
        for entries in [
            "[]",
            "[{id: a, n: [1, -1, 1.5, 1.0, -0.0, 1e300, 1E3, 0x1f, 0o17, 18446744073709551615, 9223372036854775808]}]",
            "[{t: [yes, no, true, False, ~, null, '', \"\", 010, 1.10, +1, 1_000, 2024-01-01, '1', 12:30:45]}]",
            "[{text: \"é\\n\\0\\u2028\\t\\\\ \\\" /\", 'a key': {}, 'true': [[], {}, [[1], {a: [b]}]]}]",
            "[a, 1, ~, [b]]",
            "[&x {id: a, l: &y [1, 2]}, *x, {id: b, l: *y}]",
            "[{a: |\n  one\n  two\n}]",
            "\n  - id: a\n    sql: |\n      one\n\n      two\n    folded: >-\n      one\n      two\n  - id: b\n",
            "[{tagged: !!str 1, n: !!int 3, f: !!float 1}]",
        ] {
            let text = format!("changesets: {entries}");
            let Some(slow) = slowly(&text) else {
                assert!(read(&text).is_none(), "{text}");
                continue;
            };
            let fast = read(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(fast, slow.entries, "{text}");
            assert_eq!(Document::from(fast).rest, slow.rest, "{text}");
            assert!(slow.entries.iter().zip(&fast_texts(&text)).all(|(slow, fast)| slow.text() == fast), "{text}");
        }
    }

    fn fast_texts(text: &str) -> Vec<String> {
        read(text).unwrap_or_default().iter().map(|content| content.text().to_owned()).collect()
    }

    #[test]
    fn what_is_odd_is_left_to_the_slow_way() {
        let many: Vec<String> = (0..=MOST_KEYS).map(|i| format!("k{i}: 1")).collect();
        for text in [
            "",
            "changesets:",
            "changesets: 1",
            "changesets: {a: 1}",
            "[]",
            "changeset: []",
            "changesets: []\nother: 1",
            "other: 1\nchangesets: []",
            "changesets: []\nchangesets: []",
            "changesets: [{a: 1, a: 2}]",
            "changesets: [{1: a}]",
            "changesets: [{true: a}]",
            "changesets: [{~: a}]",
            "changesets: [{[a]: a}]",
            "changesets: [{<<: {a: 1}}]",
            "changesets: [{a: !x 1}]",
            "changesets: [!x {a: 1}]",
            "changesets: [.nan]",
            "changesets: [.inf]",
            "changesets: [*x]",
            "changesets: []\n---\nchangesets: []",
            "changesets: [",
            &format!("changesets: [{{{}}}]", many.join(", ")),
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
