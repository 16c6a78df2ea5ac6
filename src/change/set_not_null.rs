use super::column::generated_name;
use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Refuses NULL in a column. On a table that exists already, a check constraint is added NOT
/// VALID, validated in a second transaction, and makes the third, which sets NOT NULL, read
/// nothing under its lock (manual, ALTER TABLE, SET NOT NULL). Undone by allowing NULL again,
/// if it was allowed before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetNotNull {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// `true` asks for the form of one statement, which reads the whole table while nobody
    /// can use it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    blocking: bool,
}

impl ChangeType for SetNotNull {
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
        context.insert("online".to_owned(), (!self.blocking && !scope.creates(&self.table)).into());
        let check = generated_name(self.table.name.as_str(), self.column.as_str(), "not_null_check");
        context.insert("checkName".to_owned(), check.into());
        let known = scope.adds_column(&self.table, self.column.as_str());
        context.insert("remember".to_owned(), (!known).into());
    }
}
