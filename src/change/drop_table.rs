use super::keep::Keep;
use super::{ChangeType, Scope, Undo};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops a table. dagmar moves it to the attic with its rows, indexes, sequences and partitions, and the
/// rollback restores it. dagmar remembers its foreign keys and drops them, so that they do not affect other
/// tables. It refuses to drop a table that other objects depend on, as DROP TABLE does (manual, chapter 5.14,
/// "Dependency Tracking").
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropTable {
    /// The table, with its schema.
    table: QualifiedName,
    /// `false` drops the table and its rows permanently, without a rollback; `rows` keeps only its rows, for a `rollback`
    /// that drops what the changeset created. Default: `true`.
    #[serde(default)]
    keep: Keep,
}

impl ChangeType for DropTable {
    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Drop);
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.keep == Keep::Object {
            Undo::Derived
        } else {
            Undo::Missing(format!(
                "`keep: {}` drops the table `{}` for good; remove it, or write how to recreate the table",
                self.keep.word(),
                self.table
            ))
        }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        self.keep.explain(context);
    }
}
