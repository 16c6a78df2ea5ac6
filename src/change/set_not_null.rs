use super::column::generated_name;
use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds NOT NULL to a column. On an existing table dagmar adds a check constraint as NOT VALID and validates it
/// in a second transaction; the third transaction then sets NOT NULL without reading the table under its lock
/// (manual, ALTER TABLE, SET NOT NULL). The rollback allows NULL again if the column allowed it before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetNotNull {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// `true` uses a single statement, which reads the whole table and blocks all access to it meanwhile.
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
