use super::column::{ReferencesSpec, check_key};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds a foreign key. On an existing table dagmar adds it as NOT VALID and validates it in a later
/// transaction, so that writes to both tables continue during the validation (manual, ALTER TABLE, notes). The
/// rollback drops it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddForeignKey {
    /// The table, with its schema.
    table: QualifiedName,
    /// The constraint's name.
    name: Ident,
    /// The referencing columns, in order.
    columns: Vec<Ident>,
    /// The referenced table and columns.
    references: ReferencesSpec,
    /// `true`: SET CONSTRAINTS can defer the check to the end of the transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deferrable: bool,
    /// `true`: the check is deferred by default; requires `deferrable`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    initially_deferred: bool,
    /// `false` does not check existing rows; default: dagmar validates them.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate: Option<bool>,
    /// `true` uses a single statement, which blocks writes to both tables while it reads them; partitioned
    /// tables need it before PostgreSQL 18.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    blocking: bool,
}

impl ChangeType for AddForeignKey {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_key(&format!("foreign key `{}`", self.name), &self.columns, &place.child("columns"), out);
        self.references.check(self.columns.len(), &place.child("references"), out);
        check_deferred(self.deferrable, self.initially_deferred, place, out);
        check_validate(self.validate, self.blocking, place, out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
        effects.touch(ObjectClass::Table, &self.references.table, Access::Reference);
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

/// A check can only be put off where that is allowed.
pub(super) fn check_deferred(deferrable: bool, initially: bool, place: &Place, out: &mut Diagnostics) {
    if initially && !deferrable {
        out.push(
            Diagnostic::error(Code::NeedsAnother, "`initiallyDeferred` requires `deferrable`")
                .at(place.child("initiallyDeferred").as_key())
                .help("add `deferrable: true`"),
        );
    }
}

/// What is not validated blocks nobody.
pub(super) fn check_validate(validate: Option<bool>, blocking: bool, place: &Place, out: &mut Diagnostics) {
    if blocking && validate == Some(false) {
        out.push(
            Diagnostic::error(Code::Contradiction, "`blocking` and `validate: false` contradict each other")
                .at(place.child("blocking").as_key())
                .help("remove one of them"),
        );
    }
}
