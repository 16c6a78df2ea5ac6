//! HTML: foreign text in it, and what is HTML already.

use super::text::{line, printable};

/// `text` as content or quoted attribute of HTML and XML (1.0, chapter 2.2: control
/// characters are not allowed in any form, so they become pictures).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A sentence in one line, escaped; its parts in backticks are code.
#[must_use]
pub fn prose(sentence: &str) -> String {
    let sentence = line(sentence);
    let part = |(i, part)| if i % 2 == 0 { escaped(part) } else { format!("<code>{}</code>", escaped(part)) };
    sentence.split('`').enumerate().map(part).collect()
}

/// HTML whose foreign text is escaped. Only `render` and `report` make it (a test keeps that).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// HTML in which everything foreign is escaped.
    #[must_use]
    pub fn made(html: String) -> Self {
        Self(html)
    }

    /// The HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With more after it.
    #[must_use]
    pub fn and(mut self, more: &Self) -> Self {
        self.0.push_str(&more.0);
        self
    }
}

impl From<Markup> for String {
    fn from(markup: Markup) -> Self {
        markup.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_backticks_are_code_and_everything_is_escaped() {
        assert_eq!(prose("use `a < b` & <c>"), "use <code>a &lt; b</code> &amp; &lt;c&gt;");
    }

    #[test]
    fn markup_has_no_live_character() {
        assert_eq!(escaped("<a b=\"c\" d='e'>&\u{1}"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;␁");
    }
}
