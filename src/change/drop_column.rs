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
    /// `false` drops the column and its values permanently, without a rollback.
    #[serde(default = "yes")]
    keep: bool,
}

fn yes() -> bool {
    true
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
        } else if self.keep {
            Undo::Derived
        } else {
            Undo::Missing(format!(
                "`keep: false` drops the column `{}` of `{}` with its values for good; remove it, or write how to recreate the column",
                self.column, self.table
            ))
        }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        // of a table that is undone as a whole, nothing has to be kept
        context.insert("keep".to_owned(), (self.keep && !scope.creates(&self.table)).into());
    }
}
