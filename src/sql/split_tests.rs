use super::*;
use proptest::prelude::*;

fn texts(sql: &str) -> Vec<&str> {
    split(sql).unwrap().into_iter().map(|p| p.text).collect()
}

#[test]
fn semicolons_inside_of_something_do_not_end_a_statement() {
    for one in [
        "SELECT 'a;b', \"c;d\", E'\\';', U&'x;y', $$ ; $$, $t$ $$;$$ ; $t$",
        "SELECT 1 /* ; /* ; */ ; */ + 2 -- ;\n + 3",
        "SELECT E'a' -- goes on\n 'b\\'; c'",
        "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2))",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2 AS end; END",
        "create or replace procedure p() begin atomic insert into t values (1); end",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$",
        "SELECT a$b$c, \"x$$\", 1$$;$$",
        "SELECT '\\'",
    ] {
        assert_eq!(texts(&format!("{one};\nSELECT 2;")), [one, "SELECT 2"], "{one}");
    }
    // BEGIN, CASE and END mean nothing elsewhere
    assert_eq!(texts("BEGIN; SELECT 1; END; SELECT CASE WHEN a THEN b END; create table atomic(a int);").len(), 5);
    assert_eq!(
        texts("CREATE VIEW begin AS SELECT 1; SELECT atomic; END"),
        ["CREATE VIEW begin AS SELECT 1", "SELECT atomic", "END"]
    );
}

#[test]
fn comments_before_a_statement_stay_with_it_and_others_go() {
    let sql = "-- about a\n/* more */\nSELECT a -- in it\n, b -- last\n; -- behind a\n\n-- about c\nSELECT c;\n-- nothing\n; ;/**/";
    let pieces = split(sql).unwrap();
    assert_eq!(
        pieces.iter().map(|p| p.text).collect::<Vec<_>>(),
        ["-- about a\n/* more */\nSELECT a -- in it\n, b", "-- about c\nSELECT c"]
    );
    for piece in pieces {
        assert_eq!(&sql[piece.start..piece.end], piece.text);
    }
    assert_eq!(texts("\u{feff}SELECT 1"), ["SELECT 1"]);
    assert_eq!(texts(" \n"), Vec::<&str>::new());
}

#[test]
fn a_line_of_its_own_starts_a_segment() {
    let sql = "-- segment\nSELECT 1;\nSELECT 2; -- segment\n  -- segment  \n\n-- segment\nSELECT (3\n-- segment\n)\n-- segment\n-- segments\nSELECT '\n-- segment\n'";
    let segments: Vec<Vec<&str>> =
        split_segments(sql).unwrap().into_iter().map(|s| s.into_iter().map(|p| p.text).collect()).collect();
    assert_eq!(
        segments,
        [
            vec![],
            vec!["SELECT 1", "SELECT 2"],
            vec!["SELECT (3\n-- segment\n)"],
            vec!["-- segments\nSELECT '\n-- segment\n'"]
        ]
    );
}

/// A string does not go on in another statement.
#[test]
fn a_segment_ends_a_string_that_could_go_on() {
    assert_eq!(texts("SELECT E'a'\n-- segment\n'b\\'; SELECT 2"), ["SELECT E'a'", "'b\\'", "SELECT 2"]);
    assert_eq!(texts("SELECT (E'a'\n-- segment\n'b\\'; c')"), ["SELECT (E'a'\n-- segment\n'b\\'; c')"]);
}

#[test]
fn what_cannot_be_split_is_refused_with_its_place() {
    for (sql, at, message) in [
        ("SELECT 1; SELECT 'a", 17, "this string does not end"),
        ("SELECT E'a\\'", 7, "this string does not end"),
        ("SELECT E'a'\n'b\\'", 12, "this string does not end"),
        ("SELECT \"a", 7, "this quoted name does not end"),
        ("/* /* */ SELECT 1", 0, "this comment does not end"),
        ("DO $x$ BEGIN END $y$", 3, "this dollar quoted string does not end"),
        ("SELECT 1;\n\\i other.sql", 10, "a backslash outside a string: psql commands are not supported"),
        ("COPY t (a) FROM stdin;\n1\n\\.\n", 16, "`COPY … FROM STDIN` cannot be used in SQL text"),
        ("SELECT (1; SELECT 2", 7, "this parenthesis does not end"),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;", 0, "this BEGIN ATOMIC body does not end"),
        ("SELECT '\0'", 8, "a NUL character"),
    ] {
        let error = split(sql).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (at, message), "{sql}");
        assert!(!error.help.is_empty());
    }
    assert!(split("DO $x$ BEGIN END $y$").unwrap_err().help.contains("`$x$`"));
    let deep = |n: usize| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    assert!(split(&deep(1_000)).is_ok());
    assert_eq!(split(&deep(1_001)).unwrap_err().offset, 7 + 1_000);
    // names that look like it
    assert!(split("COPY stdin FROM '/tmp/x'; SELECT * FROM stdin").is_ok());
}

#[test]
fn a_hundred_thousand_statements_keep_their_places() {
    let sql = "INSERT INTO app.t (a, b) VALUES (1, 'x;y'); -- note\n".repeat(100_000);
    let pieces = split(&sql).unwrap();
    assert_eq!(pieces.len(), 100_000);
    assert_eq!(pieces[99_999].end - pieces[99_999].start, 42);
}

fn statement() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "'([a-z;\\\\$\"(]|''){0,8}'",
        "\"([a-z;'$(]|\"\"){1,8}\"",
        "E'([a-z;$\"(]|''|\\\\\\\\|\\\\'){0,8}'",
        "[a-z]{1,8}",
        "[0-9]{1,3}",
        "[+*,=<>]",
        "[$][$][a-z;'\"( ]{0,8}[$][$]",
        "[$]q[$][a-pr-z;'\"( $]{0,8} [$]q[$]",
        "/[*][a-z;'\" ]{0,8}[*]/",
        // a word behind it: two strings on two lines would be one (manual, chapter 4.1.2.1)
        "--[a-z;'\" ]{0,8}\nx",
        "[(][a-z;,]{0,8}[)]",
    ];
    ("[a-z]{1,5}", prop::collection::vec(part, 0..8), "[a-z]{1,5}")
        .prop_map(|(first, parts, last)| format!("{first} {} {last}", parts.join(" ")))
}

proptest! {
    #[test]
    fn joined_pieces_split_into_the_same(statements in prop::collection::vec(statement(), 0..6)) {
        // two random words may spell a body or a copy: those are tested above
        prop_assume!(!statements.iter().any(|s| s.starts_with("copy") || s.contains("atomic")));
        let joined = statements.join(";\n");
        let pieces = split(&joined).unwrap();
        prop_assert_eq!(pieces.iter().map(|p| p.text.to_owned()).collect::<Vec<_>>(), statements);
        let again = pieces.iter().map(|p| p.text).collect::<Vec<_>>().join(";\n");
        prop_assert_eq!(&again, &joined);
    }

    #[test]
    fn no_text_makes_it_panic(sql in "\\PC{0,60}|[-'\"$;*/()\\\\aEeUu&\n ]{0,60}") {
        if let Ok(pieces) = split(&sql) {
            for piece in pieces {
                prop_assert_eq!(&sql[piece.start..piece.end], piece.text);
                let _ = (crate::sql::facts(piece.text), crate::sql::forbidden(piece.text));
                let _ = (crate::sql::without_concurrently(piece.text), crate::sql::touches(piece.text));
            }
        }
    }

    #[test]
    fn a_quoted_string_is_never_cut(text in "[-a;'\"$\\\\/*()\n]{0,20}") {
        let sql = format!("SELECT {}; SELECT 2", crate::base::name::quote_literal(&text));
        prop_assert_eq!(split(&sql).unwrap().len(), 2);
    }
}

#[test]
fn a_semicolon_does_not_get_into_a_comment() {
    for (sql, inside) in [
        ("SELECT 1", false),
        ("SELECT 1 -- one", true),
        ("SELECT 1 -- one\n+ 2", false),
        ("SELECT '-- none'", false),
        ("SELECT $$\n-- none$$", false),
        ("SELECT '--", true),
    ] {
        assert_eq!(ends_in_comment(sql), inside, "{sql}");
    }
}
