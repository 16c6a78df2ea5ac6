//! Renders diagnostics: with excerpts of the source for people, as JSON for programs. Places must already have bytes, or
//! name only a file.

mod json;
mod text;

pub use json::{Problem, entries};
pub(super) use text::Drawing;
pub use text::text;

use crate::base::{Diagnostics, count};
use std::ops::Range;

/// The closing line: `2 errors, 1 warning`; `no problems` when there are none.
#[must_use]
pub fn summary(problems: &Diagnostics) -> String {
    counted(problems.counts())
}

/// So many errors and warnings, in words.
fn counted(counts: (usize, usize)) -> String {
    match counts {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

/// Problems that are drawn; nobody reads more at once.
const MOST_DRAWN: usize = 50;

/// The span, moved to character boundaries inside of the text; spans are made by several
/// stages, and a wrong one must not cost the message. The end of a text that ends with a
/// line break is the end of its last line: nobody looks for a mistake on the line after it.
pub(super) fn fit(text: &str, span: &Range<usize>) -> Range<usize> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::Code;
    use crate::base::{Diagnostic, FileId, Lines, Place, Sources};
    use crate::report::Style;
    use std::sync::Arc;

    #[derive(Debug)]
    pub(in crate::report) struct Texts(Vec<(&'static str, String, Lines)>);

    impl Texts {
        pub(in crate::report) fn new(files: Vec<(&'static str, String)>) -> Self {
            Self(files.into_iter().map(|(path, text)| (path, text.clone(), Lines::of(&text))).collect())
        }

        /// These problems in these texts.
        pub(in crate::report) fn with(self, problems: Diagnostics) -> Diagnostics {
            problems.settled(Arc::new(self), |_| {})
        }
    }

    impl Sources for Texts {
        fn path(&self, file: FileId) -> &str {
            self.0[file.0 as usize].0
        }
        fn text(&self, file: FileId) -> &str {
            &self.0[file.0 as usize].1
        }
        fn lines(&self, file: FileId) -> &Lines {
            &self.0[file.0 as usize].2
        }
    }

    fn one(text: &str) -> Texts {
        Texts::new(vec![("plans/a.yaml", text.to_owned())])
    }

    #[test]
    fn a_span_ends_with_the_last_line() {
        let text = "a: 日本\r\n\tb: x\n";
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
                        Diagnostic::error(Code::NothingInFile, "wrong")
                            .at(at(start..end))
                            .label("here")
                            .related(at(0..end), "there"),
                    );
                    let problems = one(text).with(problems);
                    for style in [Style::PLAIN, Style::COLOR] {
                        let drawn = super::text(&problems, style, ToString::to_string);
                        assert!(
                            drawn.contains(Code::NothingInFile.word()) && drawn.contains("plans/a.yaml"),
                            "{drawn}"
                        );
                    }
                    assert!(!super::text(&problems, Style::PLAIN, ToString::to_string).contains('\u{1b}'));
                    assert!(
                        serde_json::json!(entries(&problems, ToString::to_string))[0]["line"].as_u64().unwrap() >= 1
                    );
                }
            }
        }
    }

    #[test]
    fn counts_are_said_in_words() {
        let mut problems = Diagnostics::default();
        assert_eq!(summary(&problems), "no problems");
        problems.push(Diagnostic::error(Code::NothingInFile, "a"));
        assert_eq!(summary(&problems), "1 error");
        problems.push(Diagnostic::warning(Code::UnusedFile, "b"));
        problems.push(Diagnostic::warning(Code::UnusedFile, "c"));
        assert_eq!(summary(&problems), "1 error, 2 warnings");
    }

    #[test]
    fn what_is_wrong_several_times_is_one_problem() {
        let text = "x\n".repeat(200);
        let mut problems = Diagnostics::default();
        for line in [40, 0, 2, 2, 90] {
            problems.push(
                Diagnostic::error(Code::NothingInFile, "wrong").at(Place::bytes(FileId(0), line * 2..line * 2 + 1)),
            );
        }
        let problems = one(&text).with(problems);
        assert_eq!(problems.counts(), (1, 0));
        let drawn = super::text(&problems, Style::PLAIN, ToString::to_string);
        assert!(drawn.contains("plans/a.yaml:1:1") && drawn.contains("and 3 more like it: lines 3, 41, 91"), "{drawn}");
        let entries = serde_json::json!(entries(&problems, ToString::to_string));
        assert_eq!(entries[0]["more"][2]["line"], 91, "{entries}");
    }

    #[test]
    fn many_problems_are_counted_and_not_drawn() {
        let text = "x\n".repeat(200);
        let mut problems = Diagnostics::default();
        for line in 0..MOST_DRAWN + 7 {
            let at = Place::bytes(FileId(0), line * 2..line * 2 + 1);
            problems.push(Diagnostic::error(Code::NothingInFile, format!("wrong {line}")).at(at.clone()));
            problems.push(Diagnostic::warning(Code::UnusedFile, format!("odd {line}")).at(at));
        }
        let problems = one(&text).with(problems);
        let drawn = super::text(&problems, Style::PLAIN, ToString::to_string);
        assert_eq!((drawn.matches("error[").count(), drawn.matches("warning[").count()), (MOST_DRAWN, 0));
        assert!(drawn.contains("and 7 errors, 57 warnings more"), "{drawn}");
        assert_eq!(entries(&problems, ToString::to_string).len(), 2 * (MOST_DRAWN + 7));
    }
}
