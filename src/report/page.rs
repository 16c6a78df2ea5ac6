//! What all pages have in common: self-contained, no scripts, nothing loaded from elsewhere.

use super::escape::markup;
use crate::base::text::line;
use crate::sql::highlight::{Class, pieces};

const CSS: &str = include_str!("../../templates/html/plan.css");

/// A page up to the beginning of its body. `title` is escaped already; `more` is CSS of this
/// page alone.
pub(super) fn head(title: &str, more: &str) -> String {
    // the policy is the second lock on the door: what comes after it is escaped
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{CSS}{more}</style>\n</head>\n<body>\n"
    )
}

/// SQL with its colours.
pub(super) fn sql(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for (class, text) in pieces(sql) {
        let class = match class {
            Class::Plain => {
                out.push_str(&markup(text));
                continue;
            }
            Class::Keyword => "k",
            Class::Text => "s",
            Class::Number => "n",
            Class::Comment => "c",
        };
        out.push_str(&format!("<span class=\"{class}\">{}</span>", markup(text)));
    }
    out
}

/// A unified diff with its colours; the signs stay.
pub(super) fn diff(diff: &str) -> String {
    let line = |line: &str| match line.as_bytes() {
        [b'+', ..] => format!("<span class=\"s\">{}</span>\n", markup(line)),
        [b'-', ..] => format!("<span class=\"d\">{}</span>\n", markup(line)),
        _ => format!("{}\n", markup(line)),
    };
    diff.lines().map(line).collect()
}

/// One line, escaped.
pub(super) fn text(raw: &str) -> String {
    markup(&line(raw))
}
