//! `ALTER TABLE … ALTER COLUMN`.

use super::altered::{Altered, Reach};
use crate::sql::also::Through;
use crate::sql::facts::LockMode;
use crate::sql::token::Cursor;

/// What follows `ALTER [COLUMN]`.
pub(super) fn alter_column(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> (LockMode, Reach) {
    use LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
    let column = c.ident();
    let column = column.as_ref();
    if c.eat_any(&["type", "set data type"]) {
        altered.facts.rewrites = true;
        // its foreign keys are made anew, and checked where the type compares otherwise
        altered.add(Through::ReferencedTables, column, AccessExclusive, true);
        altered.add(Through::ReferencingTables, column, AccessExclusive, true);
        altered.add(Through::OwnedSequences, column, ShareRowExclusive, false);
    } else if c.eat("set expression") {
        altered.facts.rewrites = true;
    } else if c.eat("set not null") {
        altered.facts.scans = true;
    } else if c.eat("drop not null") {
        return (AccessExclusive, Reach::Always);
    } else if c.eat("drop identity") {
        altered.add(Through::OwnedSequences, column, AccessExclusive, false);
    } else if c.sees("set generated") || c.sees("restart") || c.sees("set start") {
        altered.add(Through::OwnedSequences, column, ShareRowExclusive, false);
    } else if c.eat("set statistics") {
        return (ShareUpdateExclusive, Reach::Descendants);
    } else if c.eat_any(&["set", "reset"]) {
        if c.sees_sign(b'(') {
            return (ShareUpdateExclusive, Reach::Itself);
        }
        let identity = ["increment", "minvalue", "maxvalue", "no", "cache", "cycle", "logged", "unlogged"];
        if identity.iter().any(|word| c.sees(word)) {
            altered.add(Through::OwnedSequences, column, ShareRowExclusive, false);
        }
    }
    (AccessExclusive, Reach::Descendants)
}
