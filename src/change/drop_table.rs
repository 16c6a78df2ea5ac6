use super::{ChangeType, Scope, Undo};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Drops a table. dagmar moves it to the attic with its rows, indexes, sequences and partitions, and the
/// rollback restores it. dagmar remembers its foreign keys and drops them, so that they do not affect other
/// tables. It refuses to drop a table that other objects depend on, as DROP TABLE does (manual, chapter 5.14,
/// "Dependency Tracking").
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropTable {
    /// The table, with its schema.
    table: QualifiedName,
    /// `false` drops the table and its rows permanently, without a rollback.
    #[serde(default = "yes")]
    keep: bool,
}

fn yes() -> bool {
    true
}

impl ChangeType for DropTable {
    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Drop);
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.keep {
            Undo::Derived
        } else {
            Undo::Missing(format!(
                "`keep: false` drops the table `{}` with its rows for good; remove it, or write how to recreate the table",
                self.table
            ))
        }
    }
}
