//! What the files of statements share: options in parentheses, and tables after a word.

use crate::base::QualifiedName;
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};
use crate::sql::token::{Cursor, Tok};

/// Whether an option in parentheses is switched off: `(CONCURRENTLY false)`.
pub(super) fn is_off(tok: &Tok<'_>) -> bool {
    tok.is_any(&["false", "off"]) || tok.text == "0" || tok.text.eq_ignore_ascii_case("'false'")
}

/// Whether a list of options in parentheses switches this one on.
pub(super) fn option(group: &[Tok<'_>], name: &str) -> bool {
    let mut options = Cursor::new(group);
    options.skip_past(name) && {
        options.eat_sign(b'=');
        !options.peek().is_some_and(is_off)
    }
}

/// Locks the table that comes after a word, as `ON` of triggers, policies and rules, and returns it.
pub(super) fn lock_on(mut c: Cursor<'_, '_>, word: &str, mode: LockMode, facts: &mut Facts) -> Option<QualifiedName> {
    if !c.skip_past(word) || c.sees("domain") {
        return None;
    }
    let table = c.qname()?;
    facts.lock(table.clone(), mode);
    Some(table)
}

/// What runs is written elsewhere.
pub(super) fn runs_unknown(facts: &mut Facts) {
    facts.add(AlsoLocked::new(Through::Functions, None, LockMode::AccessExclusive));
}
