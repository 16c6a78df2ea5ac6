use super::ChangeType;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Installs an extension, if the database does not have it: templates and providers often include some. The
/// rollback drops it with its objects, only if this changeset installed it; PostgreSQL refuses that while
/// something uses it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateExtension {
    /// The extension.
    name: Ident,
    /// The schema of its objects; default: the first schema of the `search_path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Ident>,
    /// The version; default: that of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// `true` also installs the extensions that it requires.
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
