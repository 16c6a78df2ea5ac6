//! The matrix for a comment or a wiki.

use super::{summary, word};
use crate::plan::matrix::Matrix;
use crate::report::escape::{code_span, markdown};
use crate::report::table::{Cell, Table};
use std::fmt::Write;

/// Rows of the table: GitHub refuses comments of more than 65,536 characters.
const ROWS: usize = 400;

pub(super) fn render(matrix: &Matrix) -> String {
    let mut out = String::new();
    let mut header = vec!["Changeset"];
    header.extend(matrix.environments.iter().map(|e| e.name.as_str()));
    let mut table = Table::new(&header);
    for row in &matrix.changesets {
        let cells = matrix.environments.iter().zip(&row.cells);
        let cells = cells.map(|(column, cell)| Cell::from(word(column, cell.as_ref())));
        table.row(std::iter::once(Cell::from(row.id.as_str())).chain(cells));
    }
    out.push_str(&table.markdown_head(ROWS));
    out.push('\n');
    for column in &matrix.environments {
        let text = match &column.answer {
            Ok(answer) => markdown(&summary(answer)),
            Err(silence) => format!("**is not known**: {}", markdown(&silence.message)),
        };
        let _ = writeln!(out, "* {} {text}", code_span(&column.name));
    }
    out
}
