//! The matrix for a comment or a wiki.

use super::{summary, table};
use crate::base::Wording;
use crate::plan::matrix::Matrix;
use crate::report::escape::{code_span, markdown};
use crate::report::table::Cell;
use std::fmt::Write;

/// Rows of the table: GitHub refuses comments of more than 65,536 characters.
const ROWS: usize = 400;

pub(super) fn render(matrix: &Matrix, wording: Wording) -> String {
    let mut out = table(matrix, "Changeset", |word| Cell::from(word)).markdown_head(ROWS);
    out.push('\n');
    for column in &matrix.environments {
        let text = match &column.answer {
            Ok(answer) => markdown(&summary(answer, wording)),
            Err(silence) => format!("**is unavailable**: {}", markdown(&silence.message)),
        };
        let _ = writeln!(out, "* {} {text}", code_span(&column.name));
    }
    out
}
