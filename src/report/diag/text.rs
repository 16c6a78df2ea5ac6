//! Problems as rustc draws them, through annotate-snippets.

use super::{MOST_DRAWN, counted, fit};
use crate::base::text::printable;
use crate::base::{Diagnostic, Diagnostics, FileId, Lines, Operation, Place, Setting, Severity, Sources, Wording};
use crate::report::Style;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;

/// Lines that are kept above and below what is pointed at.
const CONTEXT: usize = 2;

/// Lines that are named of what is wrong several times.
const MOST_LINES: usize = 10;

/// Bytes of a picture; lines that are longer have none.
const MOST_BYTES: usize = 10_000;

/// Every problem with a picture of its places, an empty line between them, in the order
/// they are in; of very many the first, errors before warnings. A place without bytes shows the
/// name of its file.
#[must_use]
pub fn text(problems: &Diagnostics, style: Style, wording: Wording) -> String {
    let renderer = if style.is_colored() { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    let (errors, warnings) = problems.counts();
    let mut left = (MOST_DRAWN.min(errors), MOST_DRAWN.saturating_sub(errors).min(warnings));
    let more = (errors - left.0, warnings - left.1);
    for problem in problems.iter() {
        let left = if problem.severity == Severity::Error { &mut left.0 } else { &mut left.1 };
        if *left == 0 {
            continue;
        }
        *left -= 1;
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&Drawing::of(problem, problems.sources(), wording).draw(problems.sources(), &renderer));
        out.push('\n');
    }
    if more != (0, 0) {
        let all = wording(&Operation::Check.with(Setting::Json).into());
        out.push_str(&format!("\n... and {} more; {all} has all\n", counted(more)));
    }
    out
}

/// What is said about the places of one file.
struct Spot<'a> {
    span: Range<usize>,
    label: Option<&'a str>,
    kind: AnnotationKind,
}

/// What is drawn: a title, pictures of places, notes and help.
pub(in crate::report) struct Drawing<'a> {
    /// The level that colours it.
    pub level: Level<'a>,
    /// The code behind the level.
    pub id: &'a str,
    /// The title.
    pub message: &'a str,
    /// The main place.
    pub place: Option<&'a Place>,
    /// The text at the main place.
    pub label: Option<&'a str>,
    /// Other places, each with its text.
    pub related: &'a [(Place, String)],
    /// What is said below the pictures.
    pub notes: Vec<String>,
    /// What to do, last.
    pub help: Option<String>,
}

impl<'a> Drawing<'a> {
    fn of(problem: &'a Diagnostic, sources: Option<&dyn Sources>, wording: Wording) -> Self {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let more = sources.filter(|_| !problem.more.is_empty()).map(|sources| more(&problem.more, sources));
        Self {
            level,
            id: problem.code.word(),
            message: &problem.message,
            place: problem.place.as_ref(),
            label: problem.label.as_deref(),
            related: &problem.related,
            notes: more.into_iter().collect(),
            help: problem.help.as_ref().map(wording),
        }
    }

    /// Draws it.
    pub fn draw(self, sources: Option<&dyn Sources>, renderer: &Renderer) -> String {
        draw(self, sources, renderer)
    }
}

fn draw(problem: Drawing<'_>, sources: Option<&dyn Sources>, renderer: &Renderer) -> String {
    let title = problem.level.clone().primary_title(printable(problem.message)).id(problem.id);
    let mut group = title.elements(Vec::<Origin<'_>>::new());
    let mut notes = Vec::new();
    for (file, spots) in by_file(&problem) {
        let Some(sources) = sources else { break };
        let path = printable(sources.path(file));
        let drawn: Vec<&Spot<'_>> = spots.iter().filter_map(Option::as_ref).collect();
        let Some(first) = drawn.first() else {
            group = group.element(Origin::path(path));
            continue;
        };
        let (text, lines) = (sources.text(file), sources.lines(file));
        match picture(text, lines, path.clone().into_owned(), &drawn) {
            Some(picture) => group = group.element(picture),
            None => {
                let (line, column) = lines.line_column(text, fit(text, &first.span).start);
                group = group.element(Origin::path(path).line(line).char_column(column));
                notes.extend(drawn.iter().filter_map(|spot| Some(printable(spot.label?).into_owned())));
            }
        }
    }
    if let (Some(label), true) = (problem.label, problem.place.is_none_or(|p| p.span.is_none())) {
        notes.push(printable(label).into_owned());
    }
    for (place, label) in problem.related.iter().filter(|(place, _)| place.span.is_none()) {
        let path = sources.map(|sources| printable(sources.path(place.file))).unwrap_or_default();
        notes.push(format!("{} ({path})", printable(label)));
    }
    for note in notes.into_iter().chain(problem.notes) {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(printable(help).into_owned()));
    }
    renderer.render(&[group] as &[Group<'_>])
}

/// The files of a problem, the main one first, each with its places; `None` is the file as
/// a whole.
fn by_file<'a>(problem: &Drawing<'a>) -> Vec<(FileId, Vec<Option<Spot<'a>>>)> {
    let mut files: Vec<(FileId, Vec<Option<Spot<'a>>>)> = Vec::new();
    let mut add = |place: &Place, label, kind| {
        let spot = place.span.clone().map(|span| Spot { span, label, kind });
        match files.iter_mut().find(|(file, _)| *file == place.file) {
            Some((_, spots)) => spots.push(spot),
            None => files.push((place.file, vec![spot])),
        }
    };
    if let Some(place) = problem.place {
        add(place, problem.label, AnnotationKind::Primary);
    }
    for (place, label) in problem.related {
        add(place, Some(label.as_str()), AnnotationKind::Context);
    }
    files
}

/// Where else just this is wrong.
fn more(places: &[Place], sources: &dyn Sources) -> String {
    let line = |place: &Place| {
        let text = sources.text(place.file);
        Some(sources.lines(place.file).line_column(text, fit(text, place.span.as_ref()?).start).0)
    };
    let mut lines: Vec<usize> = places.iter().filter_map(line).collect();
    lines.dedup();
    let mut named: Vec<String> = lines.iter().take(MOST_LINES).map(usize::to_string).collect();
    if lines.len() > MOST_LINES {
        named.push("…".to_owned());
    }
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    format!("and {} more like it: {noun} {}", places.len(), named.join(", "))
}

/// The lines around the places. Only these are handed on, so that a problem in a large
/// file costs no more than one in a small file. `None`: they are too long to be read.
fn picture<'a>(text: &'a str, lines: &Lines, path: String, spots: &[&Spot<'a>]) -> Option<Snippet<'a, Annotation<'a>>> {
    let spans: Vec<Range<usize>> = spots.iter().map(|spot| fit(text, &spot.span)).collect();
    let first = spans.iter().map(|s| s.start).min().unwrap_or(0);
    let last = spans.iter().map(|s| s.end).max().unwrap_or(0);
    let line = |at: usize| lines.line_column(text, at).0;
    let start = line(first).saturating_sub(CONTEXT).max(1);
    let from = lines.start(start);
    let end = line(last) + CONTEXT + 1;
    let to = if end > line(text.len()) { text.len() } else { lines.start(end) };
    // several places may be far from each other: what is between them is left out of the picture
    let longest = text[from..to].split('\n').map(str::len).max().unwrap_or(0);
    if longest > MOST_BYTES {
        return None;
    }
    let mut snippet = Snippet::source(&text[from..to]).line_start(start).path(path);
    for (span, spot) in spans.iter().zip(spots) {
        let annotation = spot.kind.span(span.start - from..span.end - from);
        snippet = snippet.annotation(annotation.label(spot.label.map(|l| printable(l).into_owned())));
    }
    Some(snippet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Code;
    use crate::report::diag::tests::Texts;

    #[test]
    fn a_place_without_bytes_names_the_file() {
        let sources = Texts::new(vec![("plans/a.yaml", "x".into()), ("plans/b.yaml", "y".into())]);
        let mut problems = Diagnostics::default();
        problems.push(
            Diagnostic::error(Code::NothingInFile, "no id")
                .at(Place::value(FileId(0), vec![]))
                .label("in this file")
                .related(Place::value(FileId(1), vec![]), "unlike here")
                .help("write `id: 001-first`"),
        );
        let drawn = text(&sources.with(problems), Style::PLAIN, ToString::to_string);
        for part in
            ["error[DG0101]: no id", "--> plans/a.yaml", "in this file", "unlike here (plans/b.yaml)", "= help: write"]
        {
            assert!(drawn.contains(part), "{part} in\n{drawn}");
        }
    }

    #[test]
    fn line_numbers_are_those_of_the_file() {
        let source = "line\n".repeat(500) + "bad: here\n" + &"line\n".repeat(500);
        let sources = Texts::new(vec![("plans/a.yaml", source)]);
        let mut problems = Diagnostics::default();
        problems
            .push(Diagnostic::error(Code::NothingInFile, "no").at(Place::bytes(FileId(0), 2505..2509)).label("this"));
        let drawn = text(&sources.with(problems), Style::PLAIN, ToString::to_string);
        assert!(drawn.contains("plans/a.yaml:501:6") && drawn.contains("501 | bad: here"), "{drawn}");
    }

    #[test]
    fn a_line_that_nobody_can_read_has_no_picture() {
        let sources = Texts::new(vec![("plans/a.yaml", format!("a\n{}", "é, ".repeat(5000)))]);
        let mut problems = Diagnostics::default();
        problems.push(
            Diagnostic::error(Code::NothingInFile, "no")
                .at(Place::bytes(FileId(0), 2 + 4 * 1000..2 + 4 * 1000 + 2))
                .label("this"),
        );
        let drawn = text(&sources.with(problems), Style::PLAIN, ToString::to_string);
        assert!(drawn.contains("plans/a.yaml:2:3001") && drawn.contains("note: this") && drawn.len() < 200, "{drawn}");
    }

    #[test]
    fn a_problem_without_a_place_is_its_message() {
        let mut problems = Diagnostics::default();
        problems.push(Diagnostic::warning(Code::UnusedFile, "odd").help("mend it"));
        let drawn = text(&Texts::new(vec![]).with(problems), Style::PLAIN, ToString::to_string);
        assert!(drawn.starts_with("warning[DG0119]: odd\n") && drawn.contains("help: mend it"), "{drawn}");
    }
}
