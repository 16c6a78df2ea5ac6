//! Statements whose text does not show what they do.

use super::objects::touches;
use super::token::{Kind, Tok, words};
use crate::base::keywords::needs_quotes;

/// Words in front of a parenthesis that call nothing: of the grammar, and types.
const NO_CALLS: [&str; 20] = [
    "bit",
    "by",
    "char",
    "character",
    "coalesce",
    "cube",
    "decimal",
    "exists",
    "filter",
    "float",
    "greatest",
    "interval",
    "least",
    "nullif",
    "numeric",
    "over",
    "row",
    "time",
    "timestamp",
    "varchar",
];

/// Functions of the server that changesets call in queries of their own, and what they do is known.
const KNOWN: [&str; 18] = [
    "array_agg",
    "bool_and",
    "bool_or",
    "cardinality",
    "count",
    "current_setting",
    "format",
    "length",
    "lower",
    "max",
    "min",
    "now",
    "nextval",
    "pg_sleep",
    "set_config",
    "setval",
    "sum",
    "upper",
];

/// Whether nothing in the text says what the statement does: it runs SQL that stands elsewhere (`DO`,
/// `CALL`, `EXECUTE`), or is a query that calls a function which may be anybody's. What functions do
/// that other statements call, and triggers, is not looked for.
#[must_use]
pub fn is_opaque(sql: &str) -> bool {
    let toks = words(sql);
    let is_query = toks
        .iter()
        .find(|t| t.sign() != Some(b'('))
        .is_some_and(|t| t.is_any(&["select", "values", "with", "explain"]));
    is_query && calls(&toks) || touches(sql).is_none()
}

fn calls(toks: &[Tok<'_>]) -> bool {
    toks.windows(2).enumerate().any(|(at, pair)| {
        let (name, next) = (&pair[0], &pair[1]);
        let is_name = matches!(name.kind, Kind::Word | Kind::Quoted) && next.sign() == Some(b'(');
        let known =
            || NO_CALLS.iter().chain(&KNOWN).any(|word| name.is(word)) || needs_quotes(&name.text.to_ascii_lowercase());
        let schema =
            at.checked_sub(2).and_then(|before| toks.get(before..at)).filter(|pair| pair[1].sign() == Some(b'.'));
        is_name
            && match schema {
                Some(schema) => !schema[0].is("pg_catalog"),
                None => !known(),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_does_not_say_is_opaque() {
        for sql in [
            "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$",
            "EXECUTE p",
            "CALL p()",
            "SELECT f()",
            "(SELECT 1, f(2))",
            "SELECT app.f()",
            "SELECT \"count\"(1), \"F\"()",
            "WITH x AS (SELECT f() AS n) SELECT n FROM x",
            "EXPLAIN ANALYZE SELECT f()",
            "VALUES (f())",
            "SELECT query_to_xml('delete from t returning 1', true, false, '')",
            "SELECT app.count(1)",
        ] {
            assert!(is_opaque(sql), "{sql}");
        }
        for sql in [
            "SELECT 1",
            "SELECT setval('s', 1), pg_catalog.setval('s', 2)",
            "SELECT count(*) FROM t WHERE a IN (1, 2) AND EXISTS (SELECT FROM u) AND (b OR c)",
            "SELECT a::numeric(3, 2) FROM t",
            "UPDATE t SET a = lower(a)",
            "CREATE TABLE t (a int DEFAULT f())",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t'",
            "ALTER TABLE t ADD COLUMN b int",
        ] {
            assert!(!is_opaque(sql), "{sql}");
        }
    }
}
