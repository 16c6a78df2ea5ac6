//! The JSON Schemas of what commands answer, in draft 2020-12: what is written, and not what may be. Every
//! object is closed, so that a field without a schema is noticed.

use super::editor::tighten;
use super::plain::{below, unwrap_lines, without_null};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The schema of one answer.
pub type Answer = fn(&mut SchemaGenerator) -> Schema;

/// A command by its words (`attic list`), and what it may answer.
pub type Row = (&'static str, &'static [Answer]);

/// The schema of an answer of this type.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Where definitions are.
const REFERENCE: &str = "#/$defs/";

/// The schema of what one command may answer.
#[must_use]
pub fn of_command((command, answers): Row) -> Value {
    let (mut schemas, definitions) = definitions(&[(command, answers)]);
    let mut document = head(
        &format!("answers:{}", command.replace(' ', "-")),
        &format!("dagmar {command} --format json"),
        "Each value that the command writes, or each line where it writes lines of JSON.",
    );
    document.insert("anyOf".to_owned(), schemas.remove(command).unwrap_or_default()["anyOf"].take());
    document.insert("$defs".to_owned(), definitions.into());
    document.into()
}

/// The schemas of what all commands may answer: an object with a key for each command.
#[must_use]
pub fn of_all(rows: &[Row]) -> Value {
    let (schemas, definitions) = definitions(rows);
    let mut document = head(
        "answers",
        "dagmar --format json",
        "The `--format json` output of each command, by its name: each value, or each line of JSON lines.",
    );
    document.insert("type".to_owned(), "object".into());
    document.insert("properties".to_owned(), schemas.into());
    document.insert("additionalProperties".to_owned(), false.into());
    document.insert("$defs".to_owned(), definitions.into());
    document.into()
}

fn head(id: &str, title: &str, description: &str) -> Map<String, Value> {
    [
        ("$schema", "https://json-schema.org/draft/2020-12/schema"),
        ("$id", &format!("urn:dagmar:schema:{id}")),
        ("title", title),
        ("description", description),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.into()))
    .collect()
}

/// The schemas of answers by their names, and the definitions that they refer to, which are kept in another place:
/// `#/components/schemas/`.
#[must_use]
pub fn kept_at(place: &str, rows: &[(&str, &[Answer])]) -> (Map<String, Value>, Map<String, Value>) {
    let (mut schemas, mut definitions) = definitions(rows);
    schemas.values_mut().chain(definitions.values_mut()).for_each(|schema| moved(schema, place));
    (schemas, definitions)
}

/// Lets references lead to another place.
fn moved(schema: &mut Value, place: &str) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(|item| moved(item, place)),
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(REFERENCE)
            {
                *reference = format!("{place}{name}");
            }
            map.values_mut().for_each(|schema| moved(schema, place));
        }
        _ => {}
    }
}

/// The answers of each command, and the definitions that they refer to.
fn definitions(rows: &[(&str, &[Answer])]) -> (Map<String, Value>, Map<String, Value>) {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schemas = Map::new();
    for (command, answers) in rows {
        let any: Vec<Value> = answers.iter().map(|answer| answer(&mut generator).to_value()).collect();
        schemas.insert((*command).to_owned(), json!({ "anyOf": any }));
    }
    let mut definitions = generator.take_definitions(true);
    let all = definitions.clone();
    for schema in definitions.values_mut().chain(schemas.values_mut()) {
        open(schema, &all);
        plain(schema);
        tighten(schema);
        close(schema, false);
    }
    let mut used = BTreeSet::new();
    schemas.values().for_each(|schema| mark(schema, &definitions, &mut used));
    definitions.retain(|name, _| used.contains(name));
    let mut sorted: Vec<(String, Value)> = definitions.into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    (schemas, sorted.into_iter().collect())
}

fn name_of(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)?.strip_prefix(REFERENCE)
}

/// Puts the definition in the place of a reference that has keys beside it: closed, it would refuse them.
fn open(schema: &mut Value, definitions: &Map<String, Value>) {
    let Value::Object(map) = schema else { return };
    if map.contains_key("properties")
        && let Some(Value::Object(target)) = name_of(map).and_then(|name| definitions.get(name))
    {
        map.remove("$ref");
        for (key, value) in target.clone() {
            match (map.get_mut(&key), value) {
                (Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
                (Some(Value::Array(own)), Value::Array(more)) => own.extend(more),
                (Some(_), _) => {}
                (None, value) => _ = map.insert(key, value),
            }
        }
    }
    below(map).into_iter().for_each(|schema| open(schema, definitions));
}

/// Comments as lines of text; without formats of numbers, which no standard has, and without `null` where a
/// key is left out instead.
fn plain(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    map.remove("format");
    if map.contains_key("const") {
        map.shift_remove("type");
    }
    let required = map.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = map.get_mut("properties").and_then(Value::as_object_mut);
    let optional = properties.into_iter().flatten().filter(|(key, _)| !required.contains(&Value::from(key.as_str())));
    optional.filter_map(|(_, schema)| schema.as_object_mut()).for_each(without_null);
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = unwrap_lines(text);
    }
    below(map).into_iter().for_each(plain);
}

/// Closes every object. `is_part`: it is a part of an object that is closed as a whole.
fn close(schema: &mut Value, is_part: bool) {
    let Value::Object(map) = schema else { return };
    let is_object = map.contains_key("properties");
    let parts = ["oneOf", "anyOf", "allOf"];
    let has_parts = parts.iter().any(|key| map.contains_key(*key));
    if is_object && !is_part {
        let key = if has_parts { "unevaluatedProperties" } else { "additionalProperties" };
        map.entry(key).or_insert(false.into());
    } else if is_part {
        map.shift_remove("additionalProperties");
    }
    for (key, value) in map {
        match value {
            Value::Array(list) if parts.contains(&key.as_str()) => {
                list.iter_mut().for_each(|part| close(part, is_part || is_object));
            }
            Value::Object(properties) if key == "properties" => {
                properties.values_mut().for_each(|schema| close(schema, false));
            }
            Value::Array(list) if key == "prefixItems" => list.iter_mut().for_each(|schema| close(schema, false)),
            value if key == "items" || key == "additionalProperties" => close(value, false),
            _ => {}
        }
    }
}

/// Notes which definitions are used.
fn mark(schema: &Value, definitions: &Map<String, Value>, used: &mut BTreeSet<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|item| mark(item, definitions, used)),
        Value::Object(map) => {
            if let Some(name) = name_of(map)
                && used.insert(name.to_owned())
                && let Some(target) = definitions.get(name)
            {
                mark(target, definitions, used);
            }
            map.values().for_each(|value| mark(value, definitions, used));
        }
        _ => {}
    }
}
