use super::add_foreign_key::check_validate;
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds a check constraint. On a table that exists already it is added NOT VALID and validated
/// in a later transaction, so that reads and writes go on while the rows are read (manual,
/// ALTER TABLE, notes). Undone by dropping it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCheck {
    /// The table, with its schema.
    table: QualifiedName,
    /// The constraint's name.
    name: Ident,
    /// The condition that every row must meet.
    expression: String,
    /// `false` leaves the rows that are there unchecked; left out: they are validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate: Option<bool>,
    /// `true` asks for the form of one statement, which reads the whole table while nobody
    /// can use it.
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
