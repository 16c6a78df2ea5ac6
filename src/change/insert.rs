use super::column::check_default;
use super::many::Many;
use super::value::SqlValue;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Inserts rows. The rollback deletes exactly the inserted rows, which it finds by the table's primary key or
/// by `key`, and restores the old values of rows that an `update` on conflict changed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Insert {
    /// The table, with its schema.
    table: QualifiedName,
    /// The order of the columns; default: by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Ident>,
    /// The rows: column and value. If a row omits a column, the column gets its default.
    rows: Vec<BTreeMap<Ident, SqlValue>>,
    /// The action if a row already exists; default: an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_conflict: Option<OnConflict>,
    /// The columns that identify a row in a table without a primary key: the rollback deletes the rows with
    /// these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Many<Ident>>,
}

/// The action if a row already exists (manual, INSERT, "ON CONFLICT Clause").
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnConflict {
    /// The columns of a unique constraint or index.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Many<Ident>>,
    /// The name of the unique constraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    constraint: Option<Ident>,
    /// Keeps the existing row, or updates it.
    #[serde(rename = "do")]
    do_: Do,
    /// The columns to update; default: all inserted columns except those of the conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<Ident>,
}

/// Keeps the existing row, or updates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Do {
    /// Keeps the existing row.
    Nothing,
    /// Updates the existing row.
    Update,
}

impl Insert {
    /// The columns in the order of the statement.
    fn order(&self) -> Vec<Ident> {
        let mut order = self.columns.clone();
        let used: BTreeSet<&Ident> = self.rows.iter().flat_map(BTreeMap::keys).collect();
        order.extend(used.into_iter().filter(|name| !self.columns.contains(name)).cloned());
        order
    }

    fn updates(&self) -> Option<&OnConflict> {
        self.on_conflict.as_ref().filter(|c| c.do_ == Do::Update)
    }

    fn check_conflict(&self, conflict: &OnConflict, place: &Place, out: &mut Diagnostics) {
        let here = place.child("onConflict");
        let mut wrong = |place: Place, message: &str, help: &str| {
            out.push(Diagnostic::error(Code::Contradiction, message).at(place).help(help));
        };
        if conflict.columns.is_some() && conflict.constraint.is_some() {
            wrong(here.clone(), "the conflict is on `columns` and on a `constraint`", "keep one of them");
        }
        if conflict.do_ == Do::Update && conflict.columns.is_none() && conflict.constraint.is_none() {
            wrong(
                here.clone(),
                "`do: update` requires the columns or constraint of the conflict",
                "write `columns: [...]`",
            );
        }
        if conflict.do_ == Do::Nothing && !conflict.set.is_empty() {
            wrong(here.child("set").as_key(), "`do: nothing` takes no `set`", "remove `set`");
        }
        if self.key.is_some() {
            wrong(
                place.child("key").as_key(),
                "with `onConflict` the values of `key` do not tell which rows were inserted",
                "remove `key`: the rows are remembered by the table's primary key",
            );
        }
    }
}

impl ChangeType for Insert {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let rows = place.child("rows");
        if self.rows.is_empty() || self.rows.iter().all(BTreeMap::is_empty) {
            out.push(Diagnostic::error(Code::Empty, format!("no rows for `{}`", self.table)).at(rows.clone()));
        }
        for (i, row) in self.rows.iter().enumerate() {
            for (column, value) in row {
                let here = rows.at(i).child(column.as_str());
                check_default(Some(value), &here, out);
                if !self.columns.is_empty() && !self.columns.contains(column) {
                    out.push(
                        Diagnostic::error(Code::UnknownColumn, format!("column `{column}` is not in `columns`"))
                            .at(here.as_key()),
                    );
                }
            }
            for column in self.key.iter().flat_map(|key| &key.0) {
                let known = matches!(row.get(column), Some(SqlValue::Literal(value)) if !value.is_null());
                if !known {
                    out.push(
                        Diagnostic::error(
                            Code::NoKeyValue,
                            format!("the row has no literal value for the key `{column}`"),
                        )
                        .at(rows.at(i))
                        .help("remove `key`: the rows are remembered by the table's primary key"),
                    );
                }
            }
        }
        if let Some(conflict) = &self.on_conflict {
            self.check_conflict(conflict, place, out);
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Write);
        effects.opaque = self.rows.iter().flat_map(BTreeMap::values).any(|value| matches!(value, SqlValue::Sql(_)));
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }

    fn undo(&self, scope: &Scope) -> Undo {
        if scope.creates(&self.table) {
            return Undo::Nothing;
        }
        let Some(conflict) = self.updates() else { return Undo::Derived };
        let Some(columns) = &conflict.columns else {
            return Undo::Missing(format!(
                "which rows of `{}` it changes cannot be determined; name the conflict's `columns` instead of its \
                 `constraint`",
                self.table
            ));
        };
        let literal = |row: &BTreeMap<Ident, SqlValue>| {
            columns.0.iter().all(|column| matches!(row.get(column), Some(SqlValue::Literal(_))))
        };
        if self.rows.iter().all(literal) {
            Undo::Derived
        } else {
            Undo::Missing(format!(
                "which rows of `{}` it changes cannot be determined; give the conflict's columns literal values",
                self.table
            ))
        }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let order = self.order();
        let row = |row: &BTreeMap<Ident, SqlValue>| -> Vec<Value> {
            order.iter().map(|c| row.get(c).map_or(json!({ "left": true }), |v| json!({ "value": v }))).collect()
        };
        context.insert("rows".to_owned(), self.rows.iter().map(row).collect());
        context.insert("columns".to_owned(), json!(order));
        let derived = self.undo(scope) == Undo::Derived;
        context.insert("remember".to_owned(), (derived && self.key.is_none()).into());
        let some = |row: &BTreeMap<Ident, SqlValue>, keys: &Many<Ident>| -> Map<String, Value> {
            keys.0.iter().map(|c| (c.as_str().to_owned(), json!(row.get(c)))).collect()
        };
        if let Some(key) = &self.key {
            let values =
                |r: &BTreeMap<Ident, SqlValue>| -> Vec<Value> { key.0.iter().map(|c| json!(r.get(c))).collect() };
            context.insert("key".to_owned(), json!(key));
            context.insert("keyRows".to_owned(), self.rows.iter().map(values).collect());
        }
        if let Some(conflict) = self.updates() {
            let mut set = conflict.set.clone();
            if set.is_empty() {
                let target = conflict.columns.as_ref().map_or(&[][..], |c| &c.0);
                set = order.iter().filter(|c| !target.contains(c)).cloned().collect();
            }
            context.insert("set".to_owned(), json!(set));
            if let Some(columns) = conflict.columns.as_ref().filter(|_| derived) {
                context.insert("upsert".to_owned(), true.into());
                let rows: Vec<Value> = self.rows.iter().map(|r| Value::Object(some(r, columns))).collect();
                context.insert("conflicts".to_owned(), rows.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};

    #[test]
    fn rows_are_found_again_by_what_is_known_of_them() {
        let rows = json!([{"id": 1, "name": "a"}, {"id": 2}]);
        let (_, forward, rollback) = last(&[("insert", json!({"table": "app.t", "rows": rows}))]);
        assert!(forward.contains("(1, 'a'),\n        (2, DEFAULT) RETURNING"), "{forward}");
        assert!(rollback.contains("remove_inserted"), "{rollback}");
        let (_, forward, rollback) = last(&[("insert", json!({"table": "app.t", "rows": rows, "key": "id"}))]);
        assert!(!forward.contains("remember"), "{forward}");
        assert!(rollback.contains("WHERE (id) IN ((1), (2))"), "{rollback}");
        let table = ("createTable", json!({"table": "app.t", "columns": [{"name": "id", "type": "int"}]}));
        let (undo, forward, _) = last(&[table, ("insert", json!({"table": "app.t", "rows": rows}))]);
        assert!(undo == Undo::Nothing && !forward.contains("remember"), "{forward}");
    }

    #[test]
    fn an_upsert_is_undone_where_its_rows_are_known() {
        let upsert = |conflict: Value, id: Value| {
            let mut conflict = conflict;
            conflict["do"] = json!("update");
            last(&[("insert", json!({"table": "app.t", "rows": [{"id": id, "n": 1}], "onConflict": conflict}))])
        };
        let (undo, forward, rollback) = upsert(json!({"columns": "id"}), json!(1));
        assert_eq!(undo, Undo::Derived);
        assert!(forward.contains("DO UPDATE SET n = EXCLUDED.n") && forward.contains("remember_conflicting"));
        assert!(rollback.contains("remove_inserted") && rollback.contains("put_back"));
        assert!(matches!(upsert(json!({"constraint": "k"}), json!(1)).0, Undo::Missing(_)));
        assert!(matches!(upsert(json!({"columns": "id"}), json!({"sql": "f()"})).0, Undo::Missing(_)));
    }

    #[test]
    fn mistakes_in_rows_are_found() {
        for (extra, words) in [
            (json!({"rows": []}), "no rows"),
            (json!({"rows": [{"a": "now()"}]}), "stored as a text"),
            (json!({"rows": [{"a": 1}], "columns": ["b"]}), "not in `columns`"),
            (json!({"rows": [{"a": {"sql": "f()"}}], "key": "a"}), "no literal value"),
            (json!({"rows": [{"a": 1}], "key": "a", "onConflict": {"do": "nothing"}}), "which rows were inserted"),
            (json!({"rows": [{"a": 1}], "onConflict": {"do": "update"}}), "constraint of the conflict"),
        ] {
            let mut value = json!({"table": "app.t"});
            value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let found = problems("insert", &value);
            assert!(found.len() == 1 && found[0].contains(words), "{extra}: {found:?}");
        }
    }
}
