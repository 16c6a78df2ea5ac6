use super::piece::{check_piece, tidy_all};
use super::update::{check_keep, keeps, undo};
use super::{ChangeType, Scope, Undo};
use crate::base::{Diagnostics, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Deletes rows. The table's alias is `t`.
///
/// dagmar keeps the rows in the attic, and the rollback inserts them again. dagmar refuses the change if it
/// would also change rows of other tables (ON DELETE CASCADE, SET NULL, SET DEFAULT), because it could not
/// restore them: change these rows first, in separate changes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// The table, with its schema.
    table: QualifiedName,
    /// The condition; `true` for all rows.
    #[serde(rename = "where")]
    where_: String,
    /// The rollback SQL, instead of the rows from the attic.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
    /// `false` does not keep the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<bool>,
}

impl ChangeType for Delete {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_piece(&self.where_, &place.child("where"), out);
        check_keep(self.rollback.as_ref(), self.keep, place, out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Write);
        effects.opaque = true;
    }

    fn undo(&self, scope: &Scope) -> Undo {
        undo(&self.table, self.rollback.as_ref(), self.keep, scope)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        tidy_all(context, &["where"]);
        context.insert("keep".to_owned(), keeps(&self.table, self.rollback.as_ref(), self.keep, scope).into());
    }
}
