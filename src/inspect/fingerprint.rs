//! One text for equal schemas.

use super::snapshot::Snapshot;
use crate::base::checksum::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

impl Snapshot {
    /// `i1:` and the SHA-256 of all objects with their properties. Independent of oids, of the order in which
    /// objects were made and of the positions of columns.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut sha = Sha256::new();
        let mut text = String::new();
        for (key, object) in self.objects() {
            text.clear();
            quoted(key.kind.word(), &mut text);
            quoted(&key.name, &mut text);
            for (name, value) in &object.properties {
                quoted(name, &mut text);
                canonical(value, &mut text);
            }
            text.push('\n');
            sha.update(&text);
        }
        format!("i1:{}", hex(&sha.finalize()))
    }
}

/// JSON with sorted keys; unlike that of checksums, texts are as they are.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in entries {
                quoted(key, out);
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            list.iter().for_each(|item| {
                canonical(item, out);
                out.push(',');
            });
            out.push(']');
        }
        Value::String(text) => quoted(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// The length tells where a text ends.
fn quoted(text: &str, out: &mut String) {
    out.push_str(&text.len().to_string());
    out.push(':');
    out.push_str(text);
}
