use super::{ChangeType, Scope};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops a constraint of any kind. PostgreSQL refuses to drop one that others depend on (a key that foreign
/// keys reference). The rollback adds it again: a check or foreign key as NOT VALID, validated in a second
/// transaction; for a key it builds the index, which blocks all access to the table meanwhile.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropConstraint {
    /// The table, with its schema.
    table: QualifiedName,
    /// The constraint's name.
    name: Ident,
}

impl ChangeType for DropConstraint {
    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        // a table that is undone as a whole needs none of its constraints back
        context.insert("remember".to_owned(), (!scope.creates(&self.table)).into());
    }
}
