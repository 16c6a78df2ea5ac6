//! Statements that no changeset may hold: what would end the runner's transaction, drop its
//! lock, or need a client of its own.

use super::token::{Cursor, Tok, words};

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// What it is, in backticks where it is SQL.
    pub what: String,
    /// Why it is refused and what to do instead.
    pub help: String,
}

impl Forbidden {
    fn new(what: &str, help: &str) -> Self {
        Self { what: what.to_owned(), help: help.to_owned() }
    }
}

const TRANSACTION: &str = "the runner opens and ends transactions, together with what it records; remove it, \
    and write a line `-- segment` where a new transaction has to start";
const LOCK: &str = "it drops the lock that keeps a second run away; remove it";

/// Finds what a changeset may not hold: transaction control (manual, chapter 13.2), what drops
/// the session's locks, and what needs rows or commands from a client.
#[must_use]
pub fn forbidden(statement: &str) -> Option<Forbidden> {
    if is_harmless(statement) {
        return None;
    }
    let toks = words(statement);
    if toks.iter().any(|t| t.sign() == Some(b'\\')) {
        return Some(Forbidden::new("a command of psql", "write plain SQL"));
    }
    let mut c = Cursor::new(&toks);
    if let Some(what) = transaction_control(&mut c) {
        return Some(Forbidden::new(&format!("`{what}`"), TRANSACTION));
    }
    if c.sees("discard all") {
        return Some(Forbidden::new("`DISCARD ALL`", LOCK));
    }
    if calls(&toks, "pg_advisory_unlock_all") {
        return Some(Forbidden::new("`pg_advisory_unlock_all()`", LOCK));
    }
    if c.eat("copy") {
        return copy(c);
    }
    None
}

/// Most statements, told by their first word without reading the rest as tokens.
fn is_harmless(statement: &str) -> bool {
    const HARMLESS: [&str; 8] = ["ALTER ", "COMMENT ", "CREATE ", "DROP ", "GRANT ", "INSERT ", "REVOKE ", "UPDATE "];
    HARMLESS.iter().any(|word| statement.starts_with(word))
        && !statement.contains('\\')
        && !statement.to_ascii_lowercase().contains("pg_advisory_unlock")
}

fn transaction_control(c: &mut Cursor<'_, '_>) -> Option<&'static str> {
    let prepared = c.sees("commit prepared") || c.sees("rollback prepared");
    if prepared {
        return None;
    }
    let plain = [
        ("start transaction", "START TRANSACTION"),
        ("prepare transaction", "PREPARE TRANSACTION"),
        ("rollback to", "ROLLBACK TO"),
        ("rollback transaction to", "ROLLBACK TO"),
        ("rollback work to", "ROLLBACK TO"),
        ("begin", "BEGIN"),
        ("commit", "COMMIT"),
        ("end", "END"),
        ("rollback", "ROLLBACK"),
        ("abort", "ABORT"),
        ("savepoint", "SAVEPOINT"),
        ("release", "RELEASE"),
    ];
    plain.iter().find(|(words, _)| c.sees(words)).map(|(_, what)| *what)
}

fn calls(toks: &[Tok<'_>], function: &str) -> bool {
    toks.windows(2).any(|w| w[0].name().is_some_and(|n| n.as_str() == function) && w[1].sign() == Some(b'('))
}

fn copy(mut c: Cursor<'_, '_>) -> Option<Forbidden> {
    let mut out = c;
    if c.skip_past("from stdin") {
        return Some(Forbidden::new(
            "`COPY … FROM STDIN`",
            "there is no client to send the rows: write them as INSERT, or COPY them from a file of the server",
        ));
    }
    out.skip_past("to stdout").then(|| {
        Forbidden::new("`COPY … TO STDOUT`", "nobody reads the rows; export them with psql, outside of a changeset")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_the_transaction_or_the_lock_is_refused() {
        for (sql, what) in [
            ("BEGIN", "`BEGIN`"),
            ("-- go\nbegin isolation level serializable", "`BEGIN`"),
            ("START TRANSACTION", "`START TRANSACTION`"),
            ("commit and chain", "`COMMIT`"),
            ("END", "`END`"),
            ("ROLLBACK", "`ROLLBACK`"),
            ("rollback work to savepoint a", "`ROLLBACK TO`"),
            ("ABORT", "`ABORT`"),
            ("SAVEPOINT a", "`SAVEPOINT`"),
            ("RELEASE a", "`RELEASE`"),
            ("PREPARE TRANSACTION 'x'", "`PREPARE TRANSACTION`"),
            ("DISCARD ALL", "`DISCARD ALL`"),
            ("SELECT 1, pg_catalog.pg_advisory_unlock_all()", "`pg_advisory_unlock_all()`"),
            ("COPY t (a, b) FROM STDIN WITH (FORMAT csv)", "`COPY … FROM STDIN`"),
            ("COPY (SELECT 1) TO STDOUT", "`COPY … TO STDOUT`"),
            ("\\d t", "a command of psql"),
        ] {
            assert_eq!(forbidden(sql).map(|f| f.what).as_deref(), Some(what), "{sql}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for sql in [
            "DO $$ BEGIN PERFORM 1; END $$",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
            "COMMIT PREPARED 'x'",
            "PREPARE q AS SELECT 1",
            "DISCARD TEMP",
            "SELECT pg_advisory_unlock(1)",
            "INSERT INTO log VALUES ('COMMIT; pg_advisory_unlock_all() \\d')",
            "COPY t FROM '/tmp/x.csv'",
            "SET ROLE app",
            "",
        ] {
            assert_eq!(forbidden(sql), None, "{sql}");
        }
    }
}
