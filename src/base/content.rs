//! A JSON value that is kept as its text, which needs about a tenth of the memory of a tree.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// A JSON value, stored as compact text; clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(Arc<str>);

impl Content {
    /// A value that is compact JSON, as `serde_json` writes it.
    pub(crate) fn of_json(text: &str) -> Self {
        Self(text.into())
    }

    /// The value as a tree.
    #[must_use]
    pub fn value(&self) -> Value {
        // the text was written from a value
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The value as compact JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&Value> for Content {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(s)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Value::deserialize(d).map(|value| Self::from(&value))
    }
}

impl JsonSchema for Content {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Value::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_kept_is_what_was_put_in() {
        let value =
            json!({ "b": [1, 1.5, "é\n\u{0}", null], "a": { "deep": { "n": 18_446_744_073_709_551_615_u64 } } });
        let content = Content::from(&value);
        assert_eq!(content.value(), value);
        assert_eq!(content.text(), value.to_string());
        let again: Content = serde_json::from_str(&serde_json::to_string(&content).unwrap()).unwrap();
        assert_eq!(again, content);
    }
}
