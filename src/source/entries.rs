//! Converts the changesets of an ordinary file from YAML to JSON text, without a tree in between.
//! Gives up on everything unusual, valid or not: `yaml.rs` then reads the file and reports mistakes.

use super::document::{CHANGESETS, MERGE};
use crate::base::Content;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// Larger mappings are left to `yaml.rs`, because duplicates are searched for linearly.
const MOST_KEYS: usize = 64;

/// Returns the entries below `changesets:` of a file with this key only. `None` if the file has anything
/// else: another key, a duplicate key, a key that is not text, a tag, a merge key, a number that JSON
/// cannot represent.
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

/// A key that is text. A key that YAML reads as a number is an error.
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

/// Writes the value as compact JSON, exactly as `serde_json` does.
struct Json<'a>(&'a mut Vec<u8>);

impl Json<'_> {
    fn write<E: Error>(self, value: impl Serialize) -> Result<(), E> {
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }

    /// Ends a list or mapping, each member of which is followed by a comma.
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

    #[test]
    fn everything_unusual_is_left_to_the_tree() {
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
