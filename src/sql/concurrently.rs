//! Concurrent forms as plain ones.

use super::classify::facts;
use super::token::{Cursor, Tok, words};

/// The same statement without `CONCURRENTLY`, as a rehearsal runs it inside of a
/// transaction. `None` when it is not such a statement, or when it could not run in a
/// transaction without the word either (`REINDEX SCHEMA CONCURRENTLY`).
#[must_use]
pub fn without_concurrently(statement: &str) -> Option<String> {
    facts(statement).outside.as_ref()?;
    let toks = words(statement);
    let mut c = Cursor::new(&toks);
    let reindex = c.eat("reindex");
    let (start, end) = match reindex.then(|| c.group()).flatten().and_then(|group| in_options(&toks, group)) {
        Some(range) => range,
        None => {
            let depth_zero = key_word(&toks)?;
            (toks[depth_zero].start, toks.get(depth_zero + 1).map_or(statement.len(), |next| next.start))
        }
    };
    let plain = format!("{}{}", &statement[..start], &statement[end..]);
    // a plain REINDEX of one table runs in a transaction, unless it is partitioned
    let found = facts(&plain);
    let of_one = reindex && !found.locks.is_empty();
    (found.outside.is_none() || of_one).then(|| plain.trim_end().to_owned())
}

/// Where the word stands outside of parentheses, and not as a name (it is a reserved one).
fn key_word(toks: &[Tok<'_>]) -> Option<usize> {
    let mut depth = 0usize;
    toks.iter().position(|t| {
        match t.sign() {
            Some(b'(') => depth += 1,
            Some(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && t.is("concurrently")
    })
}

/// The option in `REINDEX (VERBOSE, CONCURRENTLY)` with its comma; the parentheses as well
/// when it is the only one.
fn in_options(toks: &[Tok<'_>], group: &[Tok<'_>]) -> Option<(usize, usize)> {
    let at = group.iter().position(|t| t.is("concurrently"))?;
    let comma = |t: &Tok<'_>| t.sign() == Some(b',');
    let last = group[at..].iter().position(comma).map_or(group.len(), |n| at + n);
    Some(match (at, last == group.len()) {
        // the group starts at the third token: after it comes its `)`
        (0, true) => (toks[1].start, toks[2 + group.len()].end()),
        (_, true) => (group[at - 1].start, group[last - 1].end()),
        (_, false) => (group[at].start, group[last + 1..].first()?.start),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_goes_and_the_rest_stays() {
        for (sql, plain) in [
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE UNIQUE INDEX i ON t (a)"),
            ("/* concurrently */ DROP INDEX\n concurrently i", "/* concurrently */ DROP INDEX\n i"),
            ("REINDEX TABLE CONCURRENTLY t", "REINDEX TABLE t"),
            ("REINDEX (CONCURRENTLY) TABLE t", "REINDEX  TABLE t"),
            ("REINDEX (VERBOSE, CONCURRENTLY true) TABLE t", "REINDEX (VERBOSE) TABLE t"),
            ("REINDEX (CONCURRENTLY, VERBOSE) TABLE t", "REINDEX (VERBOSE) TABLE t"),
            ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", "ALTER TABLE p DETACH PARTITION c"),
        ] {
            assert_eq!(without_concurrently(sql).as_deref(), Some(plain), "{sql}");
        }
    }

    #[test]
    fn other_statements_have_no_such_form() {
        for sql in [
            "CREATE INDEX i ON t (a)",
            "CREATE INDEX i ON \"concurrently\" (a)",
            "REINDEX SCHEMA CONCURRENTLY s",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "VACUUM t",
            "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)'",
        ] {
            assert_eq!(without_concurrently(sql), None, "{sql}");
        }
    }
}
