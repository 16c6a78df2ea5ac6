//! The results for people: the tests by file, then what is wrong with those that did not pass.

use super::answer::TestAnswer;
use crate::report::style::Tone;
use crate::report::{Cell, Line, Style, Table, Text};
use crate::testing::{Difference, Sign, TestFailure, TestResult, TestStatus};

/// What stands before the lines of a failure.
const MARGIN: &str = "  ";

pub(super) fn render(answer: &TestAnswer, limit: Option<usize>) -> Text {
    let mut out = Text::new();
    for (i, of_file) in answer.tests.chunk_by(|a, b| a.file == b.file).enumerate() {
        if i > 0 {
            out.gap();
        }
        out.line(Line::new().paint(Tone::Strong, &of_file[0].file));
        of_file.iter().for_each(|test| out.line(line(test)));
    }
    for (test, failure) in answer.tests.iter().filter_map(|test| Some((test, test.failure.as_ref()?))) {
        out.gap();
        describe(&mut out, test, failure, limit);
    }
    out.gap();
    let tone = if answer.counts.wrong() > 0 { Tone::Bad } else { Tone::Good };
    let version = answer.version.as_ref().map_or_else(String::new, |version| format!(", PostgreSQL {version}"));
    let rest = format!("; environment {}{version} ({})", answer.environment, took(answer.took_ms));
    out.line(Line::new().paint(tone, answer.counts.words()).plain(rest));
    out
}

fn line(test: &TestResult) -> Line {
    let (tone, sign) = match test.status {
        TestStatus::Passed => (Tone::Good, "✓"),
        TestStatus::Failed | TestStatus::Error => (Tone::Bad, "✗"),
        TestStatus::Skipped => (Tone::Muted, "-"),
    };
    let line = Line::from(MARGIN).paint(tone, sign).plain(format!(" {}", test.name));
    match test.status {
        TestStatus::Skipped => line.paint(Tone::Muted, format!(" (skipped: for {})", test.environments.join(", "))),
        _ => line.paint(Tone::Muted, format!(" ({})", took(test.took_ms))),
    }
}

/// `187 ms`, `1.6 s`.
fn took(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}

fn describe(out: &mut Text, test: &TestResult, failure: &TestFailure, limit: Option<usize>) {
    let place = format!("{}: ", failure.location);
    out.line(Line::new().plain(place).paint(Tone::Strong, &test.name));
    out.message(Line::from(MARGIN).plain(format!("{}: ", failure.part)), &failure.message);
    if let Some(sql) = &failure.sql {
        out.sql("  | ", sql);
    }
    if let Some(difference) = &failure.difference {
        out.append(rows(difference, limit));
    }
    for note in &failure.notes {
        if note.starts_with('|') { out.block(MARGIN, note) } else { out.message(Line::from(MARGIN), note) }
    }
}

/// The rows of a difference below their columns.
fn rows(difference: &Difference, limit: Option<usize>) -> Text {
    let mut header = vec![""];
    header.extend(difference.columns.iter().map(String::as_str));
    let mut table = Table::new(&header);
    for row in &difference.rows {
        let (sign, tone) = match row.sign {
            Sign::Same => (" ", Tone::Plain),
            Sign::Missing => ("-", Tone::Bad),
            Sign::Unexpected => ("+", Tone::Good),
        };
        let values = row.values.iter().map(|value| Cell::new(shown(value.as_deref()), tone));
        table.row(std::iter::once(Cell::new(sign, tone)).chain(values));
    }
    let mut out = Text::new();
    let legend = Line::from("  ").paint(Tone::Bad, "- expected").plain("  ").paint(Tone::Good, "+ found");
    out.line(legend);
    out.append(table.text(limit.map(|columns| columns.saturating_sub(MARGIN.len()))).indented(MARGIN));
    if difference.omitted > 0 {
        out.line(format!("  … and {} more rows", difference.omitted));
    }
    out
}

/// A value: NULL, or its text, in quotes where one could not see it or would take it for another.
fn shown(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() || text == "NULL" || text.trim() != text => {
            format!("{text:?}")
        }
        Some(text) if text.contains(['\n', '\t', '\r']) => format!("{text:?}"),
        Some(text) => text.to_owned(),
    }
}

/// The results without colours, and no line broken.
pub(super) fn plain(test: &TestResult, failure: &TestFailure) -> String {
    let mut out = Text::new();
    describe(&mut out, test, failure, None);
    out.write(Style::PLAIN, None)
}
