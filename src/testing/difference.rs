//! The difference of expected and found rows.

use schemars::JsonSchema;
use serde::Serialize;

/// Lines that are kept; nobody reads more.
const MOST: usize = 60;

/// Lines that are equal, kept around those that are not.
const AROUND: usize = 3;

/// What stands in front of a row of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DifferenceSign")]
pub enum Sign {
    /// The row was expected, and found.
    Same,
    /// The row was expected, and not found.
    Missing,
    /// The row was found, and not expected.
    Unexpected,
}

/// A row of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "DifferenceRow")]
pub struct DiffLine {
    /// Whether the row was expected, found, or both.
    pub sign: Sign,
    /// The values, as PostgreSQL writes them.
    pub values: Vec<Option<String>>,
}

/// The difference of expected and found rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The compared columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<DiffLine>,
    /// The number of further rows, which are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Difference {
    /// Changes every text in it.
    pub fn each_text(&mut self, change: impl Fn(&str) -> String) {
        for text in self.rows.iter_mut().flat_map(|row| row.values.iter_mut().flatten()) {
            *text = change(text);
        }
    }

    /// A difference with the rows that matter: equal ones only near others.
    #[must_use]
    pub fn of(columns: Vec<String>, rows: Vec<DiffLine>) -> Self {
        let all = rows.len();
        let differs: Vec<usize> = (0..all).filter(|i| rows[*i].sign != Sign::Same).collect();
        let near = |i: usize| {
            let next = differs.partition_point(|at| *at < i);
            let after = differs.get(next).is_some_and(|at| at - i <= AROUND);
            after || next.checked_sub(1).and_then(|n| differs.get(n)).is_some_and(|at| i - at <= AROUND)
        };
        let rows = rows.into_iter().enumerate().filter(|(i, _)| near(*i)).map(|(_, row)| row).take(MOST);
        let rows: Vec<DiffLine> = rows.collect();
        Self { columns, omitted: all - rows.len(), rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_far_from_others_are_left_out() {
        let row = |i: usize| DiffLine {
            sign: if i == 10 { Sign::Missing } else { Sign::Same },
            values: vec![Some(i.to_string())],
        };
        let difference = Difference::of(vec!["n".to_owned()], (0..30).map(row).collect());
        let kept: Vec<&str> = difference.rows.iter().filter_map(|row| row.values[0].as_deref()).collect();
        assert_eq!((kept, difference.omitted), (vec!["7", "8", "9", "10", "11", "12", "13"], 23));
    }
}
