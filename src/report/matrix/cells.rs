//! What the forms of a matrix share.

use crate::base::{Operation, Wording};
use crate::plan::matrix::{Answer, Column, Matrix};
use crate::plan::states::StateRow;
use crate::report::table::{Cell, Table};

/// What stands where nothing is known.
const UNKNOWN: &str = "?";

/// What a matrix can be adjusted by.
#[derive(Debug, Clone, Copy)]
pub struct MatrixOptions {
    /// How many columns the terminal has; `None`: it is none.
    pub limit: Option<usize>,
    /// How remedies are worded.
    pub wording: Wording,
}

/// The word of a cell.
pub(super) fn word(column: &Column, cell: Option<&StateRow>) -> &'static str {
    match cell {
        Some(row) => row.state.words(),
        None if column.answer.is_ok() => "",
        None => UNKNOWN,
    }
}

/// A row for each changeset, a column for each environment.
pub(super) fn table(matrix: &Matrix, first: &str, cell: impl Fn(&str) -> Cell) -> Table {
    let mut header = vec![first];
    header.extend(matrix.environments.iter().map(|e| e.name.as_str()));
    let mut table = Table::new(&header);
    for row in &matrix.changesets {
        let cells =
            matrix.environments.iter().zip(&row.cells).map(|(column, state)| cell(word(column, state.as_ref())));
        table.row(std::iter::once(Cell::from(row.id.as_str())).chain(cells));
    }
    table
}

/// What is to be said of an environment that answered.
pub(super) fn summary(answer: &Answer, wording: Wording) -> String {
    let counts: Vec<String> = answer.counts.iter().map(|(state, n)| format!("{n} {}", state.words())).collect();
    let mut text = format!("on {}: {}", answer.place, counts.join(", "));
    if answer.ledger_version == 0 {
        text.push_str("; no ledger yet");
    }
    if let Some(other) = &answer.belongs_to {
        let adopt = wording(&Operation::Adopt.into());
        text.push_str(&format!("; its ledger belongs to `{other}`: see {adopt}"));
    }
    text
}
