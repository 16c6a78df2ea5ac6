use super::ChangeType;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Installs an extension, unless the database has it: templates and providers often come with
/// some. Undone by dropping it (and what it brought along) only where this changeset
/// installed it; the server refuses that while something uses it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateExtension {
    /// The extension.
    name: Ident,
    /// The schema of its objects; left out: the first of the `search_path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Ident>,
    /// The version; left out: the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Installs the extensions that it needs too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cascade: bool,
}

impl ChangeType for CreateExtension {
    fn effects(&self, effects: &mut Effects) {
        let name = |name: &Ident| QualifiedName { schema: None, name: name.clone() };
        effects.touch(ObjectClass::Extension, &name(&self.name), Access::Create);
        if let Some(schema) = &self.schema {
            effects.touch(ObjectClass::Schema, &name(schema), Access::Read);
        }
    }
}
