//! What the project says about drift: changes of a database that no changeset made.

use crate::base::HumanDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The comparison of databases with their ledgers (`dagmar drift`), for all environments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Objects that others own: what differs there is no drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<DriftIgnore>,
}

/// What an environment says about drift.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DriftPolicy {
    /// Objects that others own here, in addition to those of all environments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<DriftIgnore>,
    /// Accepts a run only if `dagmar drift --record` found no drift within this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<HumanDuration>,
}

/// Objects whose differences are no drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftIgnore {
    /// The kind and the name of the objects, as `dagmar drift` shows them: `table app.events_*`. `*` stands for any
    /// characters, every other character for itself. What belongs to an object is ignored with it.
    pub object: ObjectPattern,
    /// Only this property; default: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Why it is no drift.
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// A pattern for objects: `*` stands for any characters, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPattern(String);

impl ObjectPattern {
    /// Whether it stands for an object, as it is shown.
    #[must_use]
    pub fn matches(&self, object: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = object.strip_prefix(parts.next().unwrap_or_default()) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // the first place leaves most for the parts that follow
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl std::fmt::Display for ObjectPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ObjectPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(serde::de::Error::custom("the pattern is empty; expected kind and name: `table app.events_*`"));
        }
        Ok(Self(text))
    }
}

impl JsonSchema for ObjectPattern {
    fn schema_name() -> Cow<'static, str> {
        "ObjectPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "The kind and the name of objects; `*` stands for any characters, every other character for itself.",
            "examples": ["table app.events_*"]
        })
    }
}

impl DriftConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_star_of_a_pattern_is_special() {
        let is = |pattern: &str, object: &str| ObjectPattern(pattern.to_owned()).matches(object);
        for (pattern, object) in [
            ("table app.t", "table app.t"),
            ("function app.f(text[])", "function app.f(text[])"),
            ("function app.f(*[])", "function app.f(text[])"),
            ("table app.\"what?\"", "table app.\"what?\""),
            ("table app.*_*_old", "table app.a_b_old_old"),
            ("table **", "table app.a/b"),
            ("*", "table app.t"),
            ("*.t", "table app.t"),
            ("table app.ä*", "table app.äö"),
        ] {
            assert!(is(pattern, object), "{pattern} | {object}");
        }
        for (pattern, object) in [
            ("table app.t", "table app.tt"),
            ("function app.f(text[])", "function app.f(text)"),
            ("function app.[f]()", "function app.f()"),
            ("table app.t?", "table app.tt"),
            ("table app.a*a", "table app.a"),
            ("table app.*_old", "view app.a_old"),
            ("table app.a*b*b", "table app.ab"),
        ] {
            assert!(!is(pattern, object), "{pattern} | {object}");
        }
    }

    #[test]
    fn a_pattern_is_written_as_it_was_read() {
        let text = "\"function app.f(text[], *)\"";
        let pattern: ObjectPattern = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&pattern).unwrap(), text);
        assert!(serde_json::from_str::<ObjectPattern>("\" \"").is_err());
    }
}
