//! The parts of a step: SQL, rows, changesets, the session.

use super::context::{Context, Node};
use super::model::{Chosen, Given, GivenRow, Session, SqlText};
use crate::base::diag::nearest;
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::change::many::Many;
use crate::change::value::SqlValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the SQL of a step runs with.
pub(super) fn session(
    role: Option<&str>,
    settings: &Map<String, Value>,
    place: &Place,
    out: &mut Diagnostics,
) -> Session {
    let mut session = Session::default();
    match role.map(Ident::new) {
        Some(Ok(role)) => session.role = Some(role),
        Some(Err(why)) => out.push(Diagnostic::error(Code::BadObjectName, why).at(place.child("role"))),
        None => {}
    }
    for (name, value) in settings {
        match text_of(value) {
            Some(text) => session.settings.push((name.clone(), text)),
            None => out.push(
                Diagnostic::error(Code::WrongValue, format!("the setting `{name}` is not a text, number or boolean"))
                    .at(place.child("settings").child(name)),
            ),
        }
    }
    session
}

/// A scalar as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The changesets that a test names.
pub(super) fn chosen(
    Many(ids): &Many<String>,
    value: &Value,
    place: &Place,
    context: Context<'_>,
    out: &mut Diagnostics,
) -> Chosen {
    if ids.as_slice() == ["all"] {
        return Chosen::All;
    }
    let changesets = &context.changelog.changesets;
    for (i, id) in ids.iter().enumerate() {
        let here = if value.is_array() { place.at(i) } else { place.clone() };
        match changesets.iter().find(|changeset| changeset.id == *id) {
            None => {
                let near = nearest(id, changesets.iter().map(|changeset| changeset.id.as_str()));
                let problem = Diagnostic::error(Code::UnknownInTest, format!("the changeset `{id}` does not exist"));
                out.push(problem.at(here).meant(near));
            }
            Some(changeset) if !changeset.is_for(context.environment) => {
                let message = format!("the changeset `{id}` is not for the environment `{}`", context.environment);
                let names = changeset.environments.join(", ");
                out.push(
                    Diagnostic::error(Code::UnknownInTest, message)
                        .at(here)
                        .help(format!("write `environments: [{names}]` into the test: elsewhere it is skipped")),
                );
            }
            Some(_) => {}
        }
    }
    Chosen::Ids(ids.clone())
}

/// The SQL of `sql` or `sqlFile`.
pub(super) fn one_sql(
    sql: Option<&str>,
    sql_file: Option<&str>,
    node: Node<'_>,
    context: Context<'_>,
    out: &mut Diagnostics,
) -> Option<SqlText> {
    let text = match (sql, sql_file) {
        (Some(sql), None) => SqlText {
            sql: sql.to_owned(),
            written: node.written["sql"].as_str().unwrap_or(sql).to_owned(),
            place: node.place.child("sql"),
        },
        (None, Some(path)) => {
            let read = context.files.read(path, &node.place.child("sqlFile"), out)?;
            SqlText { sql: read.filled, written: read.raw, place: Place::bytes(read.id, 0..0) }
        }
        (both, _) => {
            let message = if both.is_some() { "`sql` and `sqlFile` exclude each other" } else { "the SQL is missing" };
            let problem = Diagnostic::error(Code::TestStep, message).at(node.place.clone());
            out.push(problem.help("write `sql`, or name a file with `sqlFile`"));
            return None;
        }
    };
    if text.sql.trim().is_empty() {
        out.push(
            Diagnostic::error(Code::TestStep, "the SQL is empty").at(text.place.clone()).help("write a statement"),
        );
        return None;
    }
    Some(text)
}

/// The rows that are there.
pub(super) fn given(value: &Value, node: Node<'_>, context: Context<'_>, out: &mut Diagnostics) -> Vec<Given> {
    const HOW: &str = "write rows by table: `{ app.users: [{ id: 1 }] }`, or `sql` or `sqlFile`";
    let Some(tables) = value.as_object().filter(|tables| !tables.is_empty()) else {
        let problem = Diagnostic::error(Code::TestStep, "`given` has no rows").at(node.place.clone());
        out.push(problem.help(HOW));
        return Vec::new();
    };
    let mut list = Vec::with_capacity(tables.len());
    for (key, value) in tables {
        let here = node.place.child(key);
        match (key.as_str(), value) {
            ("sql", Value::String(sql)) => list.extend(one_sql(Some(sql), None, node, context, out).map(Given::Sql)),
            ("sqlFile", Value::String(path)) => {
                list.extend(one_sql(None, Some(path), node, context, out).map(Given::Sql));
            }
            ("sql" | "sqlFile", _) => {
                out.push(Diagnostic::error(Code::WrongValue, format!("`{key}` is not a text")).at(here).help(HOW));
            }
            (table, rows) => list.extend(rows_of(table, rows, &here, context, out)),
        }
    }
    list
}

fn rows_of(table: &str, value: &Value, place: &Place, context: Context<'_>, out: &mut Diagnostics) -> Option<Given> {
    let name = context.variables.fill(table).map_err(|_| format!("`{table}` has a variable without a value"));
    let name = match name.and_then(|name| name.parse::<QualifiedName>()) {
        Ok(name) => name,
        Err(why) => {
            let problem = Diagnostic::error(Code::BadObjectName, why).at(place.clone().as_key());
            out.push(problem.help("a key of `given` is a table with its schema, `sql` or `sqlFile`"));
            return None;
        }
    };
    let Some(rows) = value.as_array() else {
        let problem = Diagnostic::error(Code::WrongValue, format!("`{table}` has no list of rows")).at(place.clone());
        out.push(problem.help("a row is a mapping of columns to values: `[{ id: 1 }]`"));
        return None;
    };
    let rows = rows.iter().enumerate().filter_map(|(i, row)| given_row(row, place.at(i), out));
    Some(Given::Rows(name, rows.collect()))
}

fn given_row(row: &Value, place: Place, out: &mut Diagnostics) -> Option<GivenRow> {
    let Some(map) = row.as_object() else {
        let problem = Diagnostic::error(Code::WrongValue, "a row is not a mapping of columns to values").at(place);
        out.push(problem.help("write `{ id: 1, name: Ann }`"));
        return None;
    };
    let mut values = BTreeMap::new();
    for (column, value) in map {
        let here = place.child(column);
        let value = serde_json::from_value::<SqlValue>(value.clone()).map_err(|e| e.to_string());
        match (Ident::new(column.as_str()), value) {
            (Ok(column), Ok(value)) => {
                if let Some(call) = value.looks_like_sql() {
                    let problem = Diagnostic::error(Code::CallAsText, format!("`{call}` would be stored as a text"));
                    out.push(problem.at(here).help(format!("write `{{ sql: {call} }}`")));
                }
                values.insert(column, value);
            }
            (Err(why), _) => out.push(Diagnostic::error(Code::BadObjectName, why).at(here.as_key())),
            (_, Err(why)) => out.push(Diagnostic::error(Code::WrongValue, why).at(here)),
        }
    }
    Some(GivenRow { place, values })
}
