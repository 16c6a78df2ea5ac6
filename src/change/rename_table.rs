use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Renames a table. Its indexes, constraints and sequences keep their names. The rollback renames it back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameTable {
    /// The table, with its schema.
    table: QualifiedName,
    /// The new name, without a schema: the table stays in its schema.
    to: Ident,
}

impl ChangeType for RenameTable {
    fn effects(&self, effects: &mut Effects) {
        effects.renames(&self.table, &self.table.sibling(self.to.clone()));
    }

    fn undo(&self, _: &Scope) -> Undo {
        // also of a table that the changeset made: it is dropped under its first name
        Undo::Derived
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        context.insert("renamed".to_owned(), self.table.sibling(self.to.clone()).to_string().into());
        context.insert("oldName".to_owned(), self.table.name.as_str().into());
    }
}
