use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Allows NULL in a column. The rollback adds NOT NULL again if the column had it, in three transactions, so
/// that no statement reads the table while it blocks access. The rollback fails if rows with NULL were written
/// in the meantime.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropNotNull {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
}

impl ChangeType for DropNotNull {
    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn undo(&self, scope: &Scope) -> Undo {
        // dropping the new column is enough
        if scope.adds_column(&self.table, self.column.as_str()) { Undo::Nothing } else { Undo::Derived }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let known = scope.adds_column(&self.table, self.column.as_str());
        context.insert("remember".to_owned(), (!known).into());
    }
}
