//! Text inside of other languages: HTML and XML, Markdown.

pub(super) use crate::base::markup::escaped as markup;
use crate::base::text::{line, printable};
use std::fmt::Write;

/// `text` within a line of Markdown (not at its start) that shows as it is written: no
/// markup, no HTML, no link, no table cell's end, and nobody is called by an `@`.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = line(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // what a colon makes: `https://…` and `:emoji:`
            ':' if chars.peek().is_none_or(|next| next.is_whitespace()) => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '|' | '~' | '$' | ':' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // an empty comment keeps a name from being a mention and is not seen
            '@' => out.push_str("@<!-- -->"),
            c => out.push(c),
        }
    }
    out
}

/// `text` as code within a line of Markdown, also inside of a table cell.
pub(super) fn code_span(text: &str) -> String {
    let text = line(text).replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// `text` as a block of code, between fences that do not occur in it.
pub(super) fn code_block(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let mut out = String::new();
    let _ = writeln!(out, "{fence}{language}\n{}\n{fence}", printable(text).trim_end());
    out
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_what_was_written() {
        assert_eq!(markdown("*a*\n| <b> @x [l](u)"), "\\*a\\* \\| &lt;b&gt; @<!-- -->x \\[l\\](u)");
        assert_eq!(markdown("a: b:c https://d"), "a: b\\:c https\\://d");
        assert_eq!(code_span("a|`b``"), "``` a\\|`b`` ```");
        assert_eq!(code_span(""), "");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(code_block("sql", "a\n```\nb\n"), "````sql\na\n```\nb\n````\n");
    }
}
