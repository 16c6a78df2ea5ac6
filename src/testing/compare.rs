//! What a query returned, compared with what was expected.

use super::decimal;
use super::difference::{DiffLine, Difference, Sign};
use super::result::ResultSet;
use crate::base::{count, diag::nearest};
use crate::source::testing::{Expected, ExpectedRows};
use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A value of a result; `None`: NULL.
type Found = Option<String>;

/// A result that is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs, in one line.
    pub message: String,
    /// The rows.
    pub difference: Option<Difference>,
}

impl Mismatch {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), difference: None }
    }
}

/// Compares a result with the expected one.
///
/// # Errors
/// What differs.
pub fn compare(expected: &Expected, found: &ResultSet) -> Result<(), Mismatch> {
    let number = found.rows.len();
    match expected {
        Expected::Count(wanted) if usize::try_from(*wanted) == Ok(number) => Ok(()),
        Expected::Count(wanted) => Err(Mismatch::new(format!("expected {}, found {number}", count(*wanted, "row")))),
        Expected::Empty(true) if number == 0 => Ok(()),
        Expected::Empty(true) => Err(Mismatch {
            message: format!("expected no rows, found {number}"),
            difference: Some(Difference::of(found.columns.clone(), lines(Sign::Unexpected, &found.rows))),
        }),
        Expected::Empty(false) if number == 0 => Err(Mismatch::new("expected at least one row, found none")),
        Expected::Empty(false) => Ok(()),
        Expected::Value(value) => match found.rows.as_slice() {
            [row] if row.len() == 1 => {
                let rows = ExpectedRows { columns: None, rows: vec![vec![value.clone()]], is_ordered: true };
                compare_rows(&rows, found)
                    .map_err(|mismatch| Mismatch { message: "the value differs".to_owned(), ..mismatch })
            }
            [row] => Err(Mismatch::new(format!("expected one value, found {}", count(row.len(), "column")))),
            rows => Err(Mismatch::new(format!("expected one value, found {}", count(rows.len(), "row")))),
        },
        Expected::Rows(rows) => compare_rows(rows, found),
    }
}

/// The positions of the columns of a result that are compared.
///
/// # Errors
/// A column that is not there, or rows of another width.
pub fn columns(expected: &ExpectedRows, found: &ResultSet) -> Result<Vec<usize>, Mismatch> {
    let known = || found.columns.join(", ");
    match (&expected.columns, expected.rows.first()) {
        (Some(names), _) => {
            let position = |name: &String| {
                found.columns.iter().position(|column| column == name).ok_or_else(|| {
                    let near = nearest(name, found.columns.iter().map(String::as_str));
                    let help =
                        near.map_or_else(|| format!("it has: {}", known()), |near| format!("did you mean `{near}`?"));
                    Mismatch::new(format!("the result has no column `{name}`; {help}"))
                })
            };
            names.iter().map(position).collect()
        }
        (None, Some(row)) if row.len() != found.columns.len() => {
            let (values, columns) = (count(row.len(), "value"), count(found.columns.len(), "column"));
            Err(Mismatch::new(format!("the expected rows have {values}, the result has {columns}: {}", known())))
        }
        (None, _) => Ok((0..found.columns.len()).collect()),
    }
}

fn compare_rows(expected: &ExpectedRows, found: &ResultSet) -> Result<(), Mismatch> {
    let positions = columns(expected, found)?;
    let there: Vec<Vec<Found>> =
        found.rows.iter().map(|row| positions.iter().map(|at| row.get(*at).cloned().flatten()).collect()).collect();
    let wanted = &expected.rows;
    let rows = if expected.is_ordered { ordered(wanted, &there) } else { unordered(wanted, &there) };
    if rows.iter().all(|row| row.sign == Sign::Same) {
        return Ok(());
    }
    let names = positions.iter().map(|at| found.columns[*at].clone()).collect();
    let message = match (expected.is_ordered, unordered(wanted, &there).iter().all(|row| row.sign == Sign::Same)) {
        (true, true) => "the rows are in another order",
        _ => "the rows differ",
    };
    Err(Mismatch { message: message.to_owned(), difference: Some(Difference::of(names, rows)) })
}

/// The rows in their order.
fn ordered(wanted: &[Vec<Value>], there: &[Vec<Found>]) -> Vec<DiffLine> {
    // rows that are equal get the same number
    let mut kinds: Vec<&[Found]> = Vec::new();
    let mut kind_of = |row| {
        kinds.iter().position(|kind| *kind == row).unwrap_or_else(|| {
            kinds.push(row);
            kinds.len() - 1
        })
    };
    let new: Vec<usize> = there.iter().map(|row| kind_of(row.as_slice())).collect();
    let old: Vec<usize> = wanted
        .iter()
        .enumerate()
        .map(|(i, row)| {
            // the one at its own position, where that fits
            let here = there.get(i).into_iter().chain(there).find(|found| are_equal(row, found));
            here.and_then(|found| there.iter().position(|row| row == found)).map_or(usize::MAX - i, |at| new[at])
        })
        .collect();
    let mut rows = Vec::with_capacity(there.len());
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        match op {
            DiffOp::Equal { new_index, len, .. } => rows.extend(lines(Sign::Same, &there[new_index..new_index + len])),
            DiffOp::Delete { old_index, old_len, .. } => rows.extend(missing(&wanted[old_index..old_index + old_len])),
            DiffOp::Insert { new_index, new_len, .. } => {
                rows.extend(lines(Sign::Unexpected, &there[new_index..new_index + new_len]));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                rows.extend(missing(&wanted[old_index..old_index + old_len]));
                rows.extend(lines(Sign::Unexpected, &there[new_index..new_index + new_len]));
            }
        }
    }
    rows
}

/// The rows in any order, each as often as it is expected.
fn unordered(wanted: &[Vec<Value>], there: &[Vec<Found>]) -> Vec<DiffLine> {
    let mut open: Vec<bool> = vec![true; there.len()];
    let mut taken: Vec<Option<usize>> = vec![None; wanted.len()];
    // the same text first: a number equals several texts
    for equal in [are_same, are_equal] {
        for (row, taken) in wanted.iter().zip(&mut taken).filter(|(_, taken)| taken.is_none()) {
            *taken = (0..there.len()).find(|at| open[*at] && equal(row, &there[*at]));
            if let Some(at) = *taken {
                open[at] = false;
            }
        }
    }
    let same = taken.iter().flatten().flat_map(|at| lines(Sign::Same, &there[*at..=*at]));
    let gone = wanted.iter().zip(&taken).filter(|(_, taken)| taken.is_none()).map(|(row, _)| row);
    let gone = gone.flat_map(|row| missing(std::slice::from_ref(row)));
    let new = there.iter().zip(&open).filter(|(_, open)| **open).map(|(row, _)| row);
    let new = new.flat_map(|row| lines(Sign::Unexpected, std::slice::from_ref(row)));
    same.chain(gone).chain(new).collect()
}

fn lines(sign: Sign, rows: &[Vec<Found>]) -> Vec<DiffLine> {
    rows.iter().map(|values| DiffLine { sign, values: values.clone() }).collect()
}

fn missing(rows: &[Vec<Value>]) -> Vec<DiffLine> {
    let line = |row: &Vec<Value>| DiffLine { sign: Sign::Missing, values: row.iter().map(text_of).collect() };
    rows.iter().map(line).collect()
}

/// An expected value as PostgreSQL would write it.
fn text_of(value: &Value) -> Found {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(if *yes { "t" } else { "f" }.to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

fn are_same(row: &[Value], found: &[Found]) -> bool {
    row.len() == found.len() && row.iter().zip(found).all(|(value, found)| text_of(value) == *found)
}

fn are_equal(row: &[Value], found: &[Found]) -> bool {
    row.len() == found.len() && row.iter().zip(found).all(|(value, found)| is_equal(value, found.as_deref()))
}

/// Whether a value of a result is the expected one.
#[must_use]
pub fn is_equal(expected: &Value, found: Option<&str>) -> bool {
    let Some(found) = found else { return expected.is_null() };
    match expected {
        Value::Null => false,
        Value::Bool(true) => matches!(found, "t" | "true"),
        Value::Bool(false) => matches!(found, "f" | "false"),
        Value::Number(number) => decimal::is_same(&number.to_string(), found),
        Value::String(text) => text == found,
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(found).is_ok_and(|found| found == *expected)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(columns: &[&str], rows: &[&[Option<&str>]]) -> ResultSet {
        let row = |row: &&[Option<&str>]| row.iter().map(|value| value.map(str::to_owned)).collect();
        ResultSet { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows: rows.iter().map(row).collect() }
    }

    fn rows(columns: Option<&[&str]>, rows: Value, is_ordered: bool) -> Expected {
        Expected::Rows(ExpectedRows {
            columns: columns.map(|names| names.iter().map(|c| (*c).to_owned()).collect()),
            rows: serde_json::from_value(rows).unwrap(),
            is_ordered,
        })
    }

    #[test]
    fn values_of_yaml_equal_what_postgresql_writes() {
        for (value, found, is_same) in [
            (json!(null), None, true),
            (json!(null), Some(""), false),
            (json!(""), None, false),
            (json!(true), Some("t"), true),
            (json!(true), Some("f"), false),
            (json!(1), Some("1.00"), true),
            (json!(1), Some("one"), false),
            (json!("1"), Some("1.00"), false),
            (json!({"a": [1, null]}), Some("{\"a\": [1, null]}"), true),
            (json!("t"), Some("t"), true),
        ] {
            assert_eq!(is_equal(&value, found), is_same, "{value} {found:?}");
        }
    }

    #[test]
    fn rows_in_any_order_count() {
        let found = result(&["id", "n"], &[&[Some("2"), Some("x")], &[Some("1"), None], &[Some("2"), Some("x")]]);
        assert_eq!(compare(&rows(None, json!([[1, null], [2, "x"], [2, "x"]]), false), &found), Ok(()));
        assert_eq!(compare(&rows(Some(&["n"]), json!([["x"], ["x"], [null]]), false), &found), Ok(()));
        let mismatch = compare(&rows(None, json!([[1, null], [2, "x"]]), false), &found).unwrap_err();
        let signs: Vec<Sign> = mismatch.difference.unwrap().rows.iter().map(|row| row.sign).collect();
        assert_eq!(signs, [Sign::Same, Sign::Same, Sign::Unexpected], "one more than expected");
        let mismatch = compare(&rows(None, json!([[1, null], [2, "x"], [2, "x"]]), true), &found).unwrap_err();
        assert_eq!(mismatch.message, "the rows are in another order");
        assert_eq!(compare(&rows(None, json!([[2, "x"], [1, null], [2, "x"]]), true), &found), Ok(()));
        // a number takes no text from another row
        let found = result(&["n"], &[&[Some("1.0")], &[Some("1")]]);
        assert_eq!(compare(&rows(None, json!([[1], ["1.0"]]), false), &found), Ok(()));
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let found = result(&["id", "name"], &[&[Some("1"), Some("Ann")]]);
        let message = |expected| compare(&expected, &found).unwrap_err().message;
        assert_eq!(
            message(rows(Some(&["nmae"]), json!([["Ann"]]), false)),
            "the result has no column `nmae`; did you mean `name`?"
        );
        assert_eq!(
            message(rows(None, json!([[1]]), false)),
            "the expected rows have 1 value, the result has 2 columns: id, name"
        );
        assert_eq!(message(Expected::Value(json!(1))), "expected one value, found 2 columns");
        assert_eq!(message(Expected::Count(2)), "expected 2 rows, found 1");
        assert_eq!(message(Expected::Empty(true)), "expected no rows, found 1");
        assert_eq!(
            compare(&Expected::Empty(false), &result(&["a"], &[])).unwrap_err().message,
            "expected at least one row, found none"
        );
        let one = result(&["n"], &[&[Some("5")]]);
        assert_eq!(compare(&Expected::Value(json!(5.0)), &one), Ok(()));
        let mismatch = compare(&Expected::Value(json!(6)), &one).unwrap_err();
        assert_eq!((mismatch.message.as_str(), mismatch.difference.unwrap().rows.len()), ("the value differs", 2));
    }
}
