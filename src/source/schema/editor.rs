//! What editors need: references that hide nothing, `${name}` where a scalar is wanted.

use super::model::{CHANGE, Model, REFERENCE, name_of};
use super::plain::below;
use crate::change::custom::CustomKind;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A scalar that is nothing but a variable.
const VARIABLE: &str = r"^\$\{[^}]+\}$";

/// Makes a model ready to be written. `variables`: whether `${name}` is filled in there.
pub fn finish(model: &mut Model, variables: bool) {
    let definitions = model.definitions.clone();
    let mut roots: Vec<(&str, &mut Value)> = vec![("", &mut model.root)];
    let rest = model.definitions.iter_mut().filter(|(name, _)| *name != CHANGE);
    roots.extend(rest.map(|(name, schema)| (name.as_str(), schema)));
    for (name, schema) in roots {
        open(schema, &definitions, &mut vec![name.to_owned()]);
        if variables {
            relax(schema)
        } else {
            tighten(schema)
        }
        hover(schema);
    }
    let mut used = BTreeSet::new();
    mark(&model.root, &model.definitions, &mut used);
    model.definitions.retain(|name, _| used.contains(name));
}

/// Puts the definition in the place of a reference that has something beside it: draft-07
/// says that everything beside `$ref` is ignored.
fn open(schema: &mut Value, definitions: &Map<String, Value>, way: &mut Vec<String>) {
    let Value::Object(map) = schema else { return };
    let name = map.get("$ref").and_then(Value::as_str).and_then(name_of).map(str::to_owned);
    let opened = name.filter(|name| map.len() > 1 && !way.contains(name));
    let depth = way.len();
    if let Some(name) = opened
        && let Some(Value::Object(target)) = definitions.get(&name)
    {
        map.remove("$ref");
        for (key, value) in target {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
        way.push(name);
    }
    below(map).into_iter().for_each(|schema| open(schema, definitions, way));
    way.truncate(depth);
}

/// Lets a variable stand for a number, a boolean or a word.
fn relax(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    below(map).into_iter().for_each(relax);
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if map.contains_key("const") || map.contains_key("enum") && kind != "string" {
        return;
    }
    if matches!(kind.as_str(), "integer" | "number" | "boolean") {
        let wanted = if kind == "boolean" { "true or false" } else { "a number" };
        map.insert("type".to_owned(), json!([kind, "string"]));
        map.insert("pattern".to_owned(), VARIABLE.into());
        // not in the standard: editors say it in place of the pattern
        map.insert("patternErrorMessage".to_owned(), format!("Write {wanted}, or a variable: ${{name}}.").into());
    } else if let Some(words) = map.remove("enum") {
        let mut known = Map::from_iter([("enum".to_owned(), words)]);
        known.extend(map.remove("enumDescriptions").map(|d| ("enumDescriptions".to_owned(), d)));
        map.insert("anyOf".to_owned(), json!([known, { "pattern": VARIABLE }]));
    }
}

/// What editors show: backticks as code, and no default that they would write for the author.
fn hover(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    below(map).into_iter().for_each(hover);
    if map.get("default") == Some(&Value::Bool(false)) {
        map.remove("default");
    }
    if let Some(Value::String(text)) = map.get("description")
        && text.contains('`')
    {
        let text = Value::from(text.as_str());
        map.insert("markdownDescription".to_owned(), text);
    }
}

/// Where no variables are filled in, a length of time is none.
pub fn tighten(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    below(map).into_iter().for_each(tighten);
    if let Some(Value::String(pattern)) = map.get_mut("pattern")
        && let Some(strict) = pattern.strip_suffix(r"|\$\{")
    {
        *pattern = strict.to_owned();
    }
}

fn mark(schema: &Value, definitions: &Map<String, Value>, used: &mut BTreeSet<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|item| mark(item, definitions, used)),
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(name_of) {
                let name = name.split('/').next().unwrap_or(name);
                if used.insert(name.to_owned())
                    && let Some(target) = definitions.get(name)
                {
                    mark(target, definitions, used);
                }
            }
            map.values().for_each(|value| mark(value, definitions, used));
        }
        _ => {}
    }
}

/// The schema of an own change type's parameters, as a definition: what it refers to inside of
/// itself has moved.
pub fn own_type(name: &str, kind: &CustomKind) -> Value {
    let mut schema = match &kind.manifest.parameters {
        Value::Object(map) => map.clone(),
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    schema.remove("$schema");
    schema.remove("$id");
    schema.insert("description".to_owned(), kind.manifest.description.trim().into());
    let mut schema = Value::Object(schema);
    moved(&mut schema, &format!("{REFERENCE}{name}"));
    schema
}

fn moved(schema: &mut Value, to: &str) {
    let Value::Object(map) = schema else { return };
    if let Some(Value::String(reference)) = map.get_mut("$ref")
        && let Some(rest) = reference.strip_prefix('#')
    {
        *reference = format!("{to}{rest}");
    }
    below(map).into_iter().for_each(|schema| moved(schema, to));
}
