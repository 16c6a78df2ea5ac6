use super::add_foreign_key::check_deferred;
use super::column::check_key;
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Adds a unique constraint. On an existing table dagmar builds its index concurrently, outside of a
/// transaction, and then attaches it to the constraint (manual, ALTER TABLE, ADD table_constraint_using_index).
/// The rollback drops both.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddUnique {
    /// The table, with its schema.
    table: QualifiedName,
    /// The name of the constraint and of its index.
    name: Ident,
    /// The columns, in order.
    columns: Vec<Ident>,
    /// Additional columns that are stored in the index, for index-only scans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    include: Vec<Ident>,
    /// `true`: NULLs count as equal (PostgreSQL 15 and later).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    nulls_not_distinct: bool,
    /// `true`: SET CONSTRAINTS can defer the check to the end of the transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deferrable: bool,
    /// `true`: the check is deferred by default; requires `deferrable`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    initially_deferred: bool,
    /// `false` uses a single statement, which blocks all access to the table while it builds the index;
    /// partitioned tables need it. Default: concurrently on an existing table.
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
