//! Problems as rustc draws them, through annotate-snippets.

use super::{Sources, fit};
use crate::base::{Diagnostic, Diagnostics, FileId, Place, Severity};
use crate::report::Style;
use crate::report::text::printable;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;

/// Lines that are kept above and below what is pointed at.
const CONTEXT: usize = 2;

/// Every problem with a picture of its places, an empty line between them, in the order
/// they are in. A place without bytes shows the name of its file.
#[must_use]
pub fn text(problems: &Diagnostics, sources: &dyn Sources, style: Style) -> String {
    let renderer = if style.is_colored() { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for problem in problems.iter() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&draw(problem, sources, &renderer));
        out.push('\n');
    }
    out
}

/// What is said about the places of one file.
struct Spot<'a> {
    span: Range<usize>,
    label: Option<&'a str>,
    kind: AnnotationKind,
}

fn draw(problem: &Diagnostic, sources: &dyn Sources, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        level.primary_title(printable(&problem.message)).id(problem.code).elements(Vec::<Origin<'_>>::new());
    let mut notes = Vec::new();
    for (file, spots) in by_file(problem) {
        let path = printable(sources.path(file));
        let drawn: Vec<&Spot<'_>> = spots.iter().filter_map(Option::as_ref).collect();
        if drawn.is_empty() {
            group = group.element(Origin::path(path));
        } else {
            group = group.element(picture(sources.text(file), path.into_owned(), &drawn));
        }
    }
    if let (Some(label), true) = (&problem.label, problem.place.as_ref().is_none_or(|p| p.span.is_none())) {
        notes.push(printable(label).into_owned());
    }
    for (place, label) in problem.related.iter().filter(|(place, _)| place.span.is_none()) {
        notes.push(format!("{} ({})", printable(label), printable(sources.path(place.file))));
    }
    for note in notes {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    renderer.render(&[group] as &[Group<'_>])
}

/// The files of a problem, the main one first, each with its places; `None` is the file as
/// a whole.
fn by_file(problem: &Diagnostic) -> Vec<(FileId, Vec<Option<Spot<'_>>>)> {
    let mut files: Vec<(FileId, Vec<Option<Spot<'_>>>)> = Vec::new();
    let mut add = |place: &Place, label, kind| {
        let spot = place.span.clone().map(|span| Spot { span, label, kind });
        match files.iter_mut().find(|(file, _)| *file == place.file) {
            Some((_, spots)) => spots.push(spot),
            None => files.push((place.file, vec![spot])),
        }
    };
    if let Some(place) = &problem.place {
        add(place, problem.label.as_deref(), AnnotationKind::Primary);
    }
    for (place, label) in &problem.related {
        add(place, Some(label.as_str()), AnnotationKind::Context);
    }
    files
}

/// The lines around the places. Only these are handed on, so that a problem in a large
/// file costs no more than one in a small file.
fn picture<'a>(text: &'a str, path: String, spots: &[&Spot<'a>]) -> Snippet<'a, Annotation<'a>> {
    let spans: Vec<Range<usize>> = spots.iter().map(|spot| fit(text, &spot.span)).collect();
    let first = spans.iter().map(|s| s.start).min().unwrap_or(0);
    let last = spans.iter().map(|s| s.end).max().unwrap_or(0);
    let mut from = text[..first].rfind('\n').map_or(0, |i| i + 1);
    for _ in 0..CONTEXT {
        from = text[..from.saturating_sub(1)].rfind('\n').map_or(0, |i| i + 1);
    }
    let mut to = last;
    for _ in 0..=CONTEXT {
        to = text[to..].find('\n').map_or(text.len(), |i| to + i + 1);
    }
    let line = text[..from].matches('\n').count() + 1;
    let mut snippet = Snippet::source(&text[from..to]).line_start(line).path(path);
    for (span, spot) in spans.iter().zip(spots) {
        let annotation = spot.kind.span(span.start - from..span.end - from);
        snippet = snippet.annotation(annotation.label(spot.label.map(|l| printable(l).into_owned())));
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diag::tests::Texts;

    #[test]
    fn a_place_without_bytes_names_the_file() {
        let sources = Texts(vec![("plans/a.yaml", "x".into()), ("plans/b.yaml", "y".into())]);
        let mut problems = Diagnostics::default();
        problems.push(
            Diagnostic::error("DG0001", "no id")
                .at(Place::value(FileId(0), vec![]))
                .label("in this file")
                .related(Place::value(FileId(1), vec![]), "unlike here")
                .help("write `id: 001-first`"),
        );
        let drawn = text(&problems, &sources, Style::PLAIN);
        for part in
            ["error[DG0001]: no id", "--> plans/a.yaml", "in this file", "unlike here (plans/b.yaml)", "= help: write"]
        {
            assert!(drawn.contains(part), "{part} in\n{drawn}");
        }
    }

    #[test]
    fn line_numbers_are_those_of_the_file() {
        let source = "line\n".repeat(500) + "bad: here\n" + &"line\n".repeat(500);
        let sources = Texts(vec![("plans/a.yaml", source)]);
        let mut problems = Diagnostics::default();
        problems.push(Diagnostic::error("DG0001", "no").at(Place::bytes(FileId(0), 2505..2509)).label("this"));
        let drawn = text(&problems, &sources, Style::PLAIN);
        assert!(drawn.contains("plans/a.yaml:501:6") && drawn.contains("501 | bad: here"), "{drawn}");
    }

    #[test]
    fn a_problem_without_a_place_is_its_message() {
        let mut problems = Diagnostics::default();
        problems.push(Diagnostic::warning("DG0002", "odd").help("mend it"));
        let drawn = text(&problems, &Texts(vec![]), Style::PLAIN);
        assert!(drawn.starts_with("warning[DG0002]: odd\n") && drawn.contains("help: mend it"), "{drawn}");
    }
}
