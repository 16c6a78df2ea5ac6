use super::{ChangeType, Scope, Undo};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Drops a table. It moves to the attic with its rows, indexes, sequences and partitions, and
/// comes back from there as it was; its foreign keys are remembered meanwhile, so that they
/// bind no other table. A table that others depend on is refused, as DROP TABLE does it
/// (manual, chapter 5.14, "Dependency Tracking").
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropTable {
    /// The table, with its schema.
    table: QualifiedName,
    /// `false` drops it and its rows for good: the change cannot be undone then; left out:
    /// it is kept in the attic.
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
                "`keep: false` drops the table `{}` with its rows for good; leave it out, or say how the table is made again",
                self.table
            ))
        }
    }
}
