use super::ChangeType;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates a schema. The rollback drops it; PostgreSQL refuses that while the schema contains objects.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSchema {
    /// The name of the schema.
    name: Ident,
    /// The owner; default: the role that applies the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Ident>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl ChangeType for CreateSchema {
    fn effects(&self, effects: &mut Effects) {
        let name = QualifiedName { schema: None, name: self.name.clone() };
        effects.touch(ObjectClass::Schema, &name, Access::Create);
    }
}
