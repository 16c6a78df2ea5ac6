//! The difference of two texts, for an edited changeset and for drift.

use super::style::{Style, Tone};
use super::text::printable;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// The unified diff from `old` to `new`, with three lines around each change and the two
/// names in its head; empty when the texts are equal but for their line ends.
#[must_use]
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str, style: Style) -> String {
    let mut out = String::new();
    let (old, new) = (printable(old), printable(new));
    if old == new {
        return out;
    }
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let _ = writeln!(out, "{}", style.paint(Tone::Strong, &format!("--- {}", printable(old_name))));
    let _ = writeln!(out, "{}", style.paint(Tone::Strong, &format!("+++ {}", printable(new_name))));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(out, "{}", style.paint(Tone::Muted, &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
                ChangeTag::Equal => (' ', Tone::Plain),
            };
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(out, "{}", style.paint(tone, &format!("{sign}{line}")));
            if change.missing_newline() {
                let _ = writeln!(out, "\\ no line break at the end");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_have_signs() {
        let diff = unified("applied", "file", "a\nb\nc\n", "a\nB\nc", Style::PLAIN);
        assert_eq!(diff, "--- applied\n+++ file\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ no line break at the end\n");
        assert_eq!(unified("a", "b", "same\n", "same\r\n", Style::PLAIN), "");
    }

    #[test]
    fn escape_sequences_are_shown() {
        let diff = unified("a", "b", "x\n", "\u{1b}[2Jx\n", Style::PLAIN);
        assert!(diff.contains("+␛[2Jx") && !diff.contains('\u{1b}'), "{diff}");
    }
}
