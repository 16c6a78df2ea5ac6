//! What the ledger keeps of a server's message: the fixed part, without values of rows.
//!
//! The message is shown on the terminal as it is. In the ledger it would stay, for everybody
//! who may read the history, in dumps and on standbys.

use crate::ledger::code;
use crate::sql;

/// Classes of errors whose messages name objects and SQL, never rows (manual, appendix A); and
/// our own.
const NAMING: [&str; 20] = [
    "08", "0A", "0B", "0L", "0P", "23", "25", "26", "28", "2B", "34", "3B", "3D", "3F", "40", "42", "53", "54", "55",
    "57",
];

/// Signs that begin or end what is quoted, in all languages of the server.
const QUOTES: [char; 9] = ['"', '«', '»', '„', '“', '”', '『', '』', '‹'];

/// A message as it is kept. `statement` is what failed: a message that stands in it is its
/// author's and no row's.
pub(crate) fn message(sqlstate: &str, message: &str, statement: Option<&str>) -> String {
    if names_only(sqlstate) {
        return message.to_owned();
    }
    if matches!(sqlstate, "P0001" | "P0004") {
        let own = statement.and_then(|sql| sql::format_of(sql, message));
        return own.unwrap_or_else(|| "an error that the changeset raised; its text is not kept".to_owned());
    }
    without_quoted(message)
}

/// Whether messages of this kind hold no values. The attic says what it does not have as P0002.
pub(crate) fn names_only(sqlstate: &str) -> bool {
    code::is_own(sqlstate)
        || matches!(sqlstate, "P0002" | "P0003")
        || NAMING.contains(&&sqlstate[..sqlstate.len().min(2)])
}

/// From the first quote to the last: a value may have quotes of its own.
fn without_quoted(message: &str) -> String {
    let (Some(first), Some(last)) = (message.find(QUOTES), message.rfind(QUOTES)) else {
        // the bytes of a text, and whatever else a number is
        return message
            .split(' ')
            .map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "…" } else { word })
            .collect::<Vec<_>>()
            .join(" ");
    };
    let end = last + message[last..].chars().next().map_or(1, char::len_utf8);
    format!("{}\"…\"{}", &message[..first], &message[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rows_are_not_kept() {
        let raise =
            "DO $$ BEGIN RAISE EXCEPTION 'customer % has no %', x, y; RAISE EXCEPTION 'all of it is old'; END $$";
        for (sqlstate, text, expected) in [
            (
                "22P02",
                "invalid input syntax for type integer: \"123-45-6789\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            ("22P02", "invalid input value for enum mood: \"a\"b\"", "invalid input value for enum mood: \"…\""),
            (
                "22P02",
                "ungültige Eingabesyntax für Typ integer: »4711«",
                "ungültige Eingabesyntax für Typ integer: \"…\"",
            ),
            (
                "22003",
                "value \"99999999999\" is out of range for type integer",
                "value \"…\" is out of range for type integer",
            ),
            ("22021", "invalid byte sequence for encoding: 0x68 0x75", "invalid byte sequence for encoding: … …"),
            ("22012", "division by zero", "division by zero"),
            ("P0001", "customer Jane Doe has no address", "customer % has no %"),
            ("P0001", "all of it is old", "all of it is old"),
            ("P0001", "Jane Doe", "an error that the changeset raised; its text is not kept"),
            (
                "23505",
                "duplicate key value violates unique constraint \"u\"",
                "duplicate key value violates unique constraint \"u\"",
            ),
            ("42601", "syntax error at or near \"TABEL\"", "syntax error at or near \"TABEL\""),
            (code::CHECK, "the check does not hold: 5 rows", "the check does not hold: 5 rows"),
        ] {
            assert_eq!(message(sqlstate, text, Some(raise)), expected);
        }
        assert!(message("P0001", "all of it is old", None).contains("not kept"));
    }
}
