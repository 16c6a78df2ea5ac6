use super::column::check_default;
use super::value::{SqlValue, TypeName};
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Changes the type of a column. Most changes rewrite the whole table and block all access to it meanwhile;
/// exceptions are a longer `varchar`, `varchar` to `text` and a larger precision of `numeric` (manual, ALTER
/// TABLE, notes). The rollback restores the previous type, collation and default.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeColumnType {
    /// The table, with its schema.
    table: QualifiedName,
    /// The column.
    column: Ident,
    /// The new type with its modifiers.
    #[serde(rename = "type")]
    type_name: TypeName,
    /// The expression of the new value; default: an assignment cast of the old value.
    #[serde(skip_serializing_if = "Option::is_none")]
    using: Option<String>,
    /// The collation; default: that of the new type.
    #[serde(skip_serializing_if = "Option::is_none")]
    collation: Option<QualifiedName>,
    /// The new default, if the old one cannot be cast to the new type.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<SqlValue>,
    /// The type that the rollback restores; default: the type of the column when the change is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_type: Option<TypeName>,
    /// The expression of the value for the rollback; requires `previousType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_using: Option<String>,
}

impl ChangeType for ChangeColumnType {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if self.rollback_using.is_some() && self.previous_type.is_none() {
            out.push(
                Diagnostic::error(Code::NeedsAnother, "`rollbackUsing` says how to go back, but not to which type")
                    .at(place.child("rollbackUsing").as_key())
                    .help("add `previousType:`"),
            );
        }
        check_default(self.default.as_ref(), &place.child("default"), out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn undo(&self, scope: &Scope) -> Undo {
        // dropping the new column is enough
        if scope.adds_column(&self.table, self.column.as_str()) { Undo::Nothing } else { Undo::Derived }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let known = scope.adds_column(&self.table, self.column.as_str());
        context.insert("remember".to_owned(), (!known).into());
    }
}
