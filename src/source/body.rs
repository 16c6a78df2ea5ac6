//! What the checksum of a changeset covers.

use super::changeset::ParsedChange;
use super::lint;
use crate::base::Content;
use serde_json::{Map, Value};

/// What the checksum is taken of: what runs, not who wrote it or when it may run.
const CONTENT: [&str; 5] = ["preconditions", "changes", "verify", "rollback", "repeatable"];

fn content_of(raw: &Value) -> Value {
    let mut body = Map::new();
    for key in CONTENT {
        if let Some(value) = raw.get(key) {
            body.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(body)
}

/// The texts of files that changes refer to belong to the content.
fn add_files(body: &mut Value, changes: &[ParsedChange]) {
    let files: Vec<Value> = changes.iter().flat_map(|c| c.change.files()).map(Value::String).collect();
    if let (false, Value::Object(map)) = (files.is_empty(), body) {
        map.insert("files".to_owned(), Value::Array(files));
    }
}

/// The checksum of a changeset as it is written, and what it covers.
pub(super) fn of(raw: &Value, changes: &[ParsedChange]) -> (String, Content) {
    let mut body = content_of(raw);
    add_files(&mut body, changes);
    let content = Content::from(&body);
    (lint::checksum(&body, &content), content)
}
