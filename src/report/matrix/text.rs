//! The matrix for a terminal.

use super::{MatrixOptions, summary, table};
use crate::base::text::line;
use crate::plan::matrix::Matrix;
use crate::report::lines::{Line, Text};
use crate::report::style::Tone;
use crate::report::table::Cell;

pub(super) fn render(matrix: &Matrix, options: MatrixOptions) -> Text {
    let mut out = Text::new();
    if !matrix.changesets.is_empty() {
        out.append(table(matrix, "CHANGESET", Cell::state).text(options.limit));
        out.gap();
    }
    for column in &matrix.environments {
        let name = Line::new().paint(Tone::Strong, line(&column.name));
        match &column.answer {
            Ok(answer) => out.line(name.plain(format!(" {}", line(&summary(answer, options.wording))))),
            Err(silence) => {
                let said = name.plain(" ").paint(Tone::Bad, "is unavailable");
                out.line(said.plain(format!(": {}", line(&silence.message))));
                if let Some(help) = &silence.help {
                    out.line(format!("  help: {}", line(&(options.wording)(help))));
                }
            }
        }
    }
    out
}
