//! A statement in one line. A picture for people: nothing depends on what is recognised
//! here, what a statement does is known from its facts.

use crate::base::text::{clip, line, width};

/// The longest gist of an event, in columns.
const COLUMNS: usize = 100;
/// A longer word is cut itself.
const LONG_WORD: usize = 24;
/// How much of a statement is looked at, in bytes.
const LOOK: usize = 16 * 1024;

/// The first words of a statement up to its object's name, without comments:
/// `CREATE INDEX CONCURRENTLY idx ON platform.users`. Statements that have no such name
/// are shown from their beginning.
#[must_use]
pub fn gist(sql: &str) -> String {
    gist_within(sql, COLUMNS)
}

/// The same in at most this many columns.
#[must_use]
pub fn gist_within(sql: &str, columns: usize) -> String {
    let mut look = sql.len().min(LOOK);
    while !sql.is_char_boundary(look) {
        look -= 1;
    }
    let words = words(&sql[..look]);
    let start = if words.first().is_some_and(|w| w.is("WITH")) { after_with(&words) } else { 0 };
    let words = &words[start..];
    let end = cut(words);
    let mut text = String::new();
    for (i, word) in words[..end].iter().enumerate() {
        if i > 0 && word.spaced {
            text.push(' ');
        }
        text.push_str(word.text);
    }
    let text = line(&text);
    let cut = clip(&text, columns);
    // not in the middle of a word, where that costs little
    match cut.strip_suffix('…').and_then(|kept| kept.rfind(' ').map(|at| (kept, at))) {
        Some((kept, at)) if cut.len() < text.len() && width(&kept[at..]) <= LONG_WORD => format!("{} …", &kept[..at]),
        _ => cut.into_owned(),
    }
}

/// A word, a quoted piece or a sign of the statement.
struct Word<'a> {
    text: &'a str,
    /// Whether something stood between it and the one before.
    spaced: bool,
}

impl Word<'_> {
    fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }
}

/// The statement that a `WITH` leads to: the first that writes.
fn after_with(words: &[Word<'_>]) -> usize {
    (1..words.len())
        .find(|&i| {
            let writes = ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|k| words[i].is(k));
            // FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE, ON DELETE are parts of others
            writes && !["FOR", "KEY", "DO", "ON"].iter().any(|k| words[i - 1].is(k))
        })
        .unwrap_or(0)
}

/// Where the object's name is over.
fn cut(words: &[Word<'_>]) -> usize {
    let stops: &[&str] = match words.first() {
        Some(w) if w.is("CREATE") => &["(", "AS", "USING", "RETURNS"],
        Some(w) if w.is("INSERT") => &["(", "SELECT", "VALUES", "DEFAULT", "WITH", "OVERRIDING"],
        Some(w) if w.is("UPDATE") => &["SET"],
        Some(w) if w.is("MERGE") => &["USING"],
        _ => &[],
    };
    let stop = |i: usize| {
        let followed = |k: &str| words.get(i + 1).is_some_and(|next| next.is(k));
        stops.iter().any(|k| words[i].is(k))
            || (words[i].is("FOR") && (followed("VALUES") || followed("EACH")) && words[0].is("CREATE"))
    };
    let mut depth = 0i32;
    for (i, word) in words.iter().enumerate() {
        // the first two words never are a name that is over
        if i >= 2 && stop(i) {
            return i;
        }
        depth += i32::from(word.text == "(") - i32::from(word.text == ")");
        if depth < 0 {
            return i;
        }
    }
    words.len()
}

/// Divides into words; comments are left out, quoted pieces stay whole.
fn words(sql: &str) -> Vec<Word<'_>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut spaced) = (0, false);
    while at < bytes.len() {
        let rest = &sql[at..];
        let skipped = blank(rest);
        if skipped > 0 {
            at += skipped;
            spaced = true;
            continue;
        }
        let length = match bytes[at] {
            b'(' | b')' | b',' | b';' => 1,
            _ => word(rest),
        };
        found.push(Word { text: &rest[..length], spaced });
        at += length;
        spaced = false;
    }
    found
}

/// The bytes of white space or of a comment at the start of `text`.
fn blank(text: &str) -> usize {
    if text.starts_with("--") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        // comments nest (manual, chapter 4.1.5)
        let (mut depth, mut at) = (0usize, 0);
        while at < text.len() {
            let rest = &text.as_bytes()[at..];
            if rest.starts_with(b"/*") {
                (depth, at) = (depth + 1, at + 2);
            } else if rest.starts_with(b"*/") {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            } else {
                at += 1;
            }
        }
        return text.len();
    }
    text.len() - text.trim_start().len()
}

/// The bytes of the word at the start of `text`, up to white space, a comment or one of
/// `( ) , ;` outside of quotes.
fn word(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match c {
            '\'' | '"' => {
                let escapes = c == '\'' && at > 0 && matches!(text.as_bytes()[at - 1], b'e' | b'E');
                quoted(rest, c, escapes)
            }
            '$' => dollar(rest),
            '(' | ')' | ',' | ';' => break,
            _ if at > 0 && blank(rest) > 0 => break,
            c => c.len_utf8(),
        };
    }
    at
}

fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            return i + 1;
        }
    }
    text.len()
}

/// A dollar-quoted piece, or just the dollar.
fn dollar(text: &str) -> usize {
    let Some(end) = text[1..].find('$').map(|i| i + 2) else { return 1 };
    let tag = &text[..end];
    if tag[1..end - 1].starts_with(|c: char| c.is_ascii_digit())
        || !tag[1..end - 1].chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return 1;
    }
    text[end..].find(tag).map_or(text.len(), |i| end + i + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn up_to_the_name() {
        for (sql, said) in [
            (
                "CREATE INDEX CONCURRENTLY idx\n    ON platform.users (a, b)\n    WHERE a > 0",
                "CREATE INDEX CONCURRENTLY idx ON platform.users",
            ),
            ("-- why\n/* a /* b */ c */ CREATE TABLE \"a (b\" (x int)", "CREATE TABLE \"a (b\""),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE OR REPLACE VIEW v"),
            ("CREATE FUNCTION f(a int) RETURNS int", "CREATE FUNCTION f"),
            ("CREATE POLICY p ON t USING (true)", "CREATE POLICY p ON t"),
            ("CREATE TABLE a PARTITION OF b FOR VALUES IN (1)", "CREATE TABLE a PARTITION OF b"),
            ("INSERT INTO a.b (c) VALUES (1)", "INSERT INTO a.b"),
            ("UPDATE a.b AS t SET c = 1", "UPDATE a.b AS t"),
            ("WITH x AS (SELECT 1 FOR UPDATE), y AS (UPDATE a.b SET c = 1) SELECT 2", "UPDATE a.b"),
            ("WITH x AS (DELETE FROM a WHERE b = (1)) SELECT 2", "DELETE FROM a WHERE b = (1)"),
            ("WITH x AS (SELECT 1) SELECT 2", "WITH x AS (SELECT 1) SELECT 2"),
            ("ALTER TABLE t\n  ADD CHECK (x > 0)\n  NOT VALID", "ALTER TABLE t ADD CHECK (x > 0) NOT VALID"),
            ("SELECT 1", "SELECT 1"),
            ("DO $x$ BEGIN; END $x$", "DO $x$ BEGIN; END $x$"),
            ("", ""),
        ] {
            assert_eq!(gist(sql), said, "{sql}");
        }
    }

    #[test]
    fn long_statements_are_cut() {
        let said = gist(&format!("COMMENT ON TABLE t IS '{}'", "é".repeat(20_000)));
        assert_eq!(crate::report::width(&said), 100);
        assert!(said.starts_with("COMMENT ON TABLE t IS 'é") && said.ends_with('…'));
    }

    proptest! {
        #[test]
        fn anything_has_a_gist_of_one_line(sql in "(WITH |CREATE |E?'|\\$\\$|\\$a\\$|/\\*|\\*/|--|\n|\\(|\"|é|\\\\|x| ){0,30}") {
            let said = gist(&sql);
            let broken = said.contains(char::is_control);
            prop_assert!(!broken);
            prop_assert!(crate::report::width(&said) <= 100);
        }
    }
}
