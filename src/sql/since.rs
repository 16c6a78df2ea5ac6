//! Which release of PostgreSQL first takes a statement.

use super::token::{Kind, scan, words};

/// Words that a server before the release does not take, with the kinds of statements that
/// may hold them; key words only, so that a name is never mistaken for them.
const SINCE: &[(u32, &str, &str)] = &[
    (15, "create|alter", "nulls not distinct"),
    (15, "alter", "set access method"),
    (15, "merge", "into"),
    (17, "alter", "set expression as"),
    (17, "grant|revoke", "maintain on"),
    (18, "create|alter", "without overlaps"),
    (18, "create|alter", "not enforced"),
];

/// The first release that takes this statement, with the words that need it; `None` where
/// every supported one does, as far as its words tell.
#[must_use]
pub fn since(statement: &str) -> Option<(u32, &'static str)> {
    let toks = words(statement);
    let first = toks.first()?.text.to_ascii_lowercase();
    let holds = |wanted: &str| {
        let wanted: Vec<&str> = wanted.split(' ').collect();
        toks.windows(wanted.len()).any(|at| at.iter().zip(&wanted).all(|(tok, word)| tok.is(word)))
    };
    SINCE
        .iter()
        .filter(|(_, kinds, text)| kinds.split('|').any(|kind| kind == first) && holds(text))
        .max_by_key(|(release, ..)| *release)
        .map(|(release, _, text)| (*release, *text))
}

/// The command of a statement: its first word in lower case, empty where there is none.
#[must_use]
pub fn command(statement: &str) -> String {
    let first = scan(statement).map_while(Result::ok).find(|tok| tok.kind != Kind::Comment);
    first.map(|tok| tok.text.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether a statement runs a query or reads rows, whatever else it does: how long it takes depends on data.
#[must_use]
pub fn runs_query(statement: &str) -> bool {
    let toks = words(statement);
    let is = |n: usize, all: &[&str]| toks.get(n).is_some_and(|tok| tok.is_any(all));
    if !is(0, &["create"]) {
        return is(
            0,
            &["select", "with", "values", "table", "copy", "analyze", "analyse", "explain", "execute", "fetch"],
        ) || toks.first().is_some_and(|tok| tok.sign() == Some(b'('));
    }
    let object =
        toks.iter().position(|tok| !tok.is_any(&["create", "global", "local", "temp", "temporary", "unlogged"]));
    object.is_some_and(|n| {
        is(n, &["materialized"])
            || is(n, &["table"])
                && toks.windows(2).any(|at| {
                    at[0].is("as")
                        && (at[1].is_any(&["select", "with", "values", "table", "execute"])
                            || at[1].sign() == Some(b'('))
                })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_by_words_and_not_by_texts() {
        for (sql, release) in [
            ("CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT", Some(15)),
            ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", Some(15)),
            ("ALTER TABLE t ALTER a SET EXPRESSION AS (b + 1)", Some(17)),
            ("GRANT MAINTAIN ON t TO r", Some(17)),
            ("ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED", Some(18)),
            ("CREATE TABLE t (a int, PRIMARY KEY (a, b WITHOUT OVERLAPS) )", Some(18)),
            ("COMMENT ON TABLE t IS 'nulls not distinct'", None),
            ("CREATE TABLE t (a text DEFAULT 'not enforced')", None),
            ("CREATE INDEX i ON t (a)", None),
            ("", None),
        ] {
            assert_eq!(since(sql).map(|(release, _)| release), release, "{sql}");
        }
        assert_eq!(command("/* x */ Alter TABLE t ADD a int"), "alter");
    }

    #[test]
    fn queries_take_as_long_as_their_data_is_large() {
        for (sql, expected) in [
            ("SELECT 1", true),
            ("(SELECT 1)", true),
            ("-- all\nWITH a AS (SELECT 1) SELECT * FROM a", true),
            ("CREATE TABLE a AS SELECT * FROM b", true),
            ("CREATE UNLOGGED TABLE a (b) AS (SELECT 1)", true),
            ("CREATE MATERIALIZED VIEW a AS SELECT 1", true),
            ("ANALYZE a", true),
            ("COPY a TO STDOUT", true),
            ("CREATE VIEW a AS SELECT 1", false),
            ("CREATE TABLE a (b int GENERATED ALWAYS AS IDENTITY)", false),
            ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", false),
            ("ALTER TABLE a ADD b int", false),
            ("LOCK TABLE a", false),
        ] {
            assert_eq!(runs_query(sql), expected, "{sql}");
        }
    }
}
