//! The schemas as tables: what each change type takes.

use super::changelog::{Custom, changelog};
use super::model::{CHANGE, Model, name_of};
use schemars::JsonSchema;
use serde_json::{Map, Value};

/// A change type, or an object that is a part of one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FormatEntry")]
pub struct Entry {
    /// The YAML key, or the name of the part: `createTable`, `column`.
    pub name: String,
    /// True for a custom change type of the project.
    pub own: bool,
    /// The description.
    pub description: String,
    /// The keys, in the order of the source.
    pub keys: Vec<Key>,
    /// The values of an enumeration: value and meaning.
    pub words: Vec<(String, String)>,
    /// The names of the parts that the keys refer to.
    pub parts: Vec<String>,
}

/// One key of an object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FormatKey")]
pub struct Key {
    /// The key.
    pub name: String,
    /// The type of the value: `text`, `list of column`.
    #[serde(rename = "type")]
    pub kind: String,
    /// True if the key is required.
    pub required: bool,
    /// The description.
    pub description: String,
    /// The default, as JSON.
    pub default: Option<Value>,
}

/// Everything that can stand under `changes:`.
#[derive(Debug)]
pub struct Catalogue {
    model: Model,
    own: Vec<String>,
}

impl Catalogue {
    /// The built-in change types and the project's own.
    #[must_use]
    pub fn new(custom: &Custom) -> Self {
        Self { model: changelog(custom), own: custom.keys().cloned().collect() }
    }

    /// The names of the change types, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.model.definitions[CHANGE]["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// All change types, in alphabetical order.
    #[must_use]
    pub fn change_types(&self) -> Vec<Entry> {
        self.names().filter_map(|name| self.change_type(name)).collect()
    }

    /// The change type of this name.
    #[must_use]
    pub fn change_type(&self, name: &str) -> Option<Entry> {
        let schema = self.parameters(name)?;
        let mut entry = self.entry(name, schema);
        entry.own = self.own.iter().any(|own| own == name);
        Some(entry)
    }

    /// The parts that these entries refer to, and those that the parts refer to; by name.
    #[must_use]
    pub fn parts(&self, of: &[Entry]) -> Vec<Entry> {
        let mut open: Vec<String> = of.iter().flat_map(|entry| entry.parts.clone()).collect();
        let mut found: Vec<Entry> = Vec::new();
        while let Some(name) = open.pop() {
            if found.iter().any(|entry| entry.name == name) {
                continue;
            }
            let schema = self.model.definitions.iter().find(|(key, _)| shown(key) == name).map(|(_, schema)| schema);
            if let Some(schema) = schema {
                let entry = self.entry(&name, schema);
                open.extend(entry.parts.clone());
                found.push(entry);
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The schema of a change type's parameters.
    pub(super) fn parameters(&self, name: &str) -> Option<&Value> {
        self.model.definitions[CHANGE]["properties"].get(name).map(|schema| self.resolve(schema))
    }

    /// What a reference means; anything else as it is.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(name_of);
        name.and_then(|name| self.model.definitions.get(name)).unwrap_or(schema)
    }

    fn entry(&self, name: &str, schema: &Value) -> Entry {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut parts = Vec::new();
        let keys = schema["properties"].as_object().into_iter().flatten().map(|(key, value)| Key {
            name: key.clone(),
            kind: self.kind(value, &mut parts),
            required: required.contains(&key.as_str()),
            description: self.description(value),
            default: value.get("default").filter(|d| *d != &Value::Bool(false)).cloned(),
        });
        let keys = keys.collect();
        Entry {
            name: name.to_owned(),
            own: false,
            description: text_of(schema, "description"),
            keys,
            words: words(schema),
            parts,
        }
    }

    fn description(&self, schema: &Value) -> String {
        let own = text_of(schema, "description");
        if own.is_empty() { text_of(self.resolve(schema), "description") } else { own }
    }

    /// What a schema takes, in words.
    fn kind(&self, schema: &Value, parts: &mut Vec<String>) -> String {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(name_of) {
            let target = self.resolve(schema);
            // its own comment says enough
            let bare: Map<String, Value> = target
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(k, _)| *k != "description")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            if name.starts_with("OneOrMany") {
                return self.kind(&Value::Object(bare), parts);
            }
            let short = words(target);
            if !short.is_empty() && short.len() <= 4 {
                return listed(&short);
            }
            parts.push(shown(name));
            return shown(name);
        }
        if let Some(Value::Array(members)) = schema.get("anyOf") {
            if let [one, many] = members.as_slice()
                && many.get("items") == Some(one)
            {
                return format!("{}, or a list", self.kind(one, parts));
            }
            let kinds: Vec<String> = members.iter().map(|m| self.kind(m, parts)).collect();
            return kinds.join(" or ");
        }
        let words = words(schema);
        if !words.is_empty() {
            return listed(&words);
        }
        match &schema["type"] {
            Value::String(kind) => self.simple(kind, schema, parts),
            Value::Array(kinds) => {
                let kinds: Vec<String> =
                    kinds.iter().filter_map(Value::as_str).map(|k| self.simple(k, schema, parts)).collect();
                kinds.join(" or ")
            }
            _ => "anything".to_owned(),
        }
    }

    fn simple(&self, kind: &str, schema: &Value, parts: &mut Vec<String>) -> String {
        match kind {
            "string" => "text".to_owned(),
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", self.kind(items, parts)),
                None => "list".to_owned(),
            },
            "object" => match schema.get("additionalProperties") {
                Some(values @ Value::Object(_)) => format!("mapping of names to {}", self.kind(values, parts)),
                _ => "mapping".to_owned(),
            },
            "boolean" => "true or false".to_owned(),
            other => other.to_owned(),
        }
    }
}

/// The words of an enumeration with their meanings.
fn words(schema: &Value) -> Vec<(String, String)> {
    let meanings = schema["enumDescriptions"].as_array();
    let word = |(i, word): (usize, &Value)| {
        let meaning = meanings.and_then(|m| m.get(i)).and_then(Value::as_str).unwrap_or_default();
        (word.as_str().map_or_else(|| word.to_string(), str::to_owned), meaning.to_owned())
    };
    schema["enum"].as_array().into_iter().flatten().enumerate().map(word).collect()
}

fn listed(words: &[(String, String)]) -> String {
    words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn text_of(schema: &Value, key: &str) -> String {
    schema[key].as_str().unwrap_or_default().trim().to_owned()
}

/// The name of a definition as people read it: `ColumnSpec` is `column`.
fn shown(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for (i, c) in name.strip_suffix("Spec").unwrap_or(name).chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
