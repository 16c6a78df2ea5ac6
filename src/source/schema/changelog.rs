//! What a file of changesets may hold, with all change types.

use super::editor;
use super::model::{CHANGE, Model, REFERENCE};
use super::plain;
use crate::change::KINDS;
use crate::change::custom::CustomKind;
use crate::source::changeset::ChangelogFile;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The project's own change types by their names.
pub type Custom = BTreeMap<String, Arc<CustomKind>>;

/// The model of a file of changesets.
pub(super) fn changelog(custom: &Custom) -> Model {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut kinds: Vec<(&str, Value)> =
        KINDS.iter().map(|kind| (kind.name, (kind.schema)(&mut generator).to_value())).collect();
    let mut model = Model::collect::<ChangelogFile>(&mut generator);
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
