use super::add_foreign_key::check_deferred;
use super::column::check_key;
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds a unique constraint. On a table that exists already its index is built concurrently,
/// outside of a transaction, and then becomes the constraint's (manual, ALTER TABLE, ADD
/// table_constraint_using_index). Undone by dropping both.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddUnique {
    /// The table, with its schema.
    table: QualifiedName,
    /// The name of the constraint and of its index.
    name: Ident,
    /// The columns, in order.
    columns: Vec<Ident>,
    /// Columns that are stored along in the index, for index-only scans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    include: Vec<Ident>,
    /// Whether NULLs count as equal (15 and later).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    nulls_not_distinct: bool,
    /// Whether SET CONSTRAINTS may put the check off to the end of the transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deferrable: bool,
    /// Whether the check is put off without being asked; asks for `deferrable`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    initially_deferred: bool,
    /// `false` asks for the form of one statement, which builds the index while nobody can use
    /// the table, and that partitioned tables need; left out: concurrent on a table that exists
    /// already.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrently: Option<bool>,
}

impl ChangeType for AddUnique {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_key(&format!("constraint `{}`", self.name), &self.columns, &place.child("columns"), out);
        check_deferred(self.deferrable, self.initially_deferred, place, out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let online = self.concurrently.unwrap_or(!scope.creates(&self.table));
        context.insert("online".to_owned(), online.into());
        context.insert("index".to_owned(), self.table.sibling(self.name.clone()).to_string().into());
    }
}
