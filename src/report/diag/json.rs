//! Problems as JSON, for editors and other programs.

use super::fit;
use crate::base::{Code, Diagnostic, Diagnostics, Place, Severity, Sources};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    code: Code,
    severity: Severity,
    message: String,
    #[serde(flatten)]
    at: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    related: Vec<Related>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<At>,
}

#[derive(Serialize)]
struct Related {
    message: String,
    #[serde(flatten)]
    at: At,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct At {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// Every problem. Lines and columns count from 1, columns in characters; the end is the position
/// after the last character. A place without bytes has its file only, a problem without a place
/// not even that. `more` are the other places in this file of what is wrong several times.
#[must_use]
pub fn entries(problems: &Diagnostics) -> Vec<Value> {
    let sources = problems.sources();
    let at = |place: &Place| sources.map(|sources| at(place, sources));
    let entry = |problem: &Diagnostic| Entry {
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
        help: problem.help.clone(),
        more: problem.more.iter().filter_map(at).collect(),
    };
    problems
        .iter()
        .map(|problem| serde_json::to_value(entry(problem)).expect("strings and numbers serialise"))
        .collect()
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
