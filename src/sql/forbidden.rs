//! Statements that no changeset may hold: what would end the runner's transaction, drop its
//! lock, or need a client of its own.

use super::token::{Cursor, Kind, Tok, words};
use std::ops::Range;

/// Why a statement is refused, or should not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// What it is, in backticks where it is SQL.
    pub what: String,
    /// Why it is refused and what to do instead.
    pub help: String,
    /// The bytes of the statement that are meant.
    pub at: Range<usize>,
}

impl Forbidden {
    fn new(what: &str, help: &str, at: &Tok<'_>) -> Self {
        Self { what: what.to_owned(), help: help.to_owned(), at: at.start..at.end() }
    }
}

const TRANSACTION: &str = "dagmar begins and ends transactions itself; remove it, \
    and write a line `-- segment` where a new transaction has to start";
const LOCK: &str = "it releases the lock that prevents a second run; remove it";

/// Finds what a changeset may not hold: transaction control (manual, chapter 13.2), what drops
/// the session's locks, and what needs rows or commands from a client.
#[must_use]
pub fn forbidden(statement: &str) -> Option<Forbidden> {
    if is_harmless(statement) {
        return None;
    }
    let toks = words(statement);
    let first = toks.first()?;
    if let Some(tok) = toks.iter().find(|t| t.sign() == Some(b'\\')) {
        return Some(Forbidden::new("a command of psql", "write plain SQL", tok));
    }
    let mut c = Cursor::new(&toks);
    if let Some(what) = transaction_control(&mut c) {
        return Some(Forbidden::new(&format!("`{what}`"), TRANSACTION, first));
    }
    if c.sees("discard all") {
        return Some(Forbidden::new("`DISCARD ALL`", LOCK, first));
    }
    if let Some(tok) = call(&toks, "pg_advisory_unlock_all") {
        return Some(Forbidden::new("`pg_advisory_unlock_all()`", LOCK, tok));
    }
    if c.eat("copy") {
        return copy(c, first);
    }
    None
}

/// Limits of dagmar's as PostgreSQL's settings, with their keys in YAML.
const LIMITS: [(&str, &str); 2] = [("lock_timeout", "lockTimeout"), ("statement_timeout", "statementTimeout")];

/// Finds what works and is rarely meant: settings of the session that take the place of dagmar's.
#[must_use]
pub fn doubtful(statement: &str) -> Option<Forbidden> {
    let lower = statement.to_ascii_lowercase();
    if !lower.contains("set") {
        return None;
    }
    let toks = words(statement);
    let setting = |tok: &Tok<'_>, text: &str| {
        let (_, key) = LIMITS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name))?;
        let what = format!("`{}` overrides dagmar's limit for the rest of this transaction", text.to_ascii_lowercase());
        let help =
            format!("remove it and write `limits: {{ {key}: 5s }}` on the changeset, which also applies to retries");
        Some(Forbidden { what, help, at: tok.start..tok.end() })
    };
    let mut words = toks.iter();
    let first = words.next()?;
    if first.is_any(&["set", "reset"]) {
        let second = words.find(|t| !t.is_any(&["session", "local"]))?;
        if second.is("role") || second.is("authorization") {
            let name = if second.is("role") { "ROLE" } else { "SESSION AUTHORIZATION" };
            let what = format!("`SET {name}` applies to the rest of this transaction");
            let help = "the preflight does not check the privileges of that role; set owners with `ALTER … OWNER TO`";
            return first.is("set").then(|| Forbidden::new(&what, help, first));
        }
        return setting(second, second.text);
    }
    toks.windows(3).find_map(|w| {
        let call = w[0].name().is_some_and(|n| n.as_str() == "set_config") && w[1].sign() == Some(b'(');
        let text = (call && w[2].kind == Kind::Text).then(|| w[2].text.trim_matches('\''))?;
        setting(&w[2], text)
    })
}

/// Where a statement names an object of this schema, or the schema itself: the first place.
#[must_use]
pub fn names_schema(statement: &str, schema: &str) -> Option<Range<usize>> {
    if !statement.to_ascii_lowercase().contains(&schema.to_ascii_lowercase()) {
        return None;
    }
    let toks = words(statement);
    let at = toks.iter().position(|t| t.name().is_some_and(|name| name.as_str() == schema))?;
    let is_qualified = toks.get(at + 1).is_some_and(|t| t.sign() == Some(b'.'));
    let last = if is_qualified { toks.get(at + 2).unwrap_or(&toks[at]) } else { &toks[at] };
    Some(toks[at].start..last.end())
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

/// Whether a statement makes, changes or drops a schema as a whole.
#[must_use]
pub fn is_of_schema(statement: &str) -> bool {
    let toks = words(statement);
    let c = Cursor::new(&toks);
    ["create schema", "alter schema", "drop schema"].iter().any(|words| c.sees(words))
}

fn call<'t, 'a>(toks: &'t [Tok<'a>], function: &str) -> Option<&'t Tok<'a>> {
    let calls = |w: &&[Tok<'_>]| w[0].name().is_some_and(|n| n.as_str() == function) && w[1].sign() == Some(b'(');
    toks.windows(2).find(calls).map(|w| &w[0])
}

fn copy(mut c: Cursor<'_, '_>, first: &Tok<'_>) -> Option<Forbidden> {
    let mut out = c;
    if c.skip_past("from stdin") {
        return Some(Forbidden::new(
            "`COPY … FROM STDIN`",
            "there is no client to send the rows: write them as INSERT, or COPY them from a file of the server",
            first,
        ));
    }
    out.skip_past("to stdout")
        .then(|| Forbidden::new("`COPY … TO STDOUT`", "no client reads the rows; export them with psql", first))
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

    #[test]
    fn the_place_is_that_of_the_words() {
        let at = |sql: &str| forbidden(sql).map(|f| sql[f.at].to_owned());
        assert_eq!(at("-- first\n  COMMIT").as_deref(), Some("COMMIT"));
        assert_eq!(at("SELECT pg_advisory_unlock_all()").as_deref(), Some("pg_advisory_unlock_all"));
    }

    #[test]
    fn settings_that_take_the_place_of_limits_are_found() {
        for (sql, what, at) in [
            ("SET lock_timeout = 0", "`lock_timeout` overrides", "lock_timeout"),
            ("-- x\nset local Statement_Timeout to '1h'", "`statement_timeout` overrides", "Statement_Timeout"),
            ("SET SESSION lock_timeout TO 0", "`lock_timeout` overrides", "lock_timeout"),
            ("RESET lock_timeout", "`lock_timeout` overrides", "lock_timeout"),
            ("SELECT pg_catalog.set_config('lock_timeout', '0', true)", "`lock_timeout` overrides", "'lock_timeout'"),
            ("SET ROLE app", "`SET ROLE` applies", "SET"),
            ("SET LOCAL ROLE app", "`SET ROLE` applies", "SET"),
            ("SET SESSION AUTHORIZATION app", "`SET SESSION AUTHORIZATION` applies", "SET"),
        ] {
            let found = doubtful(sql).unwrap_or_else(|| panic!("{sql}"));
            assert!(found.what.starts_with(what) && &sql[found.at.clone()] == at, "{sql}: {found:?}");
        }
        for sql in [
            "SET search_path = app",
            "RESET ROLE",
            "UPDATE t SET lock_timeout = 1",
            "ALTER ROLE app SET lock_timeout = '1s'",
            "SELECT 'set_config(lock_timeout'",
            "SELECT current_setting('lock_timeout')",
            "",
        ] {
            assert_eq!(doubtful(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_schema_is_found_by_its_name() {
        let at = |sql: &str| names_schema(sql, "dagmar").map(|at| sql[at].to_owned());
        assert_eq!(at("DELETE FROM \"dagmar\" . Event").as_deref(), Some("\"dagmar\" . Event"));
        assert_eq!(at("DROP SCHEMA Dagmar CASCADE").as_deref(), Some("Dagmar"));
        assert_eq!(at("SELECT 'dagmar.event', \"Dagmar\".x"), None);
        assert!(is_of_schema("-- x\ndrop Schema a") && !is_of_schema("DROP TABLE schema.a"));
    }
}
