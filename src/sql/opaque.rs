//! Statements whose text does not show what they do.

use super::classify::own;
use super::objects::touches;
use super::token::{Kind, Tok, words};
use crate::base::keywords::needs_quotes;
use std::collections::HashSet;
use std::sync::LazyLock;

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

/// Functions of the ledger that the templates call beside those that [`own::FUNCTIONS`] has.
const OF_TEMPLATES: [&str; 9] = [
    "drop_extension",
    "remember_comment",
    "remember_constraint",
    "remember_default",
    "remember_extensions",
    "remember_index",
    "remember_not_null",
    "remember_type",
    "restore_comment",
];

/// Whether a statement is of the form of those that the built-in templates make: one that changes
/// objects or rows by itself, or a query that calls only functions that templates call of the ledger,
/// whose schema is `ledger`.
#[must_use]
pub fn is_of_template(sql: &str, ledger: &str) -> bool {
    let toks = words(sql);
    let Some(first) = toks.first() else { return false };
    if first.is_any(&["alter", "comment", "create", "delete", "grant", "insert", "revoke", "update"]) {
        return true;
    }
    let own = |schema: &Tok<'_>, name: &Tok<'_>| {
        let is = |word: &str| name.is(word);
        schema.name().is_some_and(|schema| schema.as_str() == ledger)
            && (own::FUNCTIONS.iter().any(|(function, ..)| is(function)) || OF_TEMPLATES.into_iter().any(is))
    };
    let writes = |pair: &[Tok<'_>]| pair[0].sign() == Some(b'(') && pair[1].is_any(&["insert", "update", "delete"]);
    match first.text.to_ascii_lowercase().as_str() {
        // of all objects of a role or schema
        "drop" => !toks.iter().any(|t| t.is_any(&["owned", "cascade"])),
        "select" => !calls(&toks, |_| false, own),
        "with" => toks.windows(2).any(writes),
        _ => false,
    }
}

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
    is_query && calls(&toks, |_| false, |schema, _| schema.is("pg_catalog")) || touches(sql).is_none()
}

/// Whether a query calls a function that may do anything. Of statements that change rows only functions with a
/// schema count: the others are mostly the server's own, and compute values. Those of the ledger are known.
pub(super) fn calls_unknown(toks: &[Tok<'_>]) -> bool {
    let is_query = toks
        .iter()
        .find(|t| t.sign() != Some(b'('))
        .is_some_and(|t| t.is_any(&["select", "values", "with", "perform", "table"]));
    let known = |schema: &Tok<'_>, name: &Tok<'_>| {
        let is = |word: &str| name.is(word);
        schema.is("pg_catalog") || own::FUNCTIONS.iter().any(|(word, ..)| is(word)) || OF_TEMPLATES.into_iter().any(is)
    };
    match is_query {
        true => calls(toks, |name| SERVER_FUNCTIONS.contains(name.text.to_ascii_lowercase().as_str()), known),
        false => calls_with_schema(toks, known),
    }
}

fn calls_with_schema(toks: &[Tok<'_>], known: impl Fn(&Tok<'_>, &Tok<'_>) -> bool) -> bool {
    let mut calls = toks.windows(5).filter(|five| {
        five[2].sign() == Some(b'.')
            && five[4].sign() == Some(b'(')
            && matches!(five[1].kind, Kind::Word | Kind::Quoted)
            && matches!(five[3].kind, Kind::Word | Kind::Quoted)
            // INSERT INTO schema.table (columns)
            && !five[0].is("into")
    });
    calls.any(|five| !known(&five[1], &five[3]))
}

/// Functions of the server that compute values: they are not volatile (`pg_proc.provolatile`), or read a clock.
static SERVER_FUNCTIONS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("server_functions.txt").lines().collect());

/// Whether there is a call of a function that is not known; `plain` knows those without a schema, `own` those with one.
fn calls(toks: &[Tok<'_>], plain: impl Fn(&Tok<'_>) -> bool, own: impl Fn(&Tok<'_>, &Tok<'_>) -> bool) -> bool {
    toks.windows(2).enumerate().any(|(at, pair)| {
        let (name, next) = (&pair[0], &pair[1]);
        let is_name = matches!(name.kind, Kind::Word | Kind::Quoted) && next.sign() == Some(b'(');
        let known =
            || NO_CALLS.iter().chain(&KNOWN).any(|word| name.is(word)) || needs_quotes(&name.text.to_ascii_lowercase());
        let schema =
            at.checked_sub(2).and_then(|before| toks.get(before..at)).filter(|pair| pair[1].sign() == Some(b'.'));
        // `INSERT INTO name (columns)`, `AS name (columns)`
        let first = if schema.is_some() { at - 2 } else { at };
        let is_relation = first.checked_sub(1).is_some_and(|before| toks[before].is_any(&["as", "into"]));
        is_name
            && !is_relation
            && match schema {
                Some(schema) => !own(&schema[0], name),
                None => !known() && !plain(name),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledgers_functions_are_those_of_the_templates() {
        let mut called: Vec<String> = Vec::new();
        for file in std::fs::read_dir("templates/sql").expect("runs in the crate's folder") {
            let text = std::fs::read_to_string(file.expect("readable").path()).expect("readable");
            let calls = text.split("ledgerSchema}}.").skip(1);
            called.extend(calls.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned()));
        }
        called.sort();
        called.dedup();
        let mut known: Vec<&str> = own::FUNCTIONS.iter().map(|(name, ..)| *name).chain(OF_TEMPLATES).collect();
        known.sort_unstable();
        assert_eq!(called, known);
    }

    #[test]
    fn what_templates_make_is_told_from_what_others_write() {
        for sql in [
            "ALTER TABLE t ADD COLUMN b int DEFAULT app.f()",
            "UPDATE t SET a = app.f(a)",
            "SELECT \"Led\".keep_table('app.t', 'a')",
            "SELECT \"Led\".remember_matching('t', 'update', 'a', $w$ f() $w$, ARRAY['b']), count(*)",
            "WITH dagmar_done AS (UPDATE t SET a = f(a) RETURNING a) SELECT \"Led\".expect_remembered('t', 'update', 'a', count(*)) FROM dagmar_done",
            "DROP TABLE t",
        ] {
            assert!(is_of_template(sql, "Led"), "{sql}");
        }
        for sql in [
            "DO $$ BEGIN END $$",
            "CALL p()",
            "SELECT led.keep_table('t', 'a')",
            "SELECT other.keep_table('t', 'a')",
            "SELECT \"Led\".keep_table('t', 'a'), f()",
            "SELECT \"Led\".purge_entry(1)",
            "WITH x AS (SELECT f()) SELECT 1 FROM x",
            "DROP OWNED BY app",
            "DROP SCHEMA app CASCADE",
            "TRUNCATE t",
            "",
        ] {
            assert!(!is_of_template(sql, "Led"), "{sql}");
        }
    }

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
