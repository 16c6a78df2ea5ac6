//! What schemars writes, as simply as it can be said.

use serde_json::{Map, Value, json};

/// Simplifies a schema and everything below it: nothing is `null`, enumerations are `enum`,
/// enums of Rust with contents are objects of one key, comments are lines of text.
pub fn simplify(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    below(map).into_iter().for_each(simplify);
    without_null(map);
    one_of(map);
    number(map);
    if map.get("default").is_some_and(|d| d.is_null() || d == &json!([]) || d == &json!({})) {
        map.remove("default");
    }
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = unwrap_lines(text);
    }
}

/// The schemas that a schema is made of. A key of `properties` may be called like a word of
/// JSON Schema, so that not everything below is one.
pub fn below(schema: &mut Map<String, Value>) -> Vec<&mut Value> {
    let mut found = Vec::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "definitions" | "$defs", Value::Object(map)) => {
                found.extend(map.values_mut());
            }
            ("anyOf" | "oneOf" | "allOf" | "items" | "prefixItems", Value::Array(list)) => found.extend(list),
            (
                "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains" | "propertyNames",
                value @ Value::Object(_),
            ) => found.push(value),
            _ => {}
        }
    }
    found
}

/// An object with exactly one of these keys. Editors complete and explain it, which they do
/// not with `oneOf`.
pub fn one_key(description: &str, properties: Map<String, Value>) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

/// Takes `null` out of the types: a key without a value is an unfinished line.
pub fn without_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            map.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(members)) = map.get_mut("anyOf") else { return };
    members.retain(|member| member != &json!({ "type": "null" }));
    if let [Value::Object(only)] = members.as_slice() {
        let only = only.clone();
        map.remove("anyOf");
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    } else if members.iter().all(|m| m.as_object().is_some_and(|m| m.len() == 1 && m.contains_key("type"))) {
        let types: Vec<Value> = members.iter().map(|m| m["type"].clone()).collect();
        map.remove("anyOf");
        map.insert("type".to_owned(), types.into());
    }
}

/// Rewrites the alternatives of a Rust enum.
fn one_of(map: &mut Map<String, Value>) {
    let Some(Value::Array(members)) = map.get("oneOf") else { return };
    let mut words = Vec::new();
    let mut meanings = Vec::new();
    let mut keys = Map::new();
    for member in members {
        let meaning = member.get("description").cloned().unwrap_or_else(|| "".into());
        if let Some(word) = member.get("const") {
            words.push(word.clone());
            meanings.push(meaning);
        } else if let Some(Value::Array(several)) = member.get("enum") {
            meanings.extend(several.iter().map(|_| meaning.clone()));
            words.extend(several.iter().cloned());
        } else if let Some(Value::Object(properties)) = member.get("properties") {
            for (key, schema) in properties {
                let mut schema = schema.clone();
                schema["description"] = meaning.clone();
                keys.insert(key.clone(), schema);
            }
        }
    }
    if keys.is_empty() {
        map.remove("oneOf");
        map.insert("type".to_owned(), "string".into());
        map.insert("enum".to_owned(), words.into());
        map.insert("enumDescriptions".to_owned(), meanings.into());
    } else {
        let description = map.get("description").and_then(Value::as_str).unwrap_or_default();
        if let Value::Object(one) = one_key(description, keys) {
            *map = one;
        }
    }
}

/// The bounds of an integer type, in words that every validator knows.
fn number(map: &mut Map<String, Value>) {
    let Some(format) = map.remove("format") else { return };
    let most = match format.as_str().unwrap_or_default() {
        "uint8" => u64::from(u8::MAX),
        "uint16" => u64::from(u16::MAX),
        "uint32" => u64::from(u32::MAX),
        _ => return,
    };
    // a range that was written is narrower than the type
    map.entry("maximum").or_insert_with(|| most.into());
}

/// A comment without the line ends that only the source file has; paragraphs stay.
pub fn unwrap_lines(text: &str) -> String {
    let paragraphs: Vec<String> =
        text.split("\n\n").map(|p| p.lines().map(str::trim).collect::<Vec<_>>().join(" ")).collect();
    paragraphs.join("\n\n")
}
