//! Bodies of functions and `DO` blocks: text inside of text.

use crate::sql::token::{Kind, Tok, dollar_quoted, words};

/// Words that a statement of SQL begins with, which PL/pgSQL can have with `INTO`.
const QUERIES: [&str; 8] = ["select", "with", "insert", "update", "delete", "merge", "values", "table"];

/// Words after which a statement of PL/pgSQL begins.
const BEFORE: [&str; 5] = ["begin", "then", "else", "loop", "declare"];

/// The same text with blanks where a query of PL/pgSQL says which variables take its result: the grammar's crate does
/// not know `SELECT … INTO variable` (manual, chapter 43.5.3). Every other byte keeps its place.
pub(super) fn without_into(sql: &str) -> Option<String> {
    let lower = sql.to_ascii_lowercase();
    if !lower.contains("into") || !(lower.contains("plpgsql") || lower.contains("do")) {
        return None;
    }
    let toks = words(sql);
    let mut out: Option<String> = None;
    for (n, tok) in toks.iter().enumerate() {
        let is_body = n > 0 && tok.kind == Kind::Text && toks[n - 1].is_any(&["as", "do", "plpgsql"]);
        if !is_body {
            continue;
        }
        let (start, inner) = match dollar_quoted(tok.text) {
            Some((delimiter, inner)) => (tok.start + delimiter.len(), inner),
            None => (tok.start + 1, tok.text.get(1..tok.text.len() - 1).unwrap_or_default()),
        };
        for range in intos(inner) {
            let text = out.get_or_insert_with(|| sql.to_owned());
            let range = start + range.start..start + range.end;
            let blank: String = text[range.clone()]
                .chars()
                .flat_map(|c| if c == '\n' { vec!['\n'] } else { vec![' '; c.len_utf8()] })
                .collect();
            text.replace_range(range, &blank);
        }
    }
    out
}

/// Where `INTO` and its variables stand in a body.
fn intos(body: &str) -> Vec<std::ops::Range<usize>> {
    let toks = words(body);
    let mut found = Vec::new();
    let (mut depth, mut first): (usize, Option<&Tok<'_>>) = (0, None);
    for (n, tok) in toks.iter().enumerate() {
        match tok.sign() {
            Some(b'(' | b'[') => depth += 1,
            Some(b')' | b']') => depth = depth.saturating_sub(1),
            Some(b';') => {
                (depth, first) = (0, None);
                continue;
            }
            _ => {}
        }
        let in_query = first.is_some_and(|first| first.is_any(&QUERIES));
        if !in_query && tok.is_any(&BEFORE) {
            first = None;
            continue;
        }
        let first = *first.get_or_insert(tok);
        if depth == 0
            && tok.is("into")
            && first.is_any(&QUERIES)
            && n > 0
            && !toks[n - 1].is_any(&["insert", "merge"])
            && let Some(end) = end_of_variables(&toks[n + 1..])
        {
            found.push(tok.start..end);
        }
    }
    found
}

/// `[STRICT] name[.field][index] [, …]`
fn end_of_variables(toks: &[Tok<'_>]) -> Option<usize> {
    let mut at = usize::from(toks.first()?.is("strict"));
    let mut end = None;
    loop {
        toks.get(at)?.name()?;
        end = Some(toks[at].end()).or(end);
        at += 1;
        while let Some(sign) = toks.get(at).and_then(Tok::sign) {
            match sign {
                b'.' => {
                    at += 1;
                    end = toks.get(at).map(Tok::end).or(end);
                    at += 1;
                }
                b'[' => {
                    let close = toks[at..].iter().position(|t| t.sign() == Some(b']'))?;
                    at += close;
                    end = Some(toks[at].end());
                    at += 1;
                }
                _ => break,
            }
        }
        if toks.get(at).and_then(Tok::sign) != Some(b',') {
            return end;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_query_are_left_out() {
        for (body, expected) in [
            ("BEGIN SELECT a, b INTO STRICT x, y.z FROM t; END", "BEGIN SELECT a, b                    FROM t; END"),
            (
                "BEGIN INSERT INTO t VALUES (1) RETURNING id INTO n; END",
                "BEGIN INSERT INTO t VALUES (1) RETURNING id       ; END",
            ),
            ("BEGIN IF x THEN SELECT 1 INTO a[1]; END IF; END", "BEGIN IF x THEN SELECT 1          ; END IF; END"),
            ("BEGIN SELECT CASE WHEN a THEN b END INTO x; END", "BEGIN SELECT CASE WHEN a THEN b END       ; END"),
            (
                "BEGIN INSERT INTO t SELECT 1; EXECUTE q INTO x; END",
                "BEGIN INSERT INTO t SELECT 1; EXECUTE q INTO x; END",
            ),
        ] {
            let sql = format!("DO $$ {body} $$");
            let found = without_into(&sql).unwrap_or_else(|| sql.clone());
            assert_eq!(found, format!("DO $$ {expected} $$"));
            assert_eq!(found.len(), sql.len());
        }
        assert_eq!(without_into("SELECT 1 INTO t"), None);
    }
}
