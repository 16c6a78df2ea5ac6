//! JSON as SQL.

use crate::base::name::quote_literal;
use serde_json::Value;

/// A value as SQL. PostgreSQL's jsonb cannot hold the character NUL: it is left out of texts.
#[must_use]
pub fn jsonb(value: &Value) -> String {
    jsonb_text(&value.to_string())
}

/// The same of a value as compact JSON.
#[must_use]
pub fn jsonb_text(text: &str) -> String {
    if !text.contains("\\u0000") {
        return format!("{}::jsonb", quote_literal(text));
    }
    // the six characters may be the text itself, behind a backslash of its own
    let mut value: Value = serde_json::from_str(text).unwrap_or_default();
    without_nul(&mut value);
    format!("{}::jsonb", quote_literal(&value.to_string()))
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(list) => list.iter_mut().for_each(without_nul),
        Value::Object(map) => {
            let entries = std::mem::take(map);
            map.extend(entries.into_iter().map(|(mut key, mut value)| {
                key.retain(|c| c != '\0');
                without_nul(&mut value);
                (key, value)
            }));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_stored_is_what_was_meant() {
        // a backslash, and what looks like an escape behind it
        let sql = "SELECT 'nothing \\u0000u0027; CREATE TABLE t (); --'";
        assert_eq!(
            jsonb(&json!({ "sql": sql })),
            format!("E'{}'::jsonb", r#"{"sql":"SELECT ''nothing \\\\u0000u0027; CREATE TABLE t (); --''"}"#)
        );
        assert_eq!(jsonb(&json!({ "a\0": ["b\0\\u0000"] })), r#"E'{"a":["b\\\\u0000"]}'::jsonb"#);
    }
}
