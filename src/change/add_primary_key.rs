use super::column::{check_key, generated_name};
use super::{ChangeType, Scope};
use crate::base::{Diagnostics, Ident, Place, QualifiedName};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Adds a primary key. On an existing table dagmar makes the columns NOT NULL as `setNotNull` does, builds the
/// index concurrently, outside of a transaction, and then attaches it to the constraint (manual, ALTER TABLE,
/// ADD table_constraint_using_index). The rollback drops the key; columns that were nullable before become
/// nullable again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddPrimaryKey {
    /// The table, with its schema.
    table: QualifiedName,
    /// The name of the constraint and of its index; default: the name of the table with `_pkey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Ident>,
    /// The columns, in order.
    columns: Vec<Ident>,
    /// `false` uses a single statement, which reads the table and builds the index while it blocks all access
    /// to the table; partitioned tables need it. Default: concurrently on an existing table.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrently: Option<bool>,
}

impl ChangeType for AddPrimaryKey {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_key("the primary key", &self.columns, &place.child("columns"), out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let created = scope.creates(&self.table);
        let table = self.table.name.as_str();
        let name = self.name.clone().unwrap_or_else(|| {
            Ident::new(generated_name(table, "", "pkey")).expect("a generated name fits and is not empty")
        });
        let parts: Vec<Value> = self
            .columns
            .iter()
            .map(|column| {
                let check = generated_name(table, column.as_str(), "not_null_check");
                json!({ "column": column, "checkName": check })
            })
            .collect();
        context.insert("index".to_owned(), self.table.sibling(name.clone()).to_string().into());
        context.insert("name".to_owned(), name.as_str().into());
        context.insert("parts".to_owned(), parts.into());
        context.insert("remember".to_owned(), (!created).into());
        context.insert("online".to_owned(), self.concurrently.unwrap_or(!created).into());
    }
}
