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
/// Undone by putting them back: they are kept in the attic. It is refused where rows of other
/// tables would go with them or lose their reference (ON DELETE CASCADE, SET NULL, SET
/// DEFAULT), because those could not come back: change them first, in changes of their own.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// The table, with its schema.
    table: QualifiedName,
    /// Which rows; `true` for all of them.
    #[serde(rename = "where")]
    where_: String,
    /// SQL that takes it back, instead of the rows that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
    /// `false`: the rows are not kept.
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
