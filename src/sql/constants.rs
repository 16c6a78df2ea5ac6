//! The constants of an expression as the server writes it, and the value that a domain's check is about.

use super::token::{Kind, Tok, words};
use std::collections::BTreeSet;

/// What an expression names, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constants {
    /// The texts. The server writes a negative number as one.
    pub texts: Vec<String>,
    /// The numbers without sign.
    pub numbers: Vec<String>,
    /// The key words, functions and columns.
    pub words: BTreeSet<String>,
}

/// The constants of an expression that the server wrote (`pg_get_expr`).
#[must_use]
pub fn constants(expression: &str) -> Constants {
    let mut found = Constants::default();
    for token in words(expression) {
        match token.kind {
            Kind::Text => found.texts.push(text(token.text)),
            Kind::Number => found.numbers.push(token.text.to_owned()),
            Kind::Word | Kind::Quoted => found.words.extend(token.name().map(|name| name.as_str().to_owned())),
            _ => {}
        }
    }
    found
}

/// The text of a constant: the server writes `'…'`, or `E'…'` where there is a backslash.
fn text(constant: &str) -> String {
    let escaped = constant.starts_with(['E', 'e']);
    let inner = constant.trim_start_matches(['E', 'e']);
    let inner = inner.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(inner).replace("''", "'");
    if escaped { inner.replace("\\\\", "\\") } else { inner }
}

/// The check of a domain with another expression in place of `VALUE`.
#[must_use]
pub fn with_value(check: &str, value: &str) -> String {
    let mut out = String::with_capacity(check.len());
    let mut done = 0;
    for token in words(check).iter().filter(|token: &&Tok<'_>| token.is("value")) {
        out.push_str(&check[done..token.start]);
        out.push_str(value);
        done = token.end();
    }
    out + &check[done..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_as_the_server_writes_them() {
        let found =
            constants("((price > (0)::numeric) AND (code ~ E'^\\\\d{3}$'::text) AND (\"Odd\" <> 'it''s'::text))");
        assert_eq!(found.texts, ["^\\d{3}$", "it's"]);
        assert_eq!(found.numbers, ["0"]);
        assert!(["price", "code", "Odd", "numeric"].iter().all(|word| found.words.contains(*word)), "{found:?}");
    }

    #[test]
    fn the_value_of_a_domain_is_replaced_outside_of_texts() {
        let check = "((VALUE > 0) AND (VALUE <> 'VALUE'::text))";
        assert_eq!(with_value(check, "\"a\""), "((\"a\" > 0) AND (\"a\" <> 'VALUE'::text))");
    }
}
