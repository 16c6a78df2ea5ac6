use super::{ChangeType, Scope, Undo};
use crate::base::{Ident, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops a column. It is renamed in place, loses all that could refuse a new row (NOT NULL,
/// checks, keys), and comes back with all of it, at its old position. Until it is purged
/// (`dagmar attic purge`) `SELECT *` shows it under its name of the attic, and an INSERT without a
/// list of columns counts it. A column that others depend on is refused, as DROP COLUMN does it
/// (manual, ALTER TABLE).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropColumn {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// `false` drops it and its values for good: the change cannot be undone then; left out:
    /// it is kept.
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
                "`keep: false` drops the column `{}` of `{}` with its values for good; leave it out, or say how the \
                 column is made again",
                self.column, self.table
            ))
        }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        // of a table that is undone as a whole, nothing has to be kept
        context.insert("keep".to_owned(), (self.keep && !scope.creates(&self.table)).into());
    }
}
