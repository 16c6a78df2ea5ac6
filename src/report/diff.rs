//! The difference of two texts, for an edited changeset and for drift.

use super::lines::{Line, Text};
use super::style::Tone;
use crate::base::text::{line, printable};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// The unified diff from `old` to `new`, with three lines around each change and the two
/// names in its head; empty when the texts are equal but for their line ends.
#[must_use]
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    let (old, new) = (printable(old), printable(new));
    if old == new {
        return out;
    }
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let _ = writeln!(out, "--- {}\n+++ {}", line(old_name), line(new_name));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(out, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = writeln!(out, "{sign}{}", change.value().trim_end_matches('\n'));
            if change.missing_newline() {
                let _ = writeln!(out, "\\ no line break at the end");
            }
        }
    }
    out
}

/// A unified diff for a terminal.
#[must_use]
pub fn text(diff: &str, margin: &str) -> Text {
    let mut out = Text::new();
    for (i, line) in diff.lines().enumerate() {
        let tone = match line.as_bytes() {
            _ if i < 2 => Tone::Strong,
            [b'-', ..] => Tone::Bad,
            [b'+', ..] => Tone::Good,
            [b'@', ..] => Tone::Muted,
            _ => Tone::Plain,
        };
        out.line(Line::from(margin).paint(tone, line).whole());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_have_signs() {
        let diff = unified("applied", "file", "a\nb\nc\n", "a\nB\nc");
        assert_eq!(diff, "--- applied\n+++ file\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ no line break at the end\n");
        assert_eq!(unified("a", "b", "same\n", "same\r\n"), "");
    }

    #[test]
    fn escape_sequences_are_shown() {
        let diff = unified("a", "b", "x\n", "\u{1b}[2Jx\n");
        assert!(diff.contains("+␛[2Jx") && !diff.contains('\u{1b}'), "{diff}");
    }
}
