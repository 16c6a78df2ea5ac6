//! Diagnostics to text: with pictures of the source for people, as JSON for programs.
//! In: problems whose places have bytes (or only a file). Out: text.

mod json;
mod text;

pub use json::json;
pub use text::text;

use crate::base::{Diagnostics, FileId, count};
use std::ops::Range;

/// Where the texts are that problems point into.
pub trait Sources {
    /// The path to show, relative to the project.
    fn path(&self, file: FileId) -> &str;
    /// The whole text, the one that spans count bytes of.
    fn text(&self, file: FileId) -> &str;
}

/// The closing line: `2 errors, 1 warning`; `no problems` when there are none.
#[must_use]
pub fn summary(problems: &Diagnostics) -> String {
    match problems.counts() {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

/// The span, moved to character boundaries inside of the text; spans are made by several
/// stages, and a wrong one must not cost the message. The end of a text that ends with a
/// line break is the end of its last line: nobody looks for a mistake on the line after it.
fn fit(text: &str, span: &Range<usize>) -> Range<usize> {
    let end = text.strip_suffix('\n').map_or(text, |t| t.strip_suffix('\r').unwrap_or(t)).len();
    let floor = |mut at: usize| {
        at = at.min(end);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Line and column of a byte, both from 1; columns count characters, and the `\r` of a CRLF
/// is none.
fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.matches('\n').count() + 1;
    (line, text[start..at].trim_end_matches('\r').chars().count() + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::{Diagnostic, Place};
    use crate::report::Style;

    pub(in crate::report) struct Texts(pub Vec<(&'static str, String)>);

    impl Sources for Texts {
        fn path(&self, file: FileId) -> &str {
            self.0[file.0 as usize].0
        }
        fn text(&self, file: FileId) -> &str {
            &self.0[file.0 as usize].1
        }
    }

    fn one(text: &str) -> Texts {
        Texts(vec![("plans/a.yaml", text.to_owned())])
    }

    #[test]
    fn columns_count_characters() {
        let text = "a: 日本\r\n\tb: x\n";
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, text.find("本").unwrap()), (1, 5));
        assert_eq!(line_column(text, text.find('\r').unwrap() + 1), (1, 6));
        assert_eq!(line_column(text, text.find('b').unwrap()), (2, 2));
        assert_eq!(fit(text, &(text.len()..usize::MAX)), text.len() - 1..text.len() - 1);
        assert_eq!(fit("a\r\n", &(0..3)), 0..1);
    }

    #[test]
    fn no_span_can_break_the_picture() {
        let texts =
            ["", "\n", "x", "a: 日本語\n", "\t\tb: 1\r\nc: 2\r\n", "\r\n\r\n", "e\u{301}🎉\u{1b}[0m\tz", "a\n\n\n\nb"];
        for text in texts {
            for start in 0..=text.len() + 2 {
                for end in start.saturating_sub(1)..=text.len() + 3 {
                    let mut problems = Diagnostics::default();
                    let at = |range| Place::bytes(FileId(0), range);
                    problems.push(
                        Diagnostic::error("DG0001", "wrong")
                            .at(at(start..end))
                            .label("here")
                            .related(at(0..end), "there"),
                    );
                    let sources = one(text);
                    for style in [Style::PLAIN, Style::COLOR] {
                        let drawn = super::text(&problems, &sources, style);
                        assert!(drawn.contains("DG0001") && drawn.contains("plans/a.yaml"), "{drawn}");
                    }
                    assert!(!super::text(&problems, &sources, Style::PLAIN).contains('\u{1b}'));
                    let json: serde_json::Value = serde_json::from_str(&json(&problems, &sources)).unwrap();
                    assert!(json["diagnostics"][0]["line"].as_u64().unwrap() >= 1);
                }
            }
        }
    }

    #[test]
    fn counts_are_said_in_words() {
        let mut problems = Diagnostics::default();
        assert_eq!(summary(&problems), "no problems");
        problems.push(Diagnostic::error("DG0001", "a"));
        assert_eq!(summary(&problems), "1 error");
        problems.push(Diagnostic::warning("DG0002", "b"));
        problems.push(Diagnostic::warning("DG0002", "c"));
        assert_eq!(summary(&problems), "1 error, 2 warnings");
    }
}
