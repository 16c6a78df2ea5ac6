//! Properties of an object that change.

use super::form::{Back, Form, Made, column_name, qualified};
use super::forms;
use super::identity::{switch, switches};
use super::tasks::Tasks;
use crate::inspect::{Change, Difference, ObjectKey, ObjectKind as Kind, Snapshot, ddl, drop_default};
use serde_json::json;

/// Changes properties, the type before the default that may only fit the new one.
pub(super) fn alter(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Made> {
    let Tasks { from, to, changed, .. } = tasks;
    let differences = changed.get(key)?;
    if switches(differences).is_some() {
        let forward = with_identity(to, from, key, differences)?;
        let back = with_identity(from, to, key, &turned(differences));
        return Some(Made { forward: forward.into_iter().map(Form::Sql).collect(), back: Back::of(back) });
    }
    if is_not_null_apart(tasks, key) {
        let rest = without(differences, &["notNull"]);
        let mut forward = Vec::new();
        if !rest.is_empty() {
            let (sql, back) = (statements(to, from, &rest)?, statements(from, to, &turned(&rest))?);
            forward.push(Form::Reversible { forward: sql, back });
        }
        forward.push(not_null(tasks, key)?);
        return Some(Made { forward, back: Back::Derived });
    }
    let forward = statements(to, from, differences)?;
    let back = statements(from, to, &turned(differences));
    if back.is_none()
        && let Some(forms) = forms::enum_values(tasks, key)
    {
        let why = "PostgreSQL cannot remove a value of an enum".to_owned();
        return Some(Made { forward: forms, back: Back::Never(why) });
    }
    Some(Made { forward: forward.into_iter().map(Form::Sql).collect(), back: Back::of(back) })
}

/// Whether a change type sets NOT NULL or takes it away, without reading the table under a lock that blocks others.
pub(super) fn is_not_null_apart(tasks: &Tasks<'_>, key: &ObjectKey) -> bool {
    let Some(differences) = tasks.changed.get(key).filter(|_| !tasks.blocking && key.kind == Kind::Column) else {
        return false;
    };
    let has = |name: &str| differences.iter().any(|difference| property(difference) == name);
    let is_odd = has("notNullConstraint") || has("notNullComment") || switches(differences).is_some();
    has("notNull") && !is_odd && not_null(tasks, key).is_some()
}

fn not_null(tasks: &Tasks<'_>, key: &ObjectKey) -> Option<Form> {
    let column = tasks.to.get(key)?;
    let table = column.parent.as_ref().filter(|table| table.kind == Kind::Table)?;
    let kind = if column.is("notNull") { "setNotNull" } else { "dropNotNull" };
    let parameters = json!({ "table": qualified(&table.name)?, "column": column_name(key, &table.name)? });
    Some(Form::Type(kind, parameters))
}

/// A column gets its NOT NULL before it becomes an identity column, and loses it when it is none any more.
fn with_identity(to: &Snapshot, from: &Snapshot, key: &ObjectKey, differences: &[Difference]) -> Option<Vec<String>> {
    let mut switched = switch(to, from, key, switches(differences)?)?;
    let mut rest = statements(to, from, &without(differences, &["identity", "default"]))?;
    if to.get(key)?.text("identity").is_some() {
        rest.append(&mut switched);
        return Some(rest);
    }
    switched.append(&mut rest);
    Some(switched)
}

/// The statements of these differences.
fn statements(to: &Snapshot, from: &Snapshot, differences: &[Difference]) -> Option<Vec<String>> {
    let is_type = |difference: &Difference| matches!(property(difference), "type" | "collation");
    let mut sorted: Vec<&Difference> = differences.iter().collect();
    sorted.sort_by_key(|difference| !is_type(difference));
    let mut sql: Vec<String> = Vec::new();
    let default = differences.iter().find(|difference| property(difference) == "default");
    if let Some(Difference { object, .. }) = default
        && object.kind == Kind::Column
        && differences.iter().any(is_type)
        && from.get(object)?.text("default").is_some()
    {
        sql.extend(drop_default(from, object)?);
    }
    for difference in sorted {
        for statement in ddl(to, from, difference)? {
            if !sql.contains(&statement) {
                sql.push(statement);
            }
        }
    }
    Some(sql)
}

fn property(difference: &Difference) -> &str {
    match &difference.change {
        Change::Changed { property, .. } => property,
        Change::Missing | Change::Extra | Change::Moved { .. } => "",
    }
}

fn turned(differences: &[Difference]) -> Vec<Difference> {
    differences.iter().map(Difference::turned).collect()
}

fn without(differences: &[Difference], properties: &[&str]) -> Vec<Difference> {
    differences.iter().filter(|difference| !properties.contains(&property(difference))).cloned().collect()
}
