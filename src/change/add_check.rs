use super::add_foreign_key::check_validate;
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds a check constraint. On an existing table dagmar adds it as NOT VALID and validates it in a later
/// transaction, so that reads and writes continue during the validation (manual, ALTER TABLE, notes). The
/// rollback drops it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCheck {
    /// The table, with its schema.
    table: QualifiedName,
    /// The constraint's name.
    name: Ident,
    /// The condition that every row must meet.
    expression: String,
    /// `false` does not check existing rows; default: dagmar validates them.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate: Option<bool>,
    /// `true` uses a single statement, which reads the whole table and blocks all access to it meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    blocking: bool,
}

impl ChangeType for AddCheck {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_validate(self.validate, self.blocking, place, out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let online = !self.blocking && !scope.creates(&self.table);
        context.insert("notValid".to_owned(), (online || self.validate == Some(false)).into());
        context.insert("validate".to_owned(), (online && self.validate != Some(false)).into());
    }
}
