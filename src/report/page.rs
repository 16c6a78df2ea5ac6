//! What all pages have in common: self-contained, no scripts, nothing loaded from elsewhere.

use super::escape::markup;
use super::text::line;

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

/// One line, escaped.
pub(super) fn text(raw: &str) -> String {
    markup(&line(raw))
}
