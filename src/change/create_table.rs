use super::column::{ColumnSpec, ReferencesSpec, check_columns, check_key};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName, diag::nearest};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Creates a table. The rollback drops it and keeps rows that were written in the meantime in the attic.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTable {
    /// The table, with its schema.
    table: QualifiedName,
    /// The columns, in order.
    columns: Vec<ColumnSpec>,
    /// The primary key, if it has several columns or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key: Option<KeySpec>,
    /// Unique constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unique: Vec<KeySpec>,
    /// Check constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckSpec>,
    /// Foreign keys with several columns or a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<ForeignKeySpec>,
    /// Makes it a partitioned table.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_by: Option<PartitionBy>,
    /// `true`: the table is not written to the WAL. It is faster, and empty after a crash.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unlogged: bool,
    /// Storage parameters, such as `fillfactor`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    with: Map<String, Value>,
    /// The tablespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    tablespace: Option<Ident>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// A primary key or unique constraint of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeySpec {
    /// The constraint's name; default: PostgreSQL generates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Ident>,
    /// The columns, in order.
    columns: Vec<Ident>,
}

/// A check constraint of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckSpec {
    /// The constraint's name; default: PostgreSQL generates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Ident>,
    /// The condition that every row must meet.
    expression: String,
}

/// A foreign key of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignKeySpec {
    /// The constraint's name; default: PostgreSQL generates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Ident>,
    /// The referencing columns, in order.
    columns: Vec<Ident>,
    /// The referenced table and columns.
    references: ReferencesSpec,
}

/// The partitioning of a table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionBy {
    /// The partitioning method.
    method: PartitionMethod,
    /// Columns, or expressions in parentheses.
    key: Vec<String>,
}

/// The method of partitioning.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PartitionMethod {
    /// By ranges of the key.
    Range,
    /// By lists of values.
    List,
    /// By hash.
    Hash,
}

impl CreateTable {
    /// The columns of a key have to be columns of the table.
    fn check_names(&self, columns: &[Ident], place: &Place, out: &mut Diagnostics) {
        check_key("the key", columns, place, out);
        for (i, column) in columns.iter().enumerate() {
            if !self.columns.iter().any(|c| c.name == *column) {
                let known = self.columns.iter().map(|c| c.name.as_str());
                let help = nearest(column.as_str(), known).map(|near| format!("did you mean `{near}`?"));
                out.push(
                    Diagnostic::error(Code::UnknownColumn, format!("table `{}` has no column `{column}`", self.table))
                        .at(place.at(i))
                        .maybe_help(help),
                );
            }
        }
    }
}

impl ChangeType for CreateTable {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let keys = self.columns.iter().filter(|c| c.primary_key == Some(true)).count();
        if keys + usize::from(self.primary_key.is_some()) > 1 {
            out.push(
                Diagnostic::error(Code::Contradiction, format!("table `{}` has more than one primary key", self.table))
                    .at(place.child("table"))
                    .help("write `primaryKey: { columns: [a, b] }` once on the table"),
            );
        }
        check_columns(&self.columns, &place.child("columns"), out);
        if let Some(key) = &self.primary_key {
            self.check_names(&key.columns, &place.child("primaryKey").child("columns"), out);
        }
        for (i, key) in self.unique.iter().enumerate() {
            self.check_names(&key.columns, &place.child("unique").at(i).child("columns"), out);
        }
        for (i, key) in self.foreign_keys.iter().enumerate() {
            let here = place.child("foreignKeys").at(i);
            self.check_names(&key.columns, &here.child("columns"), out);
            key.references.check(key.columns.len(), &here.child("references"), out);
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Create);
        for column in &self.columns {
            column.effects(effects);
        }
        for key in &self.foreign_keys {
            effects.touch(ObjectClass::Table, &key.references.table, Access::Reference);
        }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        let with: Vec<Value> =
            self.with.iter().map(|(name, value)| serde_json::json!({ "name": name, "value": value })).collect();
        context.insert("with".to_owned(), Value::Array(with));
        // what is left out is absent from the JSON; `each` in strict mode wants a list
        for list in ["unique", "checks", "foreignKeys"] {
            context.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        }
    }
}
