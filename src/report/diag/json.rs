//! Problems as JSON, for editors and other programs.

use super::{Sources, fit, line_column};
use crate::base::{Diagnostics, Place, Severity};
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    #[serde(flatten)]
    at: Option<At<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    #[serde(flatten)]
    at: At<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct At<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// `{"diagnostics": [...]}`, pretty. Lines and columns count from 1, columns in characters;
/// the end is the position after the last character. A place without bytes has its file
/// only, a problem without a place not even that.
#[must_use]
pub fn json(problems: &Diagnostics, sources: &dyn Sources) -> String {
    let diagnostics = problems
        .iter()
        .map(|problem| Entry {
            code: problem.code,
            severity: problem.severity,
            message: &problem.message,
            at: problem.place.as_ref().map(|place| at(place, sources)),
            label: problem.label.as_deref(),
            related: problem
                .related
                .iter()
                .map(|(place, message)| Related { message, at: at(place, sources) })
                .collect(),
            help: problem.help.as_deref(),
        })
        .collect();
    serde_json::to_string_pretty(&Report { diagnostics }).expect("strings and numbers serialise") + "\n"
}

fn at<'a>(place: &Place, sources: &'a dyn Sources) -> At<'a> {
    let file = sources.path(place.file);
    let Some(span) = &place.span else {
        return At { file, line: None, column: None, end_line: None, end_column: None };
    };
    let text = sources.text(place.file);
    let span = fit(text, span);
    let (line, column) = line_column(text, span.start);
    let (end_line, end_column) = line_column(text, span.end);
    At { file, line: Some(line), column: Some(column), end_line: Some(end_line), end_column: Some(end_column) }
}
