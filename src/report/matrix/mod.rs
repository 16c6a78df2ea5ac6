//! Which environment has what, as a table. In: the matrix. Out: text.

mod html;
mod json;
mod markdown;
mod text;

use super::lines::Rendered;
use super::table::{Cell, Table};
use crate::plan::matrix::{Answer, Column, Matrix};
use crate::plan::states::StateRow;

/// What stands where nothing is known.
const UNKNOWN: &str = "?";

/// What a matrix can be adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatrixOptions {
    /// How many columns the terminal has; `None`: it is none.
    pub limit: Option<usize>,
}

/// How a matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a comment, a wiki.
    Markdown,
    /// A page of its own.
    Html,
}

impl MatrixFormat {
    /// All formats; each is the file of its name in this folder.
    pub const ALL: &[MatrixFormat] =
        &[MatrixFormat::Text, MatrixFormat::Json, MatrixFormat::Markdown, MatrixFormat::Html];

    /// The name on the command line, and of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MatrixFormat::Text => "text",
            MatrixFormat::Json => "json",
            MatrixFormat::Markdown => "markdown",
            MatrixFormat::Html => "html",
        }
    }

    /// Writes the matrix.
    #[must_use]
    pub fn render(self, matrix: &Matrix, options: MatrixOptions) -> Rendered {
        Rendered::Document(match self {
            MatrixFormat::Text => return Rendered::Text(text::render(matrix, options)),
            MatrixFormat::Json => json::render(matrix),
            MatrixFormat::Markdown => markdown::render(matrix),
            MatrixFormat::Html => html::render(matrix),
        })
    }
}

/// The word of a cell.
fn word(column: &Column, cell: Option<&StateRow>) -> &'static str {
    match cell {
        Some(row) => row.state.words(),
        None if column.answer.is_ok() => "",
        None => UNKNOWN,
    }
}

/// A row for each changeset, a column for each environment.
fn table(matrix: &Matrix, first: &str, cell: impl Fn(&str) -> Cell) -> Table {
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
fn summary(answer: &Answer) -> String {
    let counts: Vec<String> = answer.counts.iter().map(|(state, n)| format!("{n} {}", state.words())).collect();
    let mut text = format!("on {}: {}", answer.place, counts.join(", "));
    if answer.ledger_version == 0 {
        text.push_str("; no ledger yet");
    }
    if let Some(other) = &answer.belongs_to {
        text.push_str(&format!("; its ledger belongs to `{other}`: see `dagmar adopt`"));
    }
    text
}

#[cfg(test)]
mod tests;
