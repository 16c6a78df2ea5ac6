//! Commands of GitHub Actions: each line of the log becomes an annotation of the pull request.

use super::answer::LintAnswer;
use crate::base::Level;
use crate::base::text::printable;

pub(super) fn render(answer: &LintAnswer) -> String {
    let mut out = String::new();
    for finding in &answer.findings {
        let command = match finding.severity {
            Level::Blocking | Level::High => "error",
            Level::Medium => "warning",
            Level::Low | Level::Off => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            properties.push(format!("file={}", property(&answer.path(place))));
            properties.push(format!("line={}", place.line));
            properties.push(format!("endLine={}", place.end_line));
            // columns only within one line
            if place.line == place.end_line {
                properties.push(format!("col={}", place.column));
                properties.push(format!("endColumn={}", place.end_column));
            }
        }
        let title = format!("{} ({})", finding.code, finding.severity.word());
        properties.push(format!("title={}", property(&title)));
        let safe = finding.safe_form.as_ref().map(|safe| format!(":\n{}", safe.trim_end())).unwrap_or_default();
        let text = format!("{}: {}{safe}", finding.changeset, finding.words());
        out.push_str(&format!("::{command} {}::{}\n", properties.join(","), message(&text)));
    }
    out
}

/// The text of a command, on one line.
fn message(text: &str) -> String {
    let text: Vec<String> = text.split('\n').map(|line| printable(line).into_owned()).collect();
    text.join("\n").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
