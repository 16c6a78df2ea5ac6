//! Differences in words.

use super::compare::{Change, Difference};
use serde_json::Value;
use similar::TextDiff;
use std::collections::BTreeSet;

/// A difference in a line; a definition of several lines as a unified diff below it.
#[must_use]
pub fn words(difference: &Difference) -> String {
    let object = &difference.object;
    match &with_empty(&difference.change) {
        Change::Missing => format!("{object} is missing"),
        Change::Extra => format!("{object} is not expected"),
        Change::Moved { expected, found } => {
            format!("{object} is at position {found} instead of {expected}")
        }
        Change::Changed { property, expected: Value::String(expected), found: Value::String(found) }
            if expected.trim_end().contains('\n') || found.trim_end().contains('\n') =>
        {
            let diff = TextDiff::from_lines(expected.as_str(), found.as_str());
            let diff = diff.unified_diff().context_radius(2).header("expected", "found").to_string();
            format!("{object}: {} differs\n{}", spaced(property), diff.trim_end())
        }
        Change::Changed { property, expected: Value::Object(expected), found: Value::Object(found) } => {
            let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            let other = names.into_iter().filter(|name| expected.get(*name) != found.get(*name));
            let one = |map: &serde_json::Map<String, Value>, name| value(map.get(name).unwrap_or(&Value::Null));
            let other = other.map(|name| format!("{name} is {} instead of {}", one(found, name), one(expected, name)));
            format!("{object}: {}: {}", spaced(property), other.collect::<Vec<_>>().join("; "))
        }
        Change::Changed { property, expected: Value::Array(expected), found: Value::Array(found) } => {
            let only = |these: &[Value], others: &[Value]| {
                let only: Vec<String> = these.iter().filter(|one| !others.contains(one)).map(value).collect();
                only.join("; ")
            };
            let (lacks, has) = (only(expected, found), only(found, expected));
            let what = match (lacks.as_str(), has.as_str()) {
                ("", "") => format!("{} instead of {}", list(found), list(expected)),
                (lacks, "") => format!("lacks {lacks}"),
                ("", has) => format!("has {has} in addition"),
                (lacks, has) => format!("lacks {lacks} and has {has}"),
            };
            format!("{object}: {}: {what}", spaced(property))
        }
        Change::Changed { property, expected, found } => {
            format!("{object}: {} is {} instead of {}", spaced(property), value(found), value(expected))
        }
    }
}

/// A change in which no list is an empty list, and no options are empty options.
fn with_empty(change: &Change) -> Change {
    let Change::Changed { property, expected, found } = change else { return change.clone() };
    let like = |one: &Value, other: &Value| match (one, other) {
        (Value::Null, Value::Array(_)) => Value::Array(Vec::new()),
        (Value::Null, Value::Object(_)) => Value::Object(serde_json::Map::new()),
        _ => one.clone(),
    };
    Change::Changed { property: property.clone(), expected: like(expected, found), found: like(found, expected) }
}

fn list(items: &[Value]) -> String {
    items.iter().map(value).collect::<Vec<_>>().join("; ")
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "unset".to_owned(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

/// `replicaIdentity` as `replica identity`.
fn spaced(property: &str) -> String {
    let mut out = String::new();
    for c in property.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
