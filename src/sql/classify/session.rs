//! What outlives its transaction in the session.

use crate::sql::facts::{Facts, Outside};
use crate::sql::token::{Cursor, Tok};

/// Statements about the session; `word` is the first one.
pub(super) fn settings(word: &str, mut c: Cursor<'_, '_>, facts: &mut Facts) {
    facts.session = match word {
        "set" => !(c.sees("local") || c.sees("transaction") || c.sees("constraints")),
        "prepare" => !c.sees("transaction"),
        "declare" => c.skip_past("with hold"),
        "discard" => {
            if c.sees("all") {
                facts.outside = Some(Outside::Repeatable);
            }
            true
        }
        _ => true,
    };
}

/// Functions that do what `SET` and a lock of the session do, and `SELECT … INTO TEMP`.
pub(super) fn of_calls(toks: &[Tok<'_>], facts: &mut Facts) {
    for (n, tok) in toks.iter().enumerate() {
        let mut c = Cursor::new(&toks[n..]);
        if tok.is("into") {
            c.bump();
            facts.session |= c.sees("temp") || c.sees("temporary");
        } else if tok.is("set_config") {
            c.bump();
            facts.session |= c.group().and_then(<[_]>::last).is_some_and(|last| !last.is("true"));
        } else if tok.is_any(&["pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock"]) {
            facts.session = true;
        }
    }
}
