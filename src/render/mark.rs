//! The marks around what a template has put in, which tell where it comes from.

use serde_json::Value;

/// Around every mark. No SQL that a server takes holds it.
pub(super) const MARK: char = '\0';

/// A value without its marks, and the number of its first text.
pub(super) fn unmark(value: &Value) -> (Value, Option<&str>) {
    match value {
        Value::String(text) => match text.strip_prefix(MARK).and_then(|rest| rest.split_once(MARK)) {
            Some((number, text)) => (Value::String(text.to_owned()), Some(number)),
            None => (value.clone(), None),
        },
        Value::Array(list) => {
            let parts: Vec<(Value, Option<&str>)> = list.iter().map(unmark).collect();
            let number = parts.iter().find_map(|(_, number)| *number);
            (Value::Array(parts.into_iter().map(|(value, _)| value).collect()), number)
        }
        Value::Object(map) => {
            let parts: Vec<(&String, (Value, Option<&str>))> = map.iter().map(|(k, v)| (k, unmark(v))).collect();
            let number = parts.iter().find_map(|(_, (_, number))| *number);
            (Value::Object(parts.into_iter().map(|(key, (value, _))| (key.clone(), value)).collect()), number)
        }
        other => (other.clone(), None),
    }
}

/// What a helper has written, with the number of its value.
pub(super) fn written(sql: &str, number: Option<&str>) -> String {
    match number {
        Some(number) => format!("{MARK}v{number}{MARK}{sql}{MARK}e{MARK}"),
        None => sql.to_owned(),
    }
}
