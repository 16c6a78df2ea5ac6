//! Columns, and the constraints that hang on them.

use super::value::{SqlValue, TypeName};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName, count};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnSpec {
    /// The name.
    pub name: Ident,
    /// The type with its modifiers.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// Whether the column accepts NULL; default: `true`, except for a primary key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
    /// The default: a literal, or `{ sql: expression }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlValue>,
    /// `true` makes the column the primary key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<bool>,
    /// `true` adds a unique constraint on this column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<bool>,
    /// The condition of a check constraint on this column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The column of another table that a foreign key references.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<References>,
    /// Makes it an identity column: `always` or `byDefault`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The expression of a stored generated column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// The collation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<QualifiedName>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The target of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct References {
    /// The table.
    pub table: QualifiedName,
    /// The referenced column; default: the primary key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Ident>,
    /// The action when the referenced row is deleted; default: `noAction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<Action>,
    /// The action when the referenced key changes; default: `noAction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_update: Option<Action>,
}

/// What a foreign key of several columns points at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferencesSpec {
    /// The table.
    pub table: QualifiedName,
    /// The referenced columns; default: the primary key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Ident>,
    /// The action when the referenced row is deleted; default: `noAction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<Action>,
    /// The action when the referenced key changes; default: `noAction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_update: Option<Action>,
}

impl ReferencesSpec {
    /// As many columns have to be pointed at as point.
    pub fn check(&self, from: usize, place: &Place, out: &mut Diagnostics) {
        if !self.columns.is_empty() && self.columns.len() != from {
            let to = self.columns.len();
            out.push(
                Diagnostic::error(Code::Contradiction, format!("{} cannot reference {to}", count(from, "column")))
                    .at(place.child("columns"))
                    .help("name the same number of columns on both sides"),
            );
        }
    }
}

/// The action of a foreign key when the referenced row changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// An error at the end of the statement, or later if the constraint is deferred.
    NoAction,
    /// An immediate error.
    Restrict,
    /// The referencing row is deleted or changed too.
    Cascade,
    /// The referencing column becomes NULL.
    SetNull,
    /// The referencing column gets its default.
    SetDefault,
}

/// Who may give the numbers of an identity column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Identity {
    /// Only the server.
    Always,
    /// The server, where the statement gives none.
    ByDefault,
}

impl ColumnSpec {
    /// Finds contradictions between its keys.
    pub fn check(&self, place: &Place, out: &mut Diagnostics) {
        let sources = [
            ("default", self.default.is_some()),
            ("identity", self.identity.is_some()),
            ("generated", self.generated.is_some()),
        ];
        let given: Vec<&str> = sources.iter().filter(|(_, on)| *on).map(|(key, _)| *key).collect();
        if given.len() > 1 {
            out.push(
                Diagnostic::error(
                    Code::Contradiction,
                    format!("column `{}` has {}; only one can define its value", self.name, given.join(" and ")),
                )
                .at(place.child(given[1]).as_key()),
            );
        }
        if self.primary_key == Some(true) && self.nullable == Some(true) {
            out.push(
                Diagnostic::error(
                    Code::Contradiction,
                    format!("column `{}` is the primary key and cannot be nullable", self.name),
                )
                .at(place.child("nullable"))
                .help("remove `nullable`"),
            );
        }
        check_default(self.default.as_ref(), &place.child("default"), out);
    }

    /// Notes the table that it points at.
    pub fn effects(&self, effects: &mut Effects) {
        if let Some(references) = &self.references {
            effects.touch(ObjectClass::Table, &references.table, Access::Reference);
        }
    }
}

/// A string that looks like a call is probably meant as one.
pub fn check_default(default: Option<&SqlValue>, place: &Place, out: &mut Diagnostics) {
    if let Some(sql) = default.and_then(SqlValue::looks_like_sql) {
        out.push(
            Diagnostic::error(Code::CallAsText, format!("`{sql}` would be stored as a text, not called"))
                .at(place.clone())
                .help(format!("write `{{ sql: {sql} }}` for the expression")),
        );
    }
}

/// Checks the columns of a table: each for itself, and that no name occurs twice.
pub fn check_columns(columns: &[ColumnSpec], place: &Place, out: &mut Diagnostics) {
    for (i, column) in columns.iter().enumerate() {
        let here = place.at(i);
        column.check(&here, out);
        if let Some(first) = columns[..i].iter().position(|c| c.name == column.name) {
            out.push(
                Diagnostic::error(Code::ElementTwice, format!("column `{}` occurs twice", column.name))
                    .at(here.child("name"))
                    .related(place.at(first).child("name"), "first here"),
            );
        }
    }
}

/// Checks the columns of a key or constraint: some, and each once.
pub fn check_key(what: &str, columns: &[Ident], place: &Place, out: &mut Diagnostics) {
    if columns.is_empty() {
        out.push(Diagnostic::error(Code::Empty, format!("{what} has no columns")).at(place.clone()));
    }
    for (i, column) in columns.iter().enumerate() {
        if let Some(first) = columns[..i].iter().position(|c| c == column) {
            out.push(
                Diagnostic::error(Code::ElementTwice, format!("column `{column}` occurs twice"))
                    .at(place.at(i))
                    .related(place.at(first), "first here"),
            );
        }
    }
}

/// `table_column_suffix`, cut so that it fits into a name as the server does it; without a
/// column `table_suffix` (manual, CREATE TABLE, `constraint_name`).
#[must_use]
pub fn generated_name(table: &str, column: &str, suffix: &str) -> String {
    let between = if column.is_empty() { 1 } else { 2 };
    let room = crate::base::name::MAX_BYTES - suffix.len() - between;
    let (mut a, mut b) = (table.to_owned(), column.to_owned());
    while a.len() + b.len() > room {
        if a.len() > b.len() {
            a.pop();
        } else {
            b.pop();
        }
    }
    if b.is_empty() { format!("{a}_{suffix}") } else { format!("{a}_{b}_{suffix}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_fit() {
        assert_eq!(generated_name("users", "email", "key"), "users_email_key");
        assert_eq!(generated_name("users", "", "pkey"), "users_pkey");
        let long = generated_name(&"t".repeat(60), &"é".repeat(20), "not_null_check");
        assert!(long.len() <= 63 && long.ends_with("_not_null_check"), "{long}");
    }
}
