//! Small tools for text on a terminal: columns, cutting, harmless characters.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` without anything that a terminal would act on: control characters become their
/// pictures (`␛`), characters that turn the reading direction become `�`. Line breaks and
/// tabs stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| harmless(c) != c) {
        return Cow::Borrowed(text);
    }
    // a CRLF is a line break like any other
    Cow::Owned(text.replace("\r\n", "\n").chars().map(harmless).collect())
}

fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fffe}'
        | '\u{ffff}' => '\u{fffd}',
        c => c,
    }
}

/// `text` as one harmless line: every run of white space is one space.
pub(super) fn line(text: &str) -> String {
    let folded: Vec<&str> = text.split_whitespace().collect();
    printable(&folded.join(" ")).into_owned()
}

/// At most `columns` columns of `text`, with `…` where something was cut off.
pub(super) fn clip(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > columns {
            break;
        }
        kept.push(c);
    }
    Cow::Owned(kept.trim_end().to_owned() + "…")
}

/// Spaces that fill `text` up to `columns` columns.
pub(super) fn fill(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

/// Every line of `text`, harmless and with `indent` in front; empty lines stay empty.
pub(super) fn indent(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for line in printable(text).trim_end().lines() {
        if !line.trim_end().is_empty() {
            out.push_str(indent);
            out.push_str(line.trim_end());
        }
        out.push('\n');
    }
    out
}

/// `1 step`, `2 steps`.
pub(super) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_columns() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(width(&clip("日本語日本語", 6)), 5);
        assert_eq!(clip("ab cd", 4), "ab…");
    }

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        assert_eq!(printable("a\u{1b}[31m\u{7}\u{9b}\u{202e}b"), "a␛[31m␇��b");
        assert_eq!(printable("a\r\nb\tc"), "a\r\nb\tc".replace('\r', ""));
        assert_eq!(line(" a\n\t b\u{1b} "), "a b␛");
    }
}
