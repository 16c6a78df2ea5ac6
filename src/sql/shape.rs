//! A statement of somebody else, without what may be anybody's data.

use super::token::{Kind, scan};

/// The statement on one line, with `…` for its constants and without its comments, at most
/// `most` characters. It may have been cut off by the server: what follows a constant that has
/// no end, or one whose end cannot be told, is left out.
#[must_use]
pub fn shape(sql: &str, most: usize) -> String {
    let mut out = String::new();
    let mut before = 0;
    for tok in scan(sql) {
        let Ok(tok) = tok else {
            gap(&mut out, sql, before, sql.len());
            out.push('…');
            break;
        };
        if tok.kind == Kind::Comment {
            continue;
        }
        gap(&mut out, sql, before, tok.start);
        before = tok.end();
        match tok.kind {
            Kind::Number if tok.text.starts_with('$') => out.push_str(tok.text),
            Kind::Number => out.push('…'),
            Kind::Text => {
                out.push('…');
                // where the session reads backslashes as escapes, this is not its end
                if tok.text.starts_with('\'') && tok.text.contains('\\') {
                    break;
                }
            }
            _ => out.push_str(tok.text),
        }
        if out.chars().count() > most {
            break;
        }
    }
    if out.chars().count() > most {
        out = out.chars().take(most).collect();
        out.push('…');
    }
    out
}

/// One space where there was white space or a comment.
fn gap(out: &mut String, sql: &str, before: usize, now: usize) {
    if before < now && !out.is_empty() && sql[before..now].contains(|c: char| c.is_whitespace() || c == '*' || c == '-')
    {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_constant_is_left() {
        for (sql, expected) in [
            ("UPDATE t SET a = 'x', b = 5 WHERE id = $1", "UPDATE t SET a = …, b = … WHERE id = $1"),
            (
                "SELECT 'it''s', E'a\\'b', $$c$$, $q$d$q$, U&'e', B'01', 1.5e3, x FROM \"My t\"",
                "SELECT …, …, …, …, …, …, …, x FROM \"My t\"",
            ),
            (
                "INSERT INTO t\n  VALUES ('a') -- secret\n/* more */ RETURNING id",
                "INSERT INTO t VALUES (…) RETURNING id",
            ),
            // cut off in the middle
            ("SELECT 'abc", "SELECT …"),
            ("SELECT $$abc", "SELECT …"),
            ("SELECT E'abc\\'", "SELECT …"),
            ("SELECT \"abc", "SELECT …"),
            ("SELECT 1 /* abc", "SELECT … …"),
            ("SELECT 123", "SELECT …"),
            // with standard_conforming_strings = off this is one constant
            ("SELECT 'a\\' , secret, ' FROM t", "SELECT …"),
            ("", ""),
        ] {
            assert_eq!(shape(sql, 200), expected, "{sql}");
        }
        assert_eq!(shape("SELECT abcdef", 9), "SELECT ab…");
    }
}
