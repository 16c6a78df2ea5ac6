//! JUnit XML, for what has cases that pass or fail.

use super::escape::markup;
use std::fmt::Write;

/// A group of cases.
#[derive(Debug)]
pub(super) struct Suite {
    /// Its name.
    pub name: String,
    /// The duration in milliseconds, where its cases have none.
    pub took_ms: Option<u64>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// A case.
#[derive(Debug)]
pub(super) struct Case {
    /// The class.
    pub class: String,
    /// The name.
    pub name: String,
    /// The file and, where it is known, the line that it is about.
    pub place: Option<(String, Option<u32>)>,
    /// The duration in milliseconds.
    pub took_ms: Option<u64>,
    /// How it ended.
    pub end: End,
}

/// How a case ended.
#[derive(Debug)]
pub(super) enum End {
    /// It passed.
    Passed,
    /// It passed, and something is to be said.
    Said(String),
    /// It failed: type, message and text.
    Failed(&'static str, String, String),
    /// Something went wrong: type, message and text.
    Error(&'static str, String, String),
    /// It was not run, for this reason.
    Skipped(String),
}

/// Writes a report. With durations, all of them are added up.
pub(super) fn render(name: &str, suites: &[Suite]) -> String {
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let (tests, [failures, errors, _]) = counts(cases());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let time = time(suites.iter().filter_map(Suite::took_ms));
    let more = if time.is_empty() { String::new() } else { format!(" errors=\"{errors}\"{time}") };
    let _ = writeln!(out, "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failures}\"{more}>", markup(name));
    for suite in suites {
        let (tests, [failures, errors, skipped]) = counts(suite.cases.iter());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"{}>",
            markup(&suite.name),
            self::time(suite.took_ms().into_iter())
        );
        suite.cases.iter().for_each(|case| one(&mut out, case));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn one(out: &mut String, case: &Case) {
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", markup(&case.class), markup(&case.name));
    if let Some((file, line)) = &case.place {
        let _ = write!(out, " file=\"{}\"", markup(file));
        if let Some(line) = line {
            let _ = write!(out, " line=\"{line}\"");
        }
    }
    if let Some(ms) = case.took_ms {
        let _ = write!(out, " time=\"{}\"", seconds(ms));
    }
    let wrong = |tag, kind: &str, message: &str, text: &str| {
        format!("<{tag} type=\"{kind}\" message=\"{}\">{}</{tag}>", markup(message), lines(text))
    };
    let inside = match &case.end {
        End::Passed => {
            out.push_str("/>\n");
            return;
        }
        End::Said(text) => format!("<system-out>{}</system-out>", lines(text)),
        End::Failed(kind, message, text) => wrong("failure", kind, message, text),
        End::Error(kind, message, text) => wrong("error", kind, message, text),
        End::Skipped(reason) => format!("<skipped message=\"{}\"/>", markup(reason)),
    };
    let _ = writeln!(out, ">{inside}</testcase>");
}

/// Text of several lines as content.
fn lines(text: &str) -> String {
    text.trim_end().split('\n').map(markup).collect::<Vec<_>>().join("\n")
}

/// The number of cases; of those that failed, went wrong and were skipped.
fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> (usize, [usize; 3]) {
    cases.fold((0, [0; 3]), |(all, [failures, errors, skipped]), case| {
        let more = match case.end {
            End::Passed | End::Said(_) => [failures, errors, skipped],
            End::Failed(..) => [failures + 1, errors, skipped],
            End::Error(..) => [failures, errors + 1, skipped],
            End::Skipped(_) => [failures, errors, skipped + 1],
        };
        (all + 1, more)
    })
}

impl Suite {
    /// The duration in milliseconds; of its cases together where it has none itself.
    fn took_ms(&self) -> Option<u64> {
        self.took_ms.or_else(|| self.cases.iter().filter_map(|case| case.took_ms).reduce(|a, b| a + b))
    }
}

/// The attribute of the sum of all durations; there are none: empty.
fn time(durations: impl Iterator<Item = u64>) -> String {
    let sum = durations.reduce(|a, b| a + b);
    sum.map_or_else(String::new, |ms| format!(" time=\"{}\"", seconds(ms)))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
