//! Expected values as literals of the type of a column, for what YAML writes in another way than PostgreSQL.

use serde_json::Value;

/// How values of a type are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By their text alone.
    Text,
    /// As JSON, which has several texts of one value.
    Json,
    /// As an array.
    Array,
    /// By the text of what PostgreSQL reads.
    Other,
}

impl Kind {
    /// How values of the type of this name (`format_type`) are compared.
    #[must_use]
    pub fn of_type(name: &str) -> Self {
        match name {
            "text" | "character varying" | "name" | "\"char\"" | "unknown" => Kind::Text,
            "json" | "jsonb" => Kind::Json,
            name if name.ends_with("[]") => Kind::Array,
            _ => Kind::Other,
        }
    }

    /// The literal of this type for an expected value that has more than one text; `None`: it has one, or none.
    #[must_use]
    pub fn literal(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Kind::Text, _) | (_, Value::Null) => None,
            // a text that is no JSON stands for itself
            (Kind::Json, Value::String(text)) if serde_json::from_str::<Value>(text).is_ok() => Some(text.clone()),
            (Kind::Json, value) => Some(value.to_string()),
            (Kind::Array, Value::Array(list)) => Some(array(list)),
            (Kind::Array | Kind::Other, Value::String(text)) => Some(text.clone()),
            (Kind::Array | Kind::Other, _) => None,
        }
    }
}

/// `{"a","b",NULL}` (manual, chapter 8.15.2).
fn array(list: &[Value]) -> String {
    let element = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Array(list) => array(list),
        Value::String(text) => quoted(text),
        Value::Object(_) => quoted(&value.to_string()),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    format!("{{{}}}", list.iter().map(element).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_are_those_of_the_type() {
        let array = Kind::of_type("text[]");
        assert_eq!(array.literal(&json!(["a", "b\"\\", null, [1]])).unwrap(), r#"{"a","b\"\\",NULL,{1}}"#);
        assert_eq!(array.literal(&json!("{a,b}")).unwrap(), "{a,b}");
        assert_eq!(Kind::of_type("jsonb").literal(&json!({"a": [1]})).unwrap(), r#"{"a":[1]}"#);
        assert_eq!(Kind::of_type("jsonb").literal(&json!(1)).unwrap(), "1");
        assert_eq!(Kind::of_type("json").literal(&json!("dark")).unwrap(), "\"dark\"");
        assert_eq!(Kind::of_type("json").literal(&json!("{\"a\": 1}")).unwrap(), "{\"a\": 1}");
        assert_eq!(Kind::of_type("text").literal(&json!("x")), None);
        assert_eq!(Kind::of_type("timestamp with time zone").literal(&json!("now")).unwrap(), "now");
        assert_eq!(Kind::of_type("integer").literal(&json!(1)), None, "a number is compared as such");
    }
}
