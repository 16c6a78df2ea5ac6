//! Checksums that people can recompute: SHA-256 of canonical JSON, with the version in front.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;

/// The algorithm in use: `d1` = SHA-256 of canonical JSON (keys sorted, no white space,
/// line ends LF, no white space before a line end).
pub const ALGORITHM: &str = "d1";

/// The checksum of a value, for example `d1:9f86d081…`.
#[must_use]
pub fn of_value(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    format!("{ALGORITHM}:{}", sha256_hex(text.as_bytes()))
}

/// The SHA-256 of these bytes, as 64 hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits, two each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Writes `value` as canonical JSON.
pub fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::String(text) => string(&normalise(text), out),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn string(text: &str, out: &mut String) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).expect("texts serialise to JSON"));
    }
}

/// Line ends as LF, no white space before them nor at the end.
fn normalise(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r']) {
        return Cow::Borrowed(text.trim_end());
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Cow::Owned(lines.join("\n").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn layout_does_not_matter() {
        let a = json!({"b": 1, "a": "x  \r\ny\n"});
        let b = json!({"a": "x\ny", "b": 1});
        assert_eq!(of_value(&a), of_value(&b));
        assert_ne!(of_value(&a), of_value(&json!({"a": "x\n y", "b": 1})));
    }

    #[test]
    fn is_what_sha256sum_says() {
        assert_eq!(of_value(&json!({})), "d1:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }
}
