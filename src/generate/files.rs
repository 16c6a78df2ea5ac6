//! Changesets as files.

use super::changeset::GeneratedChangeset;
use crate::inspect::ObjectKind as Kind;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Which changesets are in which file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// A file for each schema.
    #[default]
    Schema,
    /// A folder for each schema, with a file for each table, view, type and function.
    Object,
}

impl Layout {
    /// The texts of the files by their paths, which are relative to one folder.
    #[must_use]
    pub fn files(self, changesets: &[GeneratedChangeset]) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, Vec<&GeneratedChangeset>> = BTreeMap::new();
        for changeset in changesets {
            files.entry(self.path(changeset)).or_default().push(changeset);
        }
        files.into_iter().map(|(path, changesets)| (path, yaml(changesets))).collect()
    }

    fn path(self, changeset: &GeneratedChangeset) -> String {
        let object = &changeset.object;
        let name = object.name.split('(').next().unwrap_or_default();
        let (schema, name) = match name.split_once('.') {
            _ if object.kind == Kind::Schema => (name, "schema"),
            Some((schema, name)) => (schema, name),
            None => ("database", name),
        };
        let kind = object.kind.word();
        match self {
            Layout::Schema => format!("{}.yaml", plain(schema)),
            Layout::Object if object.kind == Kind::Schema => format!("{}/schema.yaml", plain(schema)),
            Layout::Object => format!("{}/{}-{}.yaml", plain(schema), plain(kind), plain(name)),
        }
    }
}

/// A name that every file system has.
fn plain(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.trim_matches('-').chars().take(100).collect::<String>();
    if name.is_empty() { "other".to_owned() } else { name }
}

#[derive(Serialize)]
struct File {
    changesets: Vec<Value>,
}

/// The text of a file.
#[must_use]
pub fn yaml<'c>(changesets: impl IntoIterator<Item = &'c GeneratedChangeset>) -> String {
    let changesets = changesets.into_iter().map(|changeset| {
        let mut value = serde_json::to_value(changeset).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.iter_mut().filter(|(name, _)| *name != "id").for_each(|(_, value)| without_variables(value));
        }
        value
    });
    let file = File { changesets: changesets.collect() };
    // texts, lists and mappings with texts as keys: all of them are YAML
    let text = serde_yaml::to_string(&file).unwrap_or_default();
    text.replace("\n- id:", "\n\n- id:").replacen("\n\n- id:", "\n- id:", 1)
}

/// `${` is no variable here.
fn without_variables(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(values) => values.iter_mut().for_each(without_variables),
        Value::Object(values) => values.values_mut().for_each(without_variables),
        _ => {}
    }
}
