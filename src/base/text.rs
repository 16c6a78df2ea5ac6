//! Small tools for text on a terminal: columns, cutting, harmless characters.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width of a text on a terminal, in columns.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The width of a character on a terminal, in columns.
pub(crate) fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `text` without characters that a terminal would interpret or that are invisible: control characters become
/// their pictures (`␛`), invisible characters and direction marks become `�`. Line breaks and tabs stay.
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
        c if is_unseen(c) => '\u{fffd}',
        c => c,
    }
}

/// Controls of the upper half, format characters, fillers and other characters without a picture
/// (`Default_Ignorable_Code_Point` of Unicode without the selectors of variants, which emoji and names
/// need), and what is no character.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// `text` on one line and harmless, otherwise as it is: a line break becomes its picture (`␊`).
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\u{240a}").replace('\t', " ")
}

/// `text` from a renderer that adds colours to printable text: its colours stay; other terminal sequences are
/// replaced.
#[must_use]
pub fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let code = &rest[at + 2..];
        let digits = code.len() - code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').len();
        let end = if code[digits..].starts_with('m') { at + 2 + digits + 1 } else { at };
        out.push_str(&printable(&rest[..at]));
        out.push_str(&rest[at..end]);
        if end == at {
            out.push('\u{241b}');
            rest = &rest[at + 1..];
        } else {
            rest = &rest[end..];
        }
    }
    out.push_str(&printable(rest));
    out
}

/// `text` as one harmless line: every run of white space is one space.
pub(crate) fn line(text: &str) -> String {
    let folded: Vec<&str> = text.split_whitespace().collect();
    printable(&folded.join(" ")).into_owned()
}

/// At most `columns` columns of `text`, with `…` where something was cut off.
pub(crate) fn clip(text: &str, columns: usize) -> Cow<'_, str> {
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

/// The words of `text` in lines of at most `columns` columns; a word that is longer has a line of its
/// own.
pub(crate) fn fold(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Spaces that fill `text` up to `columns` columns.
pub(crate) fn fill(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
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
        for unseen in "\u{61c}\u{200b}\u{200d}\u{ad}\u{e0041}\u{2028}\u{2029}\u{feff}\u{2060}\u{fdd0}\u{1ffff}".chars()
        {
            assert_eq!(printable(&unseen.to_string()), "\u{fffd}", "{unseen:?}");
        }
        // what is to be seen stays: an emoji with its selector, a combining accent
        assert_eq!(printable("⚠\u{fe0f} e\u{301} 日本 👍🏽"), "⚠\u{fe0f} e\u{301} 日本 👍🏽");
        assert_eq!(line(" a\n\t b\u{1b} "), "a b␛");
    }

    #[test]
    fn only_colours_of_a_renderer_stay() {
        assert_eq!(
            coloured("\u{1b}[1m\u{1b}[31mx\u{1b}[0m\u{1b}[2J\u{1b}]0;t\u{7}"),
            "\u{1b}[1m\u{1b}[31mx\u{1b}[0m␛[2J␛]0;t␇"
        );
    }
}
