//! The matrix as one self-contained page, like that of a plan.

use super::{summary, word};
use crate::base::Wording;
use crate::plan::matrix::Matrix;
use crate::report::page::{self, text};
use crate::report::style::Tone;
use std::fmt::Write;

pub(super) fn render(matrix: &Matrix, wording: Wording) -> String {
    let mut out = page::head("Which environment has what", false);
    out.push_str("<h1>Which environment has what</h1>\n<table>\n<tr><th>Changeset</th>");
    for column in &matrix.environments {
        let _ = write!(out, "<th>{}</th>", text(&column.name));
    }
    out.push_str("</tr>\n");
    for row in &matrix.changesets {
        let _ = write!(out, "<tr><td><code>{}</code>", text(&row.id));
        if let Some(description) = &row.description {
            let _ = write!(out, "<br><span class=\"soft\">{}</span>", text(description));
        }
        out.push_str("</td>");
        for (column, cell) in matrix.environments.iter().zip(&row.cells) {
            let word = word(column, cell.as_ref());
            let why = cell.as_ref().and_then(|c| c.reason.as_ref().or(c.error.as_ref()));
            let title = why.map_or_else(String::new, |why| format!(" title=\"{}\"", text(why)));
            let tag = if word.is_empty() {
                String::new()
            } else {
                format!("<span class=\"tag {}\"{title}>{}</span>", class(word), text(word))
            };
            let _ = write!(out, "<td>{tag}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n<h2>Environments</h2>\n<table>\n");
    for column in &matrix.environments {
        let said = match &column.answer {
            Ok(answer) => text(&summary(answer, wording)),
            Err(silence) => {
                format!("<span class=\"tag bad\">is unavailable</span> {}", text(&silence.message))
            }
        };
        let _ = writeln!(out, "<tr><td><code>{}</code></td><td>{said}</td></tr>", text(&column.name));
    }
    out.push_str("</table>\n</body>\n</html>\n");
    out
}

fn class(word: &str) -> &'static str {
    match Tone::of_state(word) {
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Next => "next",
        Tone::Good => "good",
        Tone::Plain | Tone::Strong | Tone::Muted => "none",
    }
}
