//! Values as JSON. What a terminal would act on, or nobody would see, is in it as escapes alone: the same
//! value for programs, and nothing happens where somebody looks at it.

use crate::base::text::is_unseen;
use serde::Serialize;

/// In lines, with a line break at its end.
///
/// # Panics
/// When the value has keys that are no texts: ours have none.
#[must_use]
pub fn pretty(value: &impl Serialize) -> String {
    escaped(&serde_json::to_string_pretty(value).expect("a value with text keys")) + "\n"
}

/// On one line, with a line break at its end.
///
/// # Panics
/// As [`pretty`].
#[must_use]
pub fn line(value: &impl Serialize) -> String {
    escaped(&serde_json::to_string(value).expect("a value with text keys")) + "\n"
}

/// Such characters stand in strings alone: outside of them JSON has none.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) || c == '\u{7f}' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = json!({ "a\u{9b}": "\u{2028}\u{7f}\u{e0041}é\u{1b}" });
        let text = line(&value);
        assert_eq!(text, "{\"a\\u009b\":\"\\u2028\\u007f\\udb40\\udc41é\\u001b\"}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(serde_json::from_str::<Value>(&pretty(&value)).unwrap(), value);
    }
}
