//! The JSON Schemas of the source format, for editors, CI and documentation. In: the types and
//! the project's own change types. Out: draft-07 documents, which is what yaml-language-server
//! understands best, and the same facts as tables (`catalogue`).
//!
//! Doc comments of the types become the hover text. Four traps of editors are taken care of in
//! `plain` and `editor`: a `null` default ends completion, `oneOf` explains nothing and has
//! no hover, a `$ref` hides what stands beside it, and `${name}` may stand for any scalar.

pub mod catalogue;
mod editor;
mod plain;
pub mod skeleton;

use super::changeset::ChangelogFile;
use super::project::ProjectConfig;
use crate::change::KINDS;
use crate::change::custom::{CustomKind, Manifest};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the definition that lists all change types.
const CHANGE: &str = "Change";

/// The start of a reference to a definition.
const REFERENCE: &str = "#/definitions/";

/// The project's own change types by their names.
pub type Custom = BTreeMap<String, Arc<CustomKind>>;

/// The schema of a file below `plans/`, with the built-in change types and the project's own.
#[must_use]
pub fn changelog_schema(custom: &Custom) -> Value {
    let mut model = Model::changelog(custom);
    editor::finish(&mut model, true);
    model.document("changelog", "dagmar changelog", "Changesets: a file below `plans/`, in any order and any folder.")
}

/// The schema of `dagmar.yaml`.
#[must_use]
pub fn project_schema() -> Value {
    let mut model = Model::of::<ProjectConfig>();
    editor::finish(&mut model, false);
    // an empty file is a project, and an environment needs no keys
    allow_null(&mut model.root);
    let environment = json!({ "anyOf": [{ "$ref": "#/definitions/Environment" }, { "type": "null" }] });
    model.root["properties"]["environments"]["additionalProperties"] = environment;
    model.document("project", "dagmar.yaml", "A project of dagmar: where things lie, and its environments.")
}

/// The schema of `templates/<name>/manifest.yaml`.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut model = Model::of::<Manifest>();
    editor::finish(&mut model, false);
    let parameters = &mut model.root["properties"]["parameters"];
    *parameters = json!({ "type": "object", "description": parameters["description"] });
    model.document("manifest", "dagmar change type", "A change type of the project's own: what its template takes.")
}

/// The types as schemars sees them, each under its name.
#[derive(Debug, Clone)]
struct Model {
    root: Value,
    definitions: Map<String, Value>,
}

impl Model {
    fn of<T: JsonSchema>() -> Self {
        let mut generator = SchemaSettings::draft07().into_generator();
        Self::collect::<T>(&mut generator)
    }

    fn changelog(custom: &Custom) -> Self {
        let mut generator = SchemaSettings::draft07().into_generator();
        let mut kinds: Vec<(&str, Value)> =
            KINDS.iter().map(|kind| (kind.name, (kind.schema)(&mut generator).to_value())).collect();
        let mut model = Self::collect::<ChangelogFile>(&mut generator);
        for (name, kind) in custom {
            model.definitions.insert(name.clone(), editor::own_type(name, kind));
            kinds.push((name, json!({ "$ref": format!("{REFERENCE}{name}") })));
        }
        kinds.sort_by_key(|(name, _)| *name);
        let properties = kinds.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        let description = "One change: a change type with its parameters.";
        model.definitions.insert(CHANGE.to_owned(), plain::one_key(description, properties));
        model
    }

    fn collect<T: JsonSchema>(generator: &mut SchemaGenerator) -> Self {
        let name = generator.subschema_for::<T>();
        // schemars' own transforms would wrap what stands beside a reference
        let mut definitions = generator.take_definitions(false);
        definitions.values_mut().for_each(plain::simplify);
        let root = name.get("$ref").and_then(Value::as_str).and_then(|r| definitions.remove(name_of(r)?));
        Self { root: root.unwrap_or_else(|| name.to_value()), definitions }
    }

    fn document(self, id: &str, title: &str, description: &str) -> Value {
        let mut document = Map::new();
        document.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        document.insert("$id".to_owned(), format!("urn:dagmar:schema:{id}").into());
        document.insert("title".to_owned(), title.into());
        document.insert("description".to_owned(), description.into());
        for (key, value) in self.root.as_object().into_iter().flatten() {
            document.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let mut definitions: Vec<(String, Value)> = self.definitions.into_iter().collect();
        definitions.sort_by(|a, b| a.0.cmp(&b.0));
        if !definitions.is_empty() {
            document.insert("definitions".to_owned(), Value::Object(definitions.into_iter().collect()));
        }
        Value::Object(document)
    }
}

/// The name of the definition that a reference means.
fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix(REFERENCE)
}

/// Lets a schema of one type take nothing at all too.
fn allow_null(schema: &mut Value) {
    if let Value::String(kind) = &schema["type"] {
        schema["type"] = json!([kind, "null"]);
    }
}

/// A schema as the text of a file.
#[must_use]
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests;
