//! Values of rows and defaults: literals as they stand, SQL only where it is named.

use crate::base::name::quote_literal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// A value: a YAML scalar is a literal, `{ sql: now() }` is an expression, another mapping
/// or a list is written as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// `null`, a boolean, a number, a string, or JSON.
    Literal(Value),
    /// An SQL expression.
    Sql(String),
}

impl SqlValue {
    /// The value as SQL: a constant, or the expression.
    ///
    /// # Errors
    /// As [`literal`].
    pub fn sql(&self) -> Result<String, String> {
        match self {
            SqlValue::Sql(sql) => Ok(sql.trim().to_owned()),
            SqlValue::Literal(constant) => literal(constant),
        }
    }

    /// The expression that a string literal looks like, when it was probably meant as one.
    #[must_use]
    pub fn looks_like_sql(&self) -> Option<&str> {
        const WORDS: [&str; 8] = [
            "current_timestamp",
            "current_date",
            "current_time",
            "localtimestamp",
            "localtime",
            "current_user",
            "session_user",
            "current_role",
        ];
        let SqlValue::Literal(Value::String(text)) = self else { return None };
        let word = text.trim();
        let call = word.ends_with(')')
            && word.split('(').next().is_some_and(|name| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
            });
        (call || WORDS.contains(&word.to_ascii_lowercase().as_str())).then_some(word)
    }
}

/// A constant: texts quoted, numbers and booleans as they are, the rest as JSON.
///
/// # Errors
/// A text that PostgreSQL cannot hold.
pub fn literal(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok("NULL".to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::String(text) if text.contains('\0') => Err("PostgreSQL texts cannot hold a NUL character".to_owned()),
        Value::String(text) => Ok(quote_literal(text)),
        other => Ok(quote_literal(&other.to_string())),
    }
}

impl Serialize for SqlValue {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            SqlValue::Literal(value) => value.serialize(s),
            SqlValue::Sql(sql) => serde_json::json!({ "sql": sql }).serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for SqlValue {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        match value.as_object() {
            Some(map) if map.len() == 1 && map.contains_key("sql") => match &map["sql"] {
                Value::String(sql) => Ok(SqlValue::Sql(sql.clone())),
                _ => Err(serde::de::Error::custom("`sql` takes an expression as a string")),
            },
            _ => Ok(SqlValue::Literal(value)),
        }
    }
}

impl JsonSchema for SqlValue {
    fn schema_name() -> Cow<'static, str> {
        "SqlValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A literal, or { sql: expression }; dagmar writes other mappings and lists as JSON.",
            "examples": ["text", 1, true, {"sql": "now()"}]
        })
    }
}

/// The name of a type with its modifiers, as SQL writes it: `varchar(80)`, `numeric(12,2)[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeName(String);

impl TypeName {
    /// The name as SQL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match check_type(&text) {
            Ok(()) => Ok(Self(text)),
            Err(why) => Err(serde::de::Error::custom(why)),
        }
    }
}

/// Whether `text` can be nothing but the name of a type.
///
/// # Errors
/// What is wrong with it.
pub fn check_type(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | ',' | '(' | ')' | '.' | '[' | ']' | '"' | '%');
    let open = text.matches('(').count();
    if text.trim().is_empty() {
        Err("a type must not be empty".to_owned())
    } else if !text.chars().all(fits) || open != text.matches(')').count() || text.matches('"').count() % 2 == 1 {
        Err(format!("`{text}` is not a valid type name"))
    } else {
        Ok(())
    }
}

impl JsonSchema for TypeName {
    fn schema_name() -> Cow<'static, str> {
        "TypeName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A PostgreSQL type with its modifiers.",
            "examples": ["uuid", "text", "bigint", "timestamptz", "jsonb", "numeric(12,2)", "text[]"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_have_to_be_named() {
        let read = |v: Value| serde_json::from_value::<SqlValue>(v).unwrap();
        assert_eq!(read(json!({"sql": "now()"})), SqlValue::Sql("now()".into()));
        assert_eq!(read(json!("now()")).looks_like_sql(), Some("now()"));
        assert_eq!(read(json!("current_timestamp")).looks_like_sql(), Some("current_timestamp"));
        assert_eq!(read(json!("call (me)")).looks_like_sql(), None);
        assert_eq!(read(json!({"a": 1})), SqlValue::Literal(json!({"a": 1})));
    }

    #[test]
    fn types_cannot_smuggle() {
        for good in ["int", "numeric(12,2)[]", "timestamp(3) with time zone", "app.\"Mood\"", "double precision"] {
            assert!(check_type(good).is_ok(), "{good}");
        }
        for bad in ["", "int; drop table x", "int default 1 --", "text'", "int)"] {
            assert!(check_type(bad).is_err(), "{bad}");
        }
    }
}
