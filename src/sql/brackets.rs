//! The words of a piece of SQL with the brackets around each, and what of it would reach out of its place.

use super::error::SqlError;
use super::token::scan;
use std::ops::Range;

/// A token that means something: no white space, no comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Its character, where it is a sign and no name, constant or number.
    pub sign: Option<u8>,
    /// Brackets around it.
    pub depth: usize,
}

impl Word<'_> {
    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// What is wrong with a text, and its bytes.
pub type BracketError = (String, Range<usize>);

/// The words of `text`, and the first that is wrong with its quotes, comments and brackets.
#[must_use]
pub fn brackets(text: &str) -> (Vec<Word<'_>>, Option<BracketError>) {
    let (mut words, mut problem) = (Vec::new(), None);
    let mut open: Vec<(u8, usize)> = Vec::new();
    for token in scan(text) {
        let tok = match token {
            Ok(tok) if tok.kind == super::token::Kind::Comment => continue,
            Ok(tok) => tok,
            Err(SqlError { offset: start, .. }) => {
                // its first character: the rest of the text belongs to it
                let first = text[start..].chars().next().map_or(0, char::len_utf8);
                let what = "has a quote or comment that is not closed";
                problem.get_or_insert_with(|| (what.to_owned(), start..start + first));
                words.push(Word { text: &text[start..], start, sign: None, depth: open.len() });
                break;
            }
        };
        let sign = tok.sign();
        let mut depth = open.len();
        match sign {
            Some(bracket @ (b'(' | b'[')) => open.push((bracket, tok.start)),
            Some(bracket @ (b')' | b']')) => {
                let wanted = if bracket == b')' { b'(' } else { b'[' };
                if open.pop().is_none_or(|(kind, _)| kind != wanted) {
                    let message = || format!("has a `{}` that closes nothing", tok.text);
                    problem.get_or_insert_with(|| (message(), tok.start..tok.end()));
                }
                depth = open.len();
            }
            _ => {}
        }
        words.push(Word { text: tok.text, start: tok.start, sign, depth });
    }
    if let Some((_, at)) = open.pop() {
        problem.get_or_insert_with(|| ("has a bracket that is not closed".to_owned(), at..at + 1));
    }
    (words, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_the_brackets_around_them() {
        let (words, problem) = brackets("f(a[1], ';') /* ( */ ;");
        let seen: Vec<(&str, usize)> = words.iter().map(|w| (w.text, w.depth)).collect();
        let expected =
            [("f", 0), ("(", 0), ("a", 1), ("[", 1), ("1", 2), ("]", 1), (",", 1), ("';'", 1), (")", 0), (";", 0)];
        assert_eq!((seen.as_slice(), problem), (expected.as_slice(), None));
        assert!(words.iter().filter(|w| w.sign == Some(b';')).count() == 1);
    }

    #[test]
    fn strings_go_on_after_a_line_break() {
        // escapes hold in the second part as well (manual, chapter 4.1.2.1)
        let (words, problem) = brackets("E'a'\n'b\\'; c' ; d");
        assert_eq!(problem, None);
        assert_eq!(words.iter().map(|w| w.text).collect::<Vec<_>>(), ["E'a'", "'b\\'; c'", ";", "d"]);
    }
}
