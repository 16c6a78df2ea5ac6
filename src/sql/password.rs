//! Passwords that stand in SQL as they are.

use super::token::{Kind, dollar_quoted, scan};
use crate::base::secret::{PLACEHOLDER, placeholders};
use std::borrow::Cow;

/// Dollar quoted and quoted texts inside of each other.
const DEEPEST: usize = 4;

/// Whether SQL has a password as a constant: after the word PASSWORD, as in CREATE ROLE and
/// CREATE USER MAPPING, or after `password=` in a connection string. A secret variable is
/// none, neither is a verifier of SCRAM, which lets nobody in.
#[must_use]
pub fn has_password(sql: &str) -> bool {
    mentions(sql.as_bytes()) && found(sql, DEEPEST)
}

/// Most statements have no such word: they are not read as tokens.
fn mentions(sql: &[u8]) -> bool {
    let word = |at: usize| sql.get(at..at + 8).is_some_and(|w| w.eq_ignore_ascii_case(b"password"));
    sql.iter().enumerate().any(|(at, byte)| matches!(byte, b'p' | b'P') && word(at))
}

fn found(sql: &str, depth: usize) -> bool {
    let mut after_word = false;
    for tok in scan(sql).map_while(Result::ok) {
        if tok.kind == Kind::Text {
            let inner = inside(tok.text);
            let inner = inner.as_ref();
            if after_word && is_open(inner) || in_connection_string(inner) || depth > 0 && found(inner, depth - 1) {
                return true;
            }
        }
        after_word = tok.is("password");
    }
    false
}

/// What is between the quotes of a constant.
fn inside(text: &str) -> Cow<'_, str> {
    if let Some((_, text)) = dollar_quoted(text) {
        return text.into();
    }
    let start = text.find('\'').map_or(text.len(), |at| at + 1);
    text[start..].strip_suffix('\'').unwrap_or_default().replace("''", "'").into()
}

/// Whether a password would let somebody in who reads it.
fn is_open(password: &str) -> bool {
    let is_variable = placeholders(password).any(|(_, at)| at == (0..password.len()));
    !password.is_empty() && !is_variable && !password.starts_with("SCRAM-SHA-256$")
}

fn in_connection_string(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices("password").any(|(at, word)| {
        let value = lower[at + word.len()..].trim_start().strip_prefix('=').map(str::trim_start);
        value.is_some_and(|v| {
            let v = v.trim_start_matches('\'');
            !v.is_empty() && !v.starts_with(PLACEHOLDER) && !v.starts_with(char::is_whitespace)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_where_they_let_somebody_in() {
        for (sql, expected) in [
            ("CREATE ROLE a LOGIN PASSWORD 'hunter2'", true),
            ("ALTER ROLE a ENCRYPTED password $$hunter2$$", true),
            ("ALTER ROLE a PASSWORD E'hunter2'", true),
            ("ALTER ROLE a PASSWORD 'md5d41d8cd98f00b204e9800998ecf8427e'", true),
            ("CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'p')", true),
            ("DO $$ BEGIN EXECUTE 'CREATE ROLE a PASSWORD ''x'''; END $$", true),
            ("DO $$ BEGIN CREATE ROLE a PASSWORD 'x'; END $$", true),
            ("CREATE SUBSCRIPTION s CONNECTION 'host=h password=p dbname=d' PUBLICATION p", true),
            ("SELECT dblink('host=h password = ''p''')", true),
            ("ALTER ROLE a PASSWORD 'x${secret:pw}'", true),
            ("ALTER ROLE a PASSWORD NULL", false),
            ("ALTER ROLE a PASSWORD ''", false),
            ("ALTER ROLE a PASSWORD '${secret:pw}'", false),
            ("ALTER ROLE a PASSWORD 'SCRAM-SHA-256$4096:salt$stored:server'", false),
            ("CREATE SUBSCRIPTION s CONNECTION 'host=h password=${secret:pw}' PUBLICATION p", false),
            ("CREATE TABLE users (password text DEFAULT 'x')", false),
            ("COMMENT ON COLUMN users.password IS 'the password, as a hash'", false),
            ("SELECT 1", false),
        ] {
            assert_eq!(has_password(sql), expected, "{sql}");
        }
    }
}
