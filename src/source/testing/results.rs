//! What a step expects: the result of a query, or a failure.

use super::context::{Context, Node};
use super::form::{ExpectForm, FailsForm};
use super::model::{Action, Expected, ExpectedFailure, ExpectedRows, SqlText};
use super::parts::{chosen, one_sql};
use crate::base::typed::typed;
use crate::base::{Code, Diagnostic, Diagnostics, Place};
use serde_json::Value;

/// A query with its expected result.
pub(super) fn expectation(
    value: &Value,
    node: Node<'_>,
    context: Context<'_>,
    out: &mut Diagnostics,
) -> Option<(SqlText, Expected)> {
    const KINDS: [&str; 4] = ["rows", "value", "count", "empty"];
    let form: ExpectForm = typed(value, node.place, out)?;
    let sql = one_sql(form.sql.as_deref(), form.sql_file.as_deref(), node, context, out);
    let there = |key: &&&str| value.get(**key).is_some();
    let present: Vec<&str> = KINDS.iter().filter(there).copied().collect();
    let problem = |message: String| Diagnostic::error(Code::Expectation, message).at(node.place.clone());
    let [kind] = present[..] else {
        let message = match present.as_slice() {
            [] => "nothing is expected of the result".to_owned(),
            several => format!("several results are expected: `{}`", several.join("`, `")),
        };
        out.push(problem(message).help("write one of `rows`, `value`, `count` and `empty`"));
        return None;
    };
    if form.ordered && kind != "rows" {
        out.push(problem(format!("`ordered` has no effect on `{kind}`")).help("it is for `rows`"));
    }
    let expected = match (form.rows, form.value, form.count, form.empty) {
        (Some(rows), ..) => Expected::Rows(expected_rows(&rows, form.ordered, &node.place.child("rows"), out)?),
        (_, Some(value), ..) => Expected::Value(value),
        (_, _, Some(count), _) => Expected::Count(count),
        (_, _, _, Some(empty)) => Expected::Empty(empty),
        (None, None, None, None) => {
            let problem = problem(format!("`{kind}` has no value"));
            out.push(problem.help("write one of `rows`, `value`, `count` and `empty`"));
            return None;
        }
    };
    Some((sql?, expected))
}

fn expected_rows(rows: &[Value], is_ordered: bool, place: &Place, out: &mut Diagnostics) -> Option<ExpectedRows> {
    let mut expected = ExpectedRows { columns: None, rows: Vec::with_capacity(rows.len()), is_ordered };
    let mut is_whole = true;
    for (i, row) in rows.iter().enumerate() {
        let problem = |message: String| Diagnostic::error(Code::Expectation, message).at(place.at(i));
        let values: Vec<Value> = match row {
            Value::Object(map) if i == 0 => {
                expected.columns = Some(map.keys().cloned().collect());
                map.values().cloned().collect()
            }
            Value::Object(map) if let Some(columns) = &expected.columns => {
                let missing = columns.iter().find(|column| !map.contains_key(*column));
                let other = map.keys().find(|column| !columns.contains(column));
                if let Some(column) = missing.or(other) {
                    let message = format!("the rows do not name the same columns: `{column}` is not in all of them");
                    out.push(problem(message).help("name the same columns in each row; `null` is a value"));
                    is_whole = false;
                    continue;
                }
                columns.iter().map(|column| map[column].clone()).collect()
            }
            Value::Array(values) if expected.columns.is_none() => {
                if let Some(first) = expected.rows.first().filter(|first| first.len() != values.len()) {
                    let message = format!("the row has {} values, the first one has {}", values.len(), first.len());
                    out.push(problem(message).help("write the values of all columns, in their order"));
                    is_whole = false;
                    continue;
                }
                values.clone()
            }
            Value::Object(_) | Value::Array(_) => {
                out.push(problem("mappings and lists are mixed".to_owned()).help("write all rows in the same form"));
                is_whole = false;
                continue;
            }
            _ => {
                let problem = problem("a row is neither a mapping nor a list".to_owned());
                out.push(problem.help("write `{ id: 1, name: Ann }`, or the values of all columns: `[1, Ann]`"));
                is_whole = false;
                continue;
            }
        };
        if values.is_empty() {
            out.push(problem("the row has no values".to_owned()).help("name a column, or expect a `count`"));
            is_whole = false;
        }
        expected.rows.push(values);
    }
    is_whole.then_some(expected)
}

/// What must fail, and how.
pub(super) fn failure(value: &Value, node: Node<'_>, context: Context<'_>, out: &mut Diagnostics) -> Option<Action> {
    const KINDS: [&str; 4] = ["sql", "sqlFile", "apply", "rollback"];
    let form: FailsForm = typed(value, node.place, out)?;
    let problem = |message: String| Diagnostic::error(Code::Expectation, message).at(node.place.clone());
    let sqlstate = form.sqlstate.as_ref().and_then(|value| sqlstate(value, &node.place.child("sqlstate"), out));
    let message = form.message.filter(|message| !message.trim().is_empty());
    if form.sqlstate.is_none() && message.is_none() {
        let problem = problem("any failure would do".to_owned());
        out.push(problem.help("write the `sqlstate` of the error, a part of its `message`, or both"));
    }
    let there = |key: &&&str| !value[**key].is_null();
    let present: Vec<&str> = KINDS.iter().filter(there).copied().collect();
    let [kind] = present[..] else {
        let message = match present.as_slice() {
            [] => "nothing is said that must fail".to_owned(),
            several => format!("several things must fail: `{}`", several.join("`, `")),
        };
        out.push(problem(message).help("write one of `sql`, `sqlFile`, `apply` and `rollback`"));
        return None;
    };
    let place = node.place.child(kind);
    let action = match (&form.apply, &form.rollback) {
        (Some(ids), _) => Action::Apply(chosen(ids, &value[kind], &place, context, out)),
        (_, Some(ids)) => Action::Rollback(chosen(ids, &value[kind], &place, context, out)),
        (None, None) => Action::Sql(one_sql(form.sql.as_deref(), form.sql_file.as_deref(), node, context, out)?),
    };
    Some(Action::Fails(Box::new(action), ExpectedFailure { sqlstate, message }))
}

/// Five digits or capital letters; YAML takes those without letters for a number.
fn sqlstate(value: &Value, place: &Place, out: &mut Diagnostics) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => format!("{:0>5}", number.to_string()),
        _ => String::new(),
    };
    if text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return Some(text);
    }
    let problem = Diagnostic::error(Code::Expectation, format!("`{}` is not an SQLSTATE", text.trim()));
    out.push(problem.at(place.clone()).help("it has five digits or capital letters: \"23505\" is a unique violation"));
    None
}
