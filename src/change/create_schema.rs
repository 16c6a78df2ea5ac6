use super::ChangeType;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates a schema. Undone by dropping it, which the server refuses while it holds anything.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSchema {
    /// The name of the schema.
    name: Ident,
    /// The role that owns it; left out: who applies the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Ident>,
    /// A comment for those who read the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl ChangeType for CreateSchema {
    fn effects(&self, effects: &mut Effects) {
        let name = QualifiedName { schema: None, name: self.name.clone() };
        effects.touch(ObjectClass::Schema, &name, Access::Create);
    }
}
