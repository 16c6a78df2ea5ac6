//! The JSON Schemas of the source format, for editors, CI and documentation: draft-07 documents, which
//! yaml-language-server supports best, and the same facts as tables (`catalogue`).
//!
//! Doc comments of the types become the hover text. `plain` and `editor` handle four problems of editors: a
//! `null` default ends completion, `oneOf` has no explanation and no hover, a `$ref` hides its siblings, and
//! `${name}` can stand for any scalar.

pub mod answers;
pub mod catalogue;
mod changelog;
mod editor;
mod model;
mod plain;
pub mod skeleton;

use super::config::ProjectConfig;
use super::testing::form::TestFileForm;
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
    model.document(
        "changelog",
        "dagmar changelog",
        "A file with changesets, below `plans/`, in any order and any directory.",
    )
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
    model.document("project", "dagmar.yaml", "The configuration of a dagmar project: its directories and environments.")
}

/// The schema of a file of tests.
#[must_use]
pub fn tests_schema() -> Value {
    let mut model = Model::of::<TestFileForm>();
    editor::finish(&mut model, true);
    model.document("tests", "dagmar tests", "A file of tests: what must hold before and after changesets are applied.")
}

/// The schema of `templates/<name>/manifest.yaml`.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut model = Model::of::<Manifest>();
    editor::finish(&mut model, false);
    let parameters = &mut model.root["properties"]["parameters"];
    *parameters = json!({ "type": "object", "description": parameters["description"] });
    model.document(
        "manifest",
        "dagmar change type",
        "The manifest of a custom change type: the parameters of its template.",
    )
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
