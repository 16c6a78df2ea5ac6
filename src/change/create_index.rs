use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Creates an index. On an existing table dagmar builds it concurrently, outside of a transaction, so that
/// reads and writes continue (manual, CREATE INDEX, "Building Indexes Concurrently"). The rollback drops it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateIndex {
    /// The index's name, without a schema: an index is in the schema of its table.
    name: Ident,
    /// The table, with its schema.
    table: QualifiedName,
    /// Columns, or expressions in parentheses, each with an optional order or operator class: `email`,
    /// `lower(email)`, `created_at DESC`.
    columns: Vec<String>,
    /// `true` creates a unique index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unique: bool,
    /// The index method; default: btree.
    #[serde(skip_serializing_if = "Option::is_none")]
    using: Option<Ident>,
    /// Additional columns that are stored in the index, for index-only scans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    include: Vec<Ident>,
    /// The condition of a partial index.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    where_: Option<String>,
    /// `true`: NULLs count as equal in a unique index (PostgreSQL 15 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    nulls_not_distinct: Option<bool>,
    /// `false` blocks writes during the build; default: concurrently on an existing table, not concurrently on
    /// a table that the same changeset creates.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrently: Option<bool>,
    /// The tablespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    tablespace: Option<Ident>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl CreateIndex {
    /// The index with its schema, which is its table's.
    pub(super) fn index(&self) -> QualifiedName {
        self.table.sibling(self.name.clone())
    }

    /// The table.
    pub(super) fn table(&self) -> &QualifiedName {
        &self.table
    }
}

impl ChangeType for CreateIndex {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if self.columns.is_empty() {
            out.push(
                Diagnostic::error(Code::Empty, format!("index `{}` has no columns", self.name))
                    .at(place.child("columns")),
            );
        }
        if self.nulls_not_distinct == Some(true) && !self.unique {
            out.push(
                Diagnostic::error(
                    Code::NeedsAnother,
                    "`nullsNotDistinct` says nothing about an index that is not unique",
                )
                .at(place.child("nullsNotDistinct").as_key())
                .help("add `unique: true`, or remove it"),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Index, &self.index(), Access::Create);
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let online = self.concurrently.unwrap_or(!scope.creates(&self.table));
        context.insert("online".to_owned(), online.into());
        context.insert("index".to_owned(), self.index().to_string().into());
    }
}
