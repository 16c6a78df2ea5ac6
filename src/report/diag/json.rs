//! Problems as JSON, for editors and other programs.

use super::fit;
use crate::base::{Code, Diagnostic, Diagnostics, Place, Remedy, Severity, Sources, Wording};
use schemars::JsonSchema;
use serde::Serialize;

/// A problem in the project's files.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The code of the problem.
    code: Code,
    /// The severity of the problem.
    severity: Severity,
    /// The message, as a sentence.
    message: String,
    /// Where; absent where it belongs to no file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    at: Option<At>,
    /// A description of this place, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Related places.
    related: Vec<Related>,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_parts: Option<Remedy>,
    /// Other places in this file with the same problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<At>,
}

/// A related place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RelatedPlace")]
struct Related {
    /// A description of the place.
    message: String,
    /// Where.
    #[serde(flatten)]
    at: At,
}

/// A place in a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ProblemPlace")]
struct At {
    /// The file, relative to the project.
    file: String,
    /// The line, from 1; absent if the problem concerns the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The line of the position after the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    /// The column of the position after the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// Every problem. Lines and columns count from 1, columns in characters; the end is the position
/// after the last character. A place without bytes has its file only, a problem without a place
/// not even that. `more` are the other places in this file of what is wrong several times.
#[must_use]
pub fn entries(problems: &Diagnostics, wording: Wording) -> Vec<Problem> {
    let sources = problems.sources();
    let at = |place: &Place| sources.map(|sources| at(place, sources));
    let entry = |problem: &Diagnostic| Problem {
        code: problem.code,
        severity: problem.severity,
        message: problem.message.clone(),
        at: problem.place.as_ref().and_then(at),
        label: problem.label.clone(),
        related: problem
            .related
            .iter()
            .filter_map(|(place, message)| Some(Related { message: message.clone(), at: at(place)? }))
            .collect(),
        help: problem.help.as_ref().map(wording),
        help_parts: problem.help.as_ref().and_then(Remedy::named).cloned(),
        more: problem.more.iter().filter_map(at).collect(),
    };
    problems.iter().map(entry).collect()
}

fn at(place: &Place, sources: &dyn Sources) -> At {
    let file = sources.path(place.file).to_owned();
    let Some(span) = &place.span else {
        return At { file, line: None, column: None, end_line: None, end_column: None };
    };
    let (text, lines) = (sources.text(place.file), sources.lines(place.file));
    let span = fit(text, span);
    let (line, column) = lines.line_column(text, span.start);
    let (end_line, end_column) = lines.line_column(text, span.end);
    At { file, line: Some(line), column: Some(column), end_line: Some(end_line), end_column: Some(end_column) }
}
