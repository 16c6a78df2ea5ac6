//! The matrix for a terminal.

use super::{MatrixOptions, summary, table};
use crate::plan::matrix::Matrix;
use crate::report::style::Tone;
use crate::report::table::Cell;
use crate::report::text::line;
use std::fmt::Write;

pub(super) fn render(matrix: &Matrix, options: MatrixOptions) -> String {
    let style = options.style;
    let mut out = String::new();
    if !matrix.changesets.is_empty() {
        out.push_str(&table(matrix, "CHANGESET", Cell::state).plain(style));
        out.push('\n');
    }
    for column in &matrix.environments {
        let name = style.paint(Tone::Strong, &line(&column.name));
        match &column.answer {
            Ok(answer) => {
                let _ = writeln!(out, "{name} {}", line(&summary(answer)));
            }
            Err(silence) => {
                let said = style.paint(Tone::Bad, "is not known");
                let _ = writeln!(out, "{name} {said}: {}", line(&silence.message));
                if let Some(help) = &silence.help {
                    let _ = writeln!(out, "  help: {}", line(help));
                }
            }
        }
    }
    out
}
