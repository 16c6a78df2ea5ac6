//! The JSON Schemas of the source format, for editors, CI and documentation. In: the types and
//! the project's own change types. Out: draft-07 documents, which is what yaml-language-server
//! understands best, and the same facts as tables (`catalogue`).
//!
//! Doc comments of the types become the hover text. Four traps of editors are taken care of in
//! `plain` and `editor`: a `null` default ends completion, `oneOf` explains nothing and has
//! no hover, a `$ref` hides what stands beside it, and `${name}` may stand for any scalar.

pub mod answers;
pub mod catalogue;
mod changelog;
mod editor;
mod model;
mod plain;
pub mod skeleton;

use super::config::ProjectConfig;
use crate::change::custom::Manifest;
pub use changelog::Custom;
use changelog::changelog;
use model::Model;
use serde_json::{Value, json};

/// The schema of a file below `plans/`, with the built-in change types and the project's own.
#[must_use]
pub fn changelog_schema(custom: &Custom) -> Value {
    let mut model = changelog(custom);
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
