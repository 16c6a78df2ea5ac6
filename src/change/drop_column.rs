use super::keep::Keep;
use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops a column. dagmar renames it in place and removes its constraints (NOT NULL, checks, keys), which could
/// refuse a new row. The rollback restores the column with them, at its old position. Until it is purged
/// (`dagmar attic purge`), `SELECT *` shows it under its name in the attic, and an INSERT without a column list
/// counts it. dagmar refuses to drop a column that other objects depend on, as DROP COLUMN does (manual, ALTER
/// TABLE).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropColumn {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// `false` drops the column and its values permanently, without a rollback; `rows` keeps only its values, for a
    /// `rollback` that drops what the changeset added. Default: `true`.
    #[serde(default)]
    keep: Keep,
}

impl ChangeType for DropColumn {
    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn undo(&self, scope: &Scope) -> Undo {
        if scope.creates(&self.table) {
            Undo::Nothing
        } else if self.keep == Keep::Object {
            Undo::Derived
        } else {
            Undo::Missing(format!(
                "`keep: {}` drops the column `{}` of `{}` for good; remove it, or write how to recreate the column",
                self.keep.word(),
                self.column,
                self.table
            ))
        }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        // of a table that is undone as a whole, nothing has to be kept
        let keep = if scope.creates(&self.table) { Keep::Nothing } else { self.keep };
        keep.explain(context);
    }
}
