use super::column::{ColumnSpec, check_columns, generated_name};
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds columns to a table. The rollback drops them and keeps values that were written in the meantime in the
/// attic.
///
/// On an existing table, dagmar adds a foreign key (`references`) and a `check` as NOT VALID and validates them
/// in a later transaction, and builds the index of `unique` concurrently, so that no statement reads the table
/// under a lock that blocks other sessions (manual, ALTER TABLE, notes).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddColumn {
    /// The table, with its schema.
    table: QualifiedName,
    /// The new columns, in order.
    columns: Vec<ColumnSpec>,
}

impl ChangeType for AddColumn {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_columns(&self.columns, &place.child("columns"), out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
        for column in &self.columns {
            effects.adds_column(&self.table, column.name.as_str());
            column.effects(effects);
        }
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let name = self.table.name.as_str();
        let online = !scope.creates(&self.table);
        if let Some(Value::Array(columns)) = context.get_mut("columns") {
            for column in columns.iter_mut().filter_map(Value::as_object_mut) {
                let own = column["name"].as_str().unwrap_or_default().to_owned();
                // the names that the server would give (manual, CREATE TABLE, constraint_name)
                column.insert("checkName".into(), generated_name(name, &own, "check").into());
                column.insert("foreignKeyName".into(), generated_name(name, &own, "fkey").into());
                column.insert("uniqueName".into(), generated_name(name, &own, "key").into());
                column.insert("online".into(), online.into());
            }
        }
    }
}
