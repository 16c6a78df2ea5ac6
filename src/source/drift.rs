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
    /// characters. What belongs to an object is ignored with it.
    pub object: ObjectPattern,
    /// Only this property; default: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Why it is no drift.
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// A pattern for objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPattern(glob::Pattern);

impl ObjectPattern {
    /// Whether it stands for an object, as it is shown.
    #[must_use]
    pub fn matches(&self, object: &str) -> bool {
        self.0.matches(object)
    }
}

impl Serialize for ObjectPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for ObjectPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(serde::de::Error::custom("the pattern is empty; expected kind and name: `table app.events_*`"));
        }
        glob::Pattern::new(&text).map(Self).map_err(|why| serde::de::Error::custom(format!("`{text}`: {}", why.msg)))
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
            "description": "The kind and the name of objects; `*` stands for any characters.",
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
