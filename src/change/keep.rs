//! What the attic keeps of something that is dropped.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// The object itself, so that the rollback has it back.
    #[default]
    Object,
    /// Only the rows or values, as a rollback keeps them.
    Rows,
    /// Nothing.
    Nothing,
}

const ROWS: &str = "rows";

impl Keep {
    /// The value as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Object => "true",
            Self::Rows => ROWS,
            Self::Nothing => "false",
        }
    }

    /// What the template asks.
    pub fn explain(self, context: &mut Map<String, Value>) {
        context.insert("keep".to_owned(), (self == Self::Object).into());
        context.insert("keepRows".to_owned(), (self == Self::Rows).into());
    }
}

impl Serialize for Keep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object => serializer.serialize_bool(true),
            Self::Nothing => serializer.serialize_bool(false),
            Self::Rows => serializer.serialize_str(ROWS),
        }
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(true) => Ok(Self::Object),
            Value::Bool(false) => Ok(Self::Nothing),
            Value::String(word) if word == ROWS => Ok(Self::Rows),
            other => Err(serde::de::Error::custom(format!("{other} is neither true nor false nor `{ROWS}`"))),
        }
    }
}

impl JsonSchema for Keep {
    fn schema_name() -> Cow<'static, str> {
        "Keep".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "true, false or `rows`.",
            "enum": [true, false, ROWS]
        })
    }
}
