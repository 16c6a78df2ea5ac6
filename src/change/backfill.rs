use super::many::Many;
use super::piece::{check_piece, has_word, tidy, tidy_all};
use super::{Batch, ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, PaceSpec, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use crate::sql::first_parameter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Updates a table in batches. Each batch is a transaction that also saves the position, so that a backfill can
/// be paused, killed and resumed, and locks few rows for a short time. The table's alias is `t`.
///
/// The rollback is automatic only if the backfill fills columns that the same changeset adds; otherwise it
/// needs `rollback`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backfill {
    /// The table, with its schema.
    table: QualifiedName,
    /// The columns of a unique index without NULLs, in its order; usually the primary key.
    key: Many<Ident>,
    /// The number of rows that the first batch covers; the size of later batches adapts to `pace.batchTime`.
    #[serde(default = "default_size")]
    #[schemars(range(min = 1, max = 1_000_000))]
    batch_size: u32,
    /// Columns and the SQL expressions of their new values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<Ident, String>,
    /// An alternative to `set`: an INSERT, UPDATE or DELETE that joins `batch`, which contains the keys of the
    /// batch. It may run again for the same keys: an INSERT needs ON CONFLICT.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    /// The condition that selects rows; default: all rows. The backfill skips rows that no longer meet it.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    where_: Option<String>,
    /// The load limits of this backfill; default: `limits.backfill`.
    #[serde(default, skip_serializing_if = "PaceSpec::is_empty")]
    pace: PaceSpec,
    /// The rollback SQL; it runs in one transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
}

fn default_size() -> u32 {
    10_000
}

impl ChangeType for Backfill {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if self.set.is_empty() == self.sql.is_none() {
            let message = if self.sql.is_some() { "has `set` and `sql`" } else { "has neither `set` nor `sql`" };
            out.push(
                Diagnostic::error(Code::Contradiction, format!("the backfill of `{}` {message}", self.table))
                    .at(place.child("table"))
                    .help("write `set: { column: expression }`, or `sql:` with a statement that joins `batch`"),
            );
        }
        if !(1..=1_000_000).contains(&self.batch_size) {
            let message = "a batch has 1 to 1000000 rows";
            out.push(Diagnostic::error(Code::OutOfRange, message).at(place.child("batchSize")));
        }
        self.pace.check(&place.child("pace"), out);
        let parts = self.set.iter().map(|(column, sql)| (place.child("set").child(column.as_str()), sql));
        let parts = parts.chain(self.where_.iter().map(|sql| (place.child("where"), sql)));
        for (place, sql) in parts.chain(self.sql.iter().map(|sql| (place.child("sql"), sql))) {
            if let Some(at) = first_parameter(sql) {
                let problem =
                    Diagnostic::error(Code::Parameter, format!("the backfill has a parameter `{}`", &sql[at.clone()]));
                out.push(problem.at(place.within(at)).help("it has no value: write the value, or a `${variable}`"));
            }
        }
        for (column, expression) in &self.set {
            check_piece(expression, &place.child("set").child(column.as_str()), out);
            if self.key.0.contains(column) {
                out.push(
                    Diagnostic::error(Code::OwnKey, format!("the backfill changes its own key `{column}`"))
                        .at(place.child("set").child(column.as_str()).as_key())
                        .help("it would process the same rows again; use another unique key"),
                );
            }
        }
        if let Some(condition) = &self.where_ {
            check_piece(condition, &place.child("where"), out);
        }
        if let Some(sql) = &self.sql {
            self.check_sql(sql, &place.child("sql"), out);
        }
        if self.rollback.as_ref().is_some_and(|sql| tidy(sql).is_empty()) {
            out.push(Diagnostic::error(Code::Empty, "the `rollback` does nothing").at(place.child("rollback")));
        }
    }

    fn effects(&self, effects: &mut Effects) {
        let how = if self.sql.is_some() { Access::Read } else { Access::Write };
        effects.touch(ObjectClass::Table, &self.table, how);
        effects.opaque = true;
    }

    fn undo(&self, scope: &Scope) -> Undo {
        let added = |column: &Ident| scope.adds_column(&self.table, column.as_str());
        if self.rollback.is_some() {
            Undo::Derived
        } else if self.sql.is_none() && self.set.keys().all(added) {
            Undo::Nothing
        } else if self.sql.is_some() {
            Undo::Missing("dagmar cannot derive the rollback of the backfill's `sql`; write its `rollback:`".to_owned())
        } else {
            Undo::Missing(format!(
                "the backfill overwrites columns of `{}` that existed before; write its `rollback:`, or add the \
                 columns in the same changeset",
                self.table
            ))
        }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        tidy_all(context, &["where", "sql"]);
        if let Some(Value::Object(set)) = context.get_mut("set") {
            let columns: Vec<String> = set.keys().cloned().collect();
            tidy_all(set, &columns.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    fn batch(&self) -> Option<Batch> {
        Some(Batch {
            table: self.table.clone(),
            key: self.key.0.clone(),
            size: self.batch_size,
            sweep: self.where_.is_some(),
            left: self.where_.clone().filter(|_| self.sql.is_none()).map(|w| tidy(&w).to_owned()),
            pace: self.pace,
        })
    }
}

impl Backfill {
    fn check_sql(&self, sql: &str, place: &Place, out: &mut Diagnostics) {
        check_piece(sql, place, out);
        if has_word(sql, "returning") {
            out.push(
                Diagnostic::error(Code::BackfillSql, "the backfill's `sql` has its own RETURNING")
                    .at(place.clone())
                    .help("remove it: dagmar counts the rows"),
            );
        }
        if !["insert", "update", "delete", "merge", "with"].iter().any(|word| starts_with(sql, word)) {
            out.push(
                Diagnostic::error(Code::BackfillSql, "the backfill's `sql` changes no rows")
                    .at(place.clone())
                    .help("write an INSERT, UPDATE or DELETE that joins `batch`"),
            );
        }
        if !sql.to_ascii_lowercase().contains("batch") {
            out.push(
                Diagnostic::error(
                    Code::BackfillSql,
                    "the backfill's `sql` does not read `batch`: it would process all rows at once",
                )
                .at(place.clone())
                .help("join `batch`, which holds the keys of the rows of the current batch"),
            );
        }
    }
}

fn starts_with(sql: &str, word: &str) -> bool {
    sql.trim_start().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};
    use serde_json::json;

    fn backfill(extra: &Value) -> (&'static str, Value) {
        let mut b = json!({"table": "app.t", "key": ["a", "b"]});
        b.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ("backfill", b)
    }

    #[test]
    fn a_batch_is_a_range_of_keys() {
        let (_, sql, _) =
            last(&[backfill(&json!({"set": {"c": "t.d"}, "where": "t.c IS NULL", "rollback": "SELECT 1"}))]);
        let full = "WITH dagmar_full AS MATERIALIZED (\n    SELECT t.a, t.b\n    FROM app.t AS t\n";
        assert!(sql.starts_with(full), "{sql}");
        assert!(sql.contains("WHERE ($2 OR (t.a, t.b) > ((SELECT r.a FROM"), "{sql}");
        assert!(sql.contains("AND (t.a, t.b) <= ((SELECT a FROM dagmar_end), (SELECT b FROM dagmar_end))\n"), "{sql}");
        // a row that does not meet the condition any more is left alone
        assert!(sql.contains("AND (t.c IS NULL)\n    RETURNING (t.c IS NULL) AS dagmar_left\n)\nSELECT "), "{sql}");
    }

    #[test]
    fn a_batch_may_be_joined() {
        let (_, sql, _) = last(&[backfill(&json!({"sql": "DELETE FROM app.u USING batch WHERE u.a = batch.a"}))]);
        assert!(sql.contains("batch AS MATERIALIZED (\n    SELECT a, b FROM dagmar_keys WHERE dagmar_hit\n)"), "{sql}");
        assert!(sql.contains("RETURNING NULL::boolean AS dagmar_left\n)\nSELECT "), "{sql}");
    }

    #[test]
    fn only_its_own_columns_go_by_themselves() {
        let set = backfill(&json!({"set": {"c": "1"}}));
        let column = ("addColumn", json!({"table": "app.t", "columns": [{"name": "c", "type": "int"}]}));
        assert!(matches!(last(std::slice::from_ref(&set)).0, Undo::Missing(why) if why.contains("app.t")));
        assert_eq!(last(&[column.clone(), set]).0, Undo::Nothing);
        let sql = backfill(&json!({"sql": "DELETE FROM app.u USING batch WHERE u.a = batch.a"}));
        assert!(matches!(last(&[column, sql]).0, Undo::Missing(_)));
    }

    #[test]
    fn mistakes_are_found() {
        for (extra, words) in [
            (json!({}), "neither"),
            (json!({"set": {"c": "1"}, "sql": "DELETE FROM batch"}), "`set` and `sql`"),
            (json!({"set": {"c": "1"}, "batchSize": 0}), "1 to 1000000"),
            (json!({"set": {"a": "1"}}), "its own key"),
            (json!({"set": {"c": "1"}, "pace": {"batchTime": "2m"}}), "`batchTime` cannot be 2m"),
            (json!({"set": {"c": "1"}, "pace": {"pause": "2h"}}), "a pause of 2h"),
            (json!({"sql": "INSERT INTO app.u SELECT a FROM batch RETURNING a"}), "RETURNING"),
            (json!({"set": {"c": "$1::text"}}), "a parameter `$1`"),
            (json!({"set": {"c": "'$1'"}, "where": "t.c < $3"}), "a parameter `$3`"),
            (json!({"sql": "DELETE FROM app.u USING batch WHERE u.a = $2"}), "a parameter `$2`"),
            (json!({"sql": "UPDATE app.u SET a = 1"}), "all rows at once"),
            (json!({"sql": "SELECT * FROM batch"}), "changes no rows"),
        ] {
            let found = problems("backfill", &backfill(&extra).1);
            assert!(found.len() == 1 && found[0].contains(words), "{extra}: {found:?}");
        }
    }
}
