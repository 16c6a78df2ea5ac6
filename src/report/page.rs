//! What all pages have in common: self-contained, nothing loaded from elsewhere, no scripts but one of dagmar.

use super::escape::markup;
pub(super) use crate::base::markup::prose;
use crate::base::text::line;
use crate::sql::highlight::{Class, pieces};

const CSS: &str = include_str!("../../templates/html/plan.css");

/// Opens and closes all folds.
const FOLDS: &str = include_str!("../../templates/html/plan.js");
/// The only script that a page with folds may run, for its content security policy (CSP, section 6.7.3.3: SHA-256 as
/// Base64).
const FOLDS_HASH: &str = "sha256-4aBIvEmC9/q8iGJoWrPmBrMbukeXq3Hivt7JzJcABJQ=";

/// A page up to the beginning of its body. `title` is escaped already; with `folds` it ends with [`folds_script`].
pub(super) fn head(title: &str, folds: bool) -> String {
    let script = if folds { format!("; script-src '{FOLDS_HASH}'") } else { String::new() };
    // the policy is the second lock on the door: what comes after it is escaped
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'{script}\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n"
    )
}

/// The buttons for all folds; without scripts they stay hidden.
pub(super) fn folds_buttons() -> &'static str {
    "<p id=\"tools\" hidden><button id=\"expand\">Expand all</button> <button id=\"collapse\">Collapse all</button></p>\n"
}

/// The script behind them.
pub(super) fn folds_script() -> String {
    format!("<script>{FOLDS}</script>\n")
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_allows_the_script_and_no_other() {
        assert_eq!(FOLDS_HASH, format!("sha256-{}", STANDARD.encode(Sha256::digest(FOLDS))));
        assert!(!FOLDS.contains("</"), "the script would end there");
        assert!(!head("x", false).contains("script-src"));
        assert!(
            head("x", true)
                .contains(&format!("default-src 'none'; style-src 'unsafe-inline'; script-src '{FOLDS_HASH}'\""))
        );
    }
}
