//! The least that a change type takes, to be filled in.

use super::catalogue::Catalogue;
use serde_json::Value;
use std::fmt::Write;

/// Stands where a value has to be put; no name and no SQL that anybody means holds it.
pub const HOLE: &str = "<change_me>";

/// How deep objects are written out.
const DEEPEST: usize = 4;

impl Catalogue {
    /// A change of this type with its required keys, as an entry of a YAML list at this
    /// indentation; the other keys are named in a comment.
    #[must_use]
    pub fn skeleton(&self, name: &str, indent: usize) -> Option<String> {
        let schema = self.parameters(name)?;
        let mut out = String::new();
        let pad = " ".repeat(indent);
        match self.example(schema, 0) {
            Value::Object(map) if map.is_empty() => {
                let _ = writeln!(out, "{pad}- {name}: {{}}");
            }
            value => {
                let _ = writeln!(out, "{pad}- {name}:");
                block(&value, indent + 4, &mut out);
            }
        }
        let required = required(schema);
        let others: Vec<&str> = properties(schema).map(|(key, _)| key).filter(|key| !required.contains(key)).collect();
        if !others.is_empty() {
            let _ = writeln!(out, "{pad}    # also: {}", others.join(", "));
        }
        Some(out)
    }

    /// A value that fits the schema.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let given = |schema: &Value| schema["examples"].get(0).or_else(|| schema.get("default")).cloned();
        let schema_or_target = self.resolve(schema);
        // a value of our own example would be taken for the reader's
        if schema["$ref"].as_str().is_some_and(|r| r.ends_with("/QualifiedName")) {
            return format!("app.{HOLE}").into();
        }
        if let Some(example) = given(schema).or_else(|| given(schema_or_target)) {
            return example;
        }
        let schema = schema_or_target;
        if let Some(word) = schema["enum"].get(0) {
            return word.clone();
        }
        if let Some(first) = schema["anyOf"].get(0) {
            return self.example(first, depth);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
        match kind {
            "object" if depth < DEEPEST => self.object(schema, depth),
            "array" => {
                let item = schema.get("items").map_or_else(|| HOLE.into(), |items| self.example(items, depth + 1));
                Value::Array(vec![item])
            }
            "integer" | "number" => {
                schema.get("minimum").cloned().filter(|m| m.as_u64() != Some(0)).unwrap_or_else(|| 1.into())
            }
            "boolean" => true.into(),
            _ => HOLE.into(),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = required(schema);
        // where exactly one key or any of several is meant, the first shows how it is written
        let first = properties(schema).next().filter(|_| required.is_empty() && depth > 0).map(|(key, _)| key);
        let mut map: serde_json::Map<String, Value> = properties(schema)
            .filter(|(key, _)| required.contains(key) || first == Some(key))
            .map(|(key, value)| (key.to_owned(), self.example(value, depth + 1)))
            .collect();
        if let (true, Some(values @ Value::Object(_))) = (map.is_empty(), schema.get("additionalProperties")) {
            map.insert(HOLE.to_owned(), self.example(values, depth + 1));
        }
        Value::Object(map)
    }
}

fn required(schema: &Value) -> Vec<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    schema["properties"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Writes a value in block style.
fn block(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                entry(&format!("{pad}{key}:"), value, indent + 2, out);
            }
        }
        Value::Array(list) => {
            for value in list {
                entry(&format!("{pad}-"), value, indent + 2, out);
            }
        }
        scalar_value => {
            let _ = writeln!(out, "{pad}{}", plain(scalar_value));
        }
    }
}

fn entry(head: &str, value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if head.ends_with('-') || map.is_empty() => {
            let _ = writeln!(out, "{head} {}", plain(value));
        }
        Value::Object(_) | Value::Array(_) => {
            let _ = writeln!(out, "{head}");
            block(value, indent, out);
        }
        value => {
            let _ = writeln!(out, "{head} {}", plain(value));
        }
    }
}

/// A value on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(k, v)| format!("{k}: {}", plain(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as a YAML scalar, quoted where it would be read as something else.
#[must_use]
pub fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '(' | ')' | ' ' | '<' | '>');
    // `002-users` is no number, `2-3` might be one
    let numbered = || text.split_once('-').is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let plain = (text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '<')) || numbered())
        && text.chars().all(safe)
        && !text.starts_with(['-', '.', '/', '(', ')', ' '])
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_lowercase().as_str());
    // a JSON text is a double-quoted scalar of YAML
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}
