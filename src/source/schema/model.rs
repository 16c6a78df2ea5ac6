//! The types of the source format as schemars sees them.

use super::plain;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// The name of the definition that lists all change types.
pub(super) const CHANGE: &str = "Change";

/// The start of a reference to a definition.
pub(super) const REFERENCE: &str = "#/definitions/";

/// The types as schemars sees them, each under its name.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub root: Value,
    pub definitions: Map<String, Value>,
}

impl Model {
    pub fn of<T: JsonSchema>() -> Self {
        let mut generator = SchemaSettings::draft07().into_generator();
        Self::collect::<T>(&mut generator)
    }

    pub fn collect<T: JsonSchema>(generator: &mut SchemaGenerator) -> Self {
        let name = generator.subschema_for::<T>();
        // schemars' own transforms would wrap what stands beside a reference
        let mut definitions = generator.take_definitions(false);
        definitions.values_mut().for_each(plain::simplify);
        let root = name.get("$ref").and_then(Value::as_str).and_then(|r| definitions.remove(name_of(r)?));
        Self { root: root.unwrap_or_else(|| name.to_value()), definitions }
    }

    pub fn document(self, id: &str, title: &str, description: &str) -> Value {
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
pub(super) fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix(REFERENCE)
}
