//! Secret variables in SQL: where their placeholders may stand, and how values take their place.
//!
//! A value may be any text, so it is put where its quoting is known: inside of a string
//! constant, also of one in a dollar quoted body. Where it is all of the constant every value
//! will do; where it is a part of one, a quote or backslash might mean something to whoever
//! reads the whole, and is refused.

use super::token::{Kind, Tok, dollar_quoted, scan};
use crate::base::secret::{PLACEHOLDER, placeholders};
use std::ops::Range;

/// Dollar quoted texts inside of each other.
const DEEPEST: usize = 8;

/// Why a placeholder cannot be filled in. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SecretError {
    /// The variable.
    pub name: String,
    /// What is wrong.
    pub message: String,
    /// The remedy.
    pub help: String,
}

impl SecretError {
    fn misplaced(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            message: format!("the secret variable `{name}` does not stand in a string constant"),
            help: format!("write it in quotes: `'${{{name}}}'`; it cannot be a name, a number, a comment or U&''"),
        }
    }

    fn unfit(name: &str, what: &str) -> Self {
        Self {
            name: name.to_owned(),
            message: format!("the value of the secret variable `{name}` cannot stand where it is used: it has {what}"),
            help: "use it as a complete string constant, which accepts any value, or use another value".to_owned(),
        }
    }
}

/// A string constant with placeholders, or a piece of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// SQL as it stands.
    Sql(&'a str),
    /// A secret variable that is all of a string constant, whose quotes are here with it;
    /// `escapes`: backslashes mean something in it.
    Whole {
        /// The variable.
        name: &'a str,
        /// Whether the constant is `E''`.
        escapes: bool,
    },
    /// A secret variable within a larger constant.
    Piece {
        /// The variable.
        name: &'a str,
    },
}

/// SQL with secret variables, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Statement text and variables in turn.
    pub list: Vec<Part<'a>>,
    /// The constants of which variables are only a part, inner ones before outer ones.
    pub groups: Vec<Group<'a>>,
}

/// A constant that has more in it than a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// Its parts; the first and the last are its quotes, with text or without.
    pub range: Range<usize>,
    /// The delimiter of a dollar quoted one.
    pub delimiter: Option<&'a str>,
}

/// Whether a text has placeholders at all.
#[must_use]
pub fn has_secrets(sql: &str) -> bool {
    sql.contains(PLACEHOLDER) && placeholders(sql).next().is_some()
}

/// Takes SQL apart at its placeholders.
///
/// # Errors
/// The first one that does not stand in a string constant.
pub fn parts(sql: &str) -> Result<Parts<'_>, SecretError> {
    let mut found = Parts { list: Vec::new(), groups: Vec::new() };
    walk(sql, &mut found, 0)?;
    Ok(found)
}

/// Puts values in the place of the placeholders.
///
/// # Errors
/// A placeholder that does not stand in a string constant, one without a value, or one whose
/// value cannot stand there.
pub fn fill<'v>(sql: &str, value: &dyn Fn(&str) -> Result<&'v str, String>) -> Result<String, SecretError> {
    let parts = parts(sql)?;
    let valued = |name: &str| {
        value(name).map_err(|why| SecretError {
            name: name.to_owned(),
            message: format!("the secret variable `{name}` has no value: {why}"),
            help: "set it: dagmar inserts it when it sends the SQL and stores it nowhere".to_owned(),
        })
    };
    let mut out = String::with_capacity(sql.len());
    let mut starts = Vec::with_capacity(parts.list.len());
    for part in &parts.list {
        starts.push(out.len());
        let name = match part {
            Part::Sql(text) => {
                out.push_str(text);
                continue;
            }
            Part::Whole { name, .. } | Part::Piece { name } => name,
        };
        let text = valued(name)?;
        if text.contains('\0') {
            return Err(SecretError::unfit(name, "a NUL character"));
        }
        match part {
            Part::Whole { escapes: true, .. } => {
                out.push_str(&format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")));
            }
            Part::Whole { .. } => out.push_str(&format!("'{}'", text.replace('\'', "''"))),
            Part::Piece { .. } if parts.is_bare(starts.len() - 1) => out.push_str(text),
            _ if text.contains(['\'', '\\']) => {
                return Err(SecretError::unfit(name, "a quote or a backslash, and is a part of a larger text"));
            }
            _ => out.push_str(text),
        }
    }
    for Group { range, delimiter } in &parts.groups {
        let Some(delimiter) = delimiter else { continue };
        let body = &out[starts[range.start + 1]..starts[range.end - 1]];
        if format!("{body}{delimiter}").find(delimiter) != Some(body.len()) {
            let name = parts.list[range.clone()].iter().find_map(Part::name).unwrap_or_default();
            return Err(SecretError::unfit(name, &format!("`$`, and stands in a text that ends with `{delimiter}`")));
        }
    }
    Ok(out)
}

impl<'a> Part<'a> {
    /// The variable.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        match self {
            Part::Whole { name, .. } | Part::Piece { name } => Some(name),
            Part::Sql(_) => None,
        }
    }
}

impl Parts<'_> {
    /// Whether this part is all of a dollar quoted text: every character stands for itself.
    #[must_use]
    pub fn is_bare(&self, at: usize) -> bool {
        self.groups.iter().any(|g| g.delimiter.is_some() && g.range.start + 1 == at && g.range.end == at + 2)
    }
}

/// The names of the secret variables in SQL.
pub fn names(sql: &str) -> impl Iterator<Item = &str> {
    placeholders(sql).map(|(name, _)| name)
}

fn walk<'a>(sql: &'a str, out: &mut Parts<'a>, depth: usize) -> Result<(), SecretError> {
    let mut open = placeholders(sql).peekable();
    let mut done = 0;
    let mut before: Option<Kind> = None;
    for tok in scan(sql) {
        let Ok(tok) = tok else { break };
        // one that ends in front of this token is in none
        if let Some((name, at)) = open.peek()
            && at.start < tok.start
        {
            return Err(SecretError::misplaced(name));
        }
        let mut has_one = false;
        while let Some((name, at)) = open.peek() {
            if at.start >= tok.end() {
                break;
            }
            if tok.kind != Kind::Text || at.end > tok.end() {
                return Err(SecretError::misplaced(name));
            }
            has_one = true;
            open.next();
        }
        if has_one {
            out.list.push(Part::Sql(&sql[done..tok.start]));
            // a constant that goes on in the next line is read like the one before it
            constant(tok, before == Some(Kind::Text), out, depth)?;
            done = tok.end();
        }
        if tok.kind != Kind::Comment {
            before = Some(tok.kind);
        }
    }
    if let Some((name, _)) = open.next() {
        return Err(SecretError::misplaced(name));
    }
    out.list.push(Part::Sql(&sql[done..]));
    Ok(())
}

/// A string constant that has placeholders.
fn constant<'a>(tok: Tok<'a>, goes_on: bool, out: &mut Parts<'a>, depth: usize) -> Result<(), SecretError> {
    let text = tok.text;
    let first = placeholders(text).next().map_or("", |(name, _)| name);
    if let Some((delimiter, body)) = dollar_quoted(text) {
        let begin = out.list.len();
        out.list.push(Part::Sql(delimiter));
        if placeholders(body).any(|(_, at)| at == (0..body.len())) {
            out.list.push(Part::Piece { name: first });
        } else if depth < DEEPEST {
            walk(body, out, depth + 1)?;
        } else {
            return Err(SecretError::misplaced(first));
        }
        out.list.push(Part::Sql(delimiter));
        out.groups.push(Group { range: begin..out.list.len(), delimiter: Some(delimiter) });
        return Ok(());
    }
    let (escapes, quote) = match text.as_bytes() {
        [b'\'', ..] if !goes_on => (false, 0),
        [b'N' | b'n', b'\'', ..] => (false, 1),
        [b'E' | b'e', b'\'', ..] => (true, 1),
        _ => return Err(SecretError::misplaced(first)),
    };
    let inner = quote + 1..text.len() - 1;
    if placeholders(text).any(|(_, at)| at == inner) {
        out.list.push(Part::Whole { name: first, escapes });
        return Ok(());
    }
    let (begin, mut done) = (out.list.len(), 0);
    for (name, at) in placeholders(text) {
        out.list.extend([Part::Sql(&text[done..at.start]), Part::Piece { name }]);
        done = at.end;
    }
    out.list.push(Part::Sql(&text[done..]));
    out.groups.push(Group { range: begin..out.list.len(), delimiter: None });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(sql: &str, value: &'static str) -> Result<String, String> {
        let sql = sql.replace("${", "${secret:");
        fill(&sql, &|name| if name == "pw" { Ok(value) } else { Err("it is not set".to_owned()) })
            .map_err(|e| e.message)
    }

    #[test]
    fn values_are_quoted_by_where_they_stand() {
        let odd = r"it's \ 10$";
        for (sql, value, expected) in [
            ("CREATE ROLE a PASSWORD '${pw}'", "x", "CREATE ROLE a PASSWORD 'x'"),
            ("SELECT '${pw}', '${pw}' -- done", odd, r"SELECT 'it''s \ 10$', 'it''s \ 10$' -- done"),
            ("SELECT E'${pw}'", odd, r"SELECT E'it''s \\ 10$'"),
            ("SELECT N'${pw}'", odd, r"SELECT 'it''s \ 10$'"),
            ("SELECT 'user=a password=${pw} x'", "b c", "SELECT 'user=a password=b c x'"),
            ("SELECT E'\\n${pw}'", "b", "SELECT E'\\nb'"),
            (
                "DO $$ BEGIN CREATE ROLE a PASSWORD '${pw}'; END $$",
                "it's",
                "DO $$ BEGIN CREATE ROLE a PASSWORD 'it''s'; END $$",
            ),
            (
                "DO $a$ BEGIN EXECUTE $b$ SELECT '${pw}' $b$; END $a$",
                "x",
                "DO $a$ BEGIN EXECUTE $b$ SELECT 'x' $b$; END $a$",
            ),
            ("SELECT $$${pw}$$", "it's", "SELECT $$it's$$"),
            ("DO $$ BEGIN PERFORM '${pw}'; END $$", "10$", "DO $$ BEGIN PERFORM '10$'; END $$"),
            ("SELECT 'é', '${pw}', 'ü'", "ö", "SELECT 'é', 'ö', 'ü'"),
            // what is filled in is not searched again
            ("SELECT '${pw}'", "${secret:pw}", "SELECT '${secret:pw}'"),
        ] {
            assert_eq!(filled(sql, value).as_deref(), Ok(expected), "{sql}");
        }
    }

    #[test]
    fn values_that_could_mean_more_are_refused() {
        for (sql, value) in [
            ("SELECT 'user=a password=${pw}'", "it's"),
            ("SELECT 'user=a password=${pw}'", "a\\b"),
            ("DO $$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''${pw}'''; END $$", "it's"),
            ("DO $$ BEGIN PERFORM '${pw}'; END $$", "a$$b"),
            ("DO $a$ BEGIN PERFORM '${pw}'; END $a$", "x$a$"),
            ("SELECT $$${pw}$$", "a$"),
            ("SELECT '${pw}'", "a\0b"),
        ] {
            let message = filled(sql, value).unwrap_err();
            assert!(message.contains("cannot stand where it is used") && !message.contains(value), "{sql}: {message}");
        }
        assert_eq!(
            filled("SELECT '${other}'", "x").unwrap_err(),
            "the secret variable `other` has no value: it is not set"
        );
    }

    #[test]
    fn placeholders_stand_in_constants_only() {
        for sql in [
            "SELECT ${pw}",
            "CREATE ROLE \"${pw}\"",
            "SELECT 1 -- '${pw}'",
            "SELECT /* ${pw} */ 1",
            "SELECT U&'${pw}'",
            "SELECT B'${pw}'",
            "SELECT E'a'\n'${pw}'",
            "DO $$ BEGIN PERFORM ${pw}; END $$",
            "DO $$ BEGIN -- ${pw}\nEND $$",
            "SELECT '${pw}', ${pw}",
            "SELECT 'open ${pw}",
        ] {
            let message = filled(sql, "x").unwrap_err();
            assert_eq!(message, "the secret variable `pw` does not stand in a string constant", "{sql}");
        }
    }
}
