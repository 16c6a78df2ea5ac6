use super::column::check_default;
use super::piece::{check_piece, tidy_all};
use super::value::SqlValue;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Changes rows in one statement; use `backfill` for a large table. The table's alias is `t`.
///
/// dagmar keeps the old values in the attic, and the rollback restores them, for the rows with the same primary
/// key. It does not change other columns and other rows.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    /// The table, with its schema.
    table: QualifiedName,
    /// Columns and their new values: literals, or `{ sql: expression }`.
    set: BTreeMap<Ident, SqlValue>,
    /// The condition; `true` for all rows.
    #[serde(rename = "where")]
    where_: String,
    /// The rollback SQL, instead of the values from the attic.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
    /// `false` does not keep the old values.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<bool>,
}

/// Whether rows are kept for the rollback.
pub(super) fn keeps(table: &QualifiedName, rollback: Option<&String>, keep: Option<bool>, scope: &Scope) -> bool {
    keep.unwrap_or(rollback.is_none()) && !scope.creates(table)
}

/// How a change of rows is undone that keeps them, or not.
pub(super) fn undo(table: &QualifiedName, rollback: Option<&String>, keep: Option<bool>, scope: &Scope) -> Undo {
    if scope.creates(table) {
        Undo::Nothing
    } else if rollback.is_some() || keep != Some(false) {
        Undo::Derived
    } else {
        Undo::Missing(format!("`keep: false` discards the old rows of `{table}`; remove it, or write `rollback: SQL`"))
    }
}

/// Finds contradictions between `keep` and `rollback`.
pub(super) fn check_keep(rollback: Option<&String>, keep: Option<bool>, place: &Place, out: &mut Diagnostics) {
    if rollback.is_some() && keep == Some(true) {
        out.push(
            Diagnostic::error(Code::Contradiction, "`keep` restores the old rows and contradicts `rollback`")
                .at(place.child("keep").as_key())
                .help("keep one of them"),
        );
    }
    if rollback.is_some_and(|sql| super::piece::tidy(sql).is_empty()) {
        out.push(Diagnostic::error(Code::Empty, "the `rollback` does nothing").at(place.child("rollback")));
    }
}

impl ChangeType for Update {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if self.set.is_empty() {
            out.push(Diagnostic::error(Code::Empty, "the update sets nothing").at(place.child("set")));
        }
        for (column, value) in &self.set {
            let here = place.child("set").child(column.as_str());
            check_default(Some(value), &here, out);
            if let SqlValue::Sql(sql) = value {
                check_piece(sql, &here, out);
            }
        }
        check_piece(&self.where_, &place.child("where"), out);
        check_keep(self.rollback.as_ref(), self.keep, place, out);
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Table, &self.table, Access::Write);
        effects.opaque = true;
    }

    fn undo(&self, scope: &Scope) -> Undo {
        undo(&self.table, self.rollback.as_ref(), self.keep, scope)
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        tidy_all(context, &["where"]);
        context.insert("keep".to_owned(), keeps(&self.table, self.rollback.as_ref(), self.keep, scope).into());
        let columns: Vec<&str> = self.set.keys().map(Ident::as_str).collect();
        context.insert("columns".to_owned(), columns.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};
    use serde_json::json;

    #[test]
    fn old_values_are_kept_unless_told_otherwise() {
        let update = |extra: Value| {
            let mut u = json!({"table": "app.t", "set": {"a": 1}, "where": "t.b > 0 -- some"});
            u.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            ("update", u)
        };
        let (undo, forward, rollback) = last(&[update(json!({}))]);
        assert_eq!(undo, Undo::Derived);
        assert!(forward.contains("remember_matching") && forward.contains("WHERE (t.b > 0)\n"), "{forward}");
        assert!(rollback.contains("put_back"), "{rollback}");
        let (_, forward, rollback) = last(&[update(json!({"rollback": "SELECT 1"}))]);
        assert!(!forward.contains("remember") && rollback.trim() == "SELECT 1");
        assert!(matches!(last(&[update(json!({"keep": false}))]).0, Undo::Missing(_)));
        let table = ("createTable", json!({"table": "app.t", "columns": []}));
        assert_eq!(last(&[table, update(json!({}))]).0, Undo::Nothing);
        let both = update(json!({"keep": true, "rollback": "SELECT 1"}));
        assert!(problems("update", &both.1)[0].contains("keep"));
    }
}
