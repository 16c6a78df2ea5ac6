use super::ChangeType;
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Renames a column; programs that use the old name then fail. The rollback renames it back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameColumn {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// The new name.
    to: Ident,
}

impl ChangeType for RenameColumn {
    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }
}
