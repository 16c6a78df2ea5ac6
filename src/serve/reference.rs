//! The page of the API in the documentation, from its OpenAPI document.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The page.
#[must_use]
pub fn markdown(document: &Value) -> String {
    let mut out = String::from(
        "# The routes of the service\n\n\
         This page is generated from [openapi.json](../schema/openapi.json), which the service has as \
         `GET /api/v1/openapi.json`. [The service](service.md) says what they have in common.\n",
    );
    for tag in list(&document["tags"]) {
        let _ = write!(out, "\n## {}\n\n", heading(text(&tag["name"])));
        out.push_str("| route | role | what it does |\n|---|---|---|\n");
        let of_tag = || operations(document).filter(|(_, _, operation)| operation["tags"][0] == tag["name"]);
        for (method, path, operation) in of_tag() {
            let (role, name) = (operation["x-dagmar-role"].as_str().unwrap_or("none"), text(&operation["operationId"]));
            let summary = text(&operation["summary"]);
            let _ = writeln!(out, "| [`{method} {path}`](#{}) | {role} | {summary} |", name.to_lowercase());
        }
        for (method, path, operation) in of_tag() {
            one(&mut out, document, method, path, operation);
        }
    }
    out
}

fn heading(tag: &str) -> &str {
    if tag == "api" { "The API" } else { "Scripts and probes" }
}

/// All operations: method, path, operation.
fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let all = map(&document["paths"]).into_iter().flatten();
    all.flat_map(|(path, methods)| {
        let methods = map(methods).into_iter().flatten();
        methods.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

fn one(out: &mut String, document: &Value, method: String, path: &str, operation: &Value) {
    let _ = write!(out, "\n### {}\n\n`{method} {path}`\n\n", text(&operation["operationId"]));
    let _ = writeln!(out, "{}", text(&operation["description"]));
    for (place, heading) in [("query", "parameter"), ("header", "header")] {
        let own: Vec<&Value> = list(&operation["parameters"]).filter(|one| one["in"] == place).collect();
        if !own.is_empty() {
            let _ = write!(out, "\n| {heading} | is | meaning |\n|---|---|---|\n");
        }
        for one in own {
            let (name, about) = (text(&one["name"]), text(&one["description"]));
            let _ = writeln!(out, "| `{name}` | {} | {about} |", kind(&one["schema"]));
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if let Some(properties) = map(&body["properties"]) {
        out.push_str("\n| field of the body | is | meaning |\n|---|---|---|\n");
        fields(out, properties);
    }
    let mut problems = Vec::new();
    for (status, response) in map(&operation["responses"]).into_iter().flatten() {
        let Some(content) = map(&response["content"]) else {
            problems.push(format!("`{status}`"));
            continue;
        };
        for (media, answer) in content {
            let schema = there(document, &answer["schema"]);
            let name = named(&answer["schema"]).map_or_else(String::new, |name| format!(": {name}"));
            let _ = write!(out, "\n`{status}` as `{media}`{name}\n");
            if let Some(properties) = map(&schema["properties"]) {
                out.push_str("\n| field | is | meaning |\n|---|---|---|\n");
                fields(out, properties);
            }
        }
    }
    let _ = writeln!(out, "\nProblems: {}", problems.join(", "));
}

fn fields(out: &mut String, properties: &Map<String, Value>) {
    for (name, schema) in properties {
        let about = text(&schema["description"]).replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(out, "| `{name}` | {} | {about} |", kind(schema));
    }
}

/// What a value is, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return name.to_owned();
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if let Some(parts) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        let mut parts: Vec<String> = parts.iter().map(kind).collect();
        parts.dedup();
        return parts.join(" or ");
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) if name == "integer" && schema["maximum"].is_number() && schema["maximum"] != i64::MAX => {
            format!("integer from {} to {}", schema["minimum"], schema["maximum"])
        }
        Value::String(name) => name.clone(),
        _ => "any value".to_owned(),
    }
}

/// The name of the schema that is referred to.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn there<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let found = named(schema).map(|name| &document["components"]["schemas"][name]);
    found.unwrap_or(schema)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn map(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}
