//! What does a task, and what takes it back: SQL or change types.

use crate::base::QualifiedName;
use crate::base::name::quote_ident;
use crate::inspect::ObjectKey;
use serde_json::Value;

/// A change of a changeset.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// SQL.
    Sql(String),
    /// SQL with what takes it back.
    Reversible {
        /// The statements.
        forward: Vec<String>,
        /// Those of the rollback.
        back: Vec<String>,
    },
    /// A change type with its parameters.
    Type(&'static str, Value),
}

/// What takes a task back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Back {
    /// dagmar knows it: the task is a change type.
    Derived,
    /// These, in this order.
    Forms(Vec<Form>),
    /// These take all of it back, whatever has a way back of its own. The task is alone in its changeset.
    Whole(Vec<Form>),
    /// Nothing does, for this reason.
    Never(String),
}

/// What does a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    pub forward: Vec<Form>,
    pub back: Back,
}

impl Made {
    /// Without the statements that make this role the owner: it is who runs them.
    pub fn without_owner(mut self, role: &str) -> Self {
        let end = format!(" OWNER TO {}", quote_ident(role));
        let is_other =
            |form: &Form| !matches!(form, Form::Sql(sql) if sql.starts_with("ALTER ") && sql.ends_with(&end));
        self.forward.retain(is_other);
        if let Back::Forms(forms) = &mut self.back {
            forms.retain(is_other);
        }
        self
    }
}

impl Back {
    /// These statements; `None`: there are none.
    pub fn of(sql: Option<Vec<String>>) -> Self {
        match sql {
            Some(sql) => Back::Forms(sql.into_iter().map(Form::Sql).collect()),
            None => Back::Never("its rollback does not follow from the catalog".to_owned()),
        }
    }
}

/// A name as change types have it: that of SQL, if it is read as the same one.
pub(super) fn qualified(name: &str) -> Option<String> {
    let parsed: QualifiedName = name.parse().ok()?;
    (parsed.sql() == name).then(|| name.to_owned())
}

/// A name without a schema as the catalog stores it.
pub(super) fn stored(name: &str) -> Option<String> {
    let parsed: QualifiedName = name.parse().ok()?;
    parsed.schema.is_none().then(|| parsed.name.as_str().to_owned())
}

/// The name of a column as the catalog stores it.
pub(super) fn column_name(key: &ObjectKey, table: &str) -> Option<String> {
    stored(key.name.strip_prefix(table)?.strip_prefix('.')?)
}
