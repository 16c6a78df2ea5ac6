//! The functions of the ledger's schema that take the place of statements: what they do to
//! the table that is their first argument (`schema/ledger/attic.sql`, `remember.sql`).

use crate::base::QualifiedName;
use crate::sql::facts::{Facts, LockMode};
use crate::sql::token::{Cursor, Tok, words};
use LockMode::{AccessExclusive, AccessShare, RowExclusive, RowShare, Share, ShareUpdateExclusive};

/// Name, lock, whether the table is written anew, whether it is read as a whole.
pub(in crate::sql) const FUNCTIONS: [(&str, LockMode, bool, bool); 19] = [
    ("keep_table", AccessExclusive, false, false),
    ("restore_table", AccessExclusive, false, false),
    ("keep_column", AccessExclusive, false, false),
    ("restore_column", AccessExclusive, false, true),
    ("keep_rows", AccessShare, false, false),
    ("keep_column_values", AccessShare, false, false),
    ("recall_default", AccessExclusive, false, false),
    ("prepare_not_null", AccessExclusive, false, false),
    ("recall_not_null", AccessExclusive, false, false),
    ("recall_type", AccessExclusive, true, true),
    ("recall_constraint", AccessExclusive, false, true),
    ("validate_recalled", ShareUpdateExclusive, false, true),
    ("recall_index", Share, false, true),
    ("remember_matching", RowShare, false, false),
    ("remember_conflicting", RowShare, false, false),
    ("remember_inserted", AccessShare, false, false),
    ("expect_remembered", AccessShare, false, false),
    ("put_back", RowExclusive, false, false),
    ("remove_inserted", RowExclusive, false, false),
];

/// Looks for `schema.function('schema.table'…`.
pub(super) fn of_calls(toks: &[Tok<'_>], facts: &mut Facts) {
    for window in toks.windows(4) {
        let [dot, name, open, argument] = window else { continue };
        if dot.sign() != Some(b'.') || open.sign() != Some(b'(') {
            continue;
        }
        let Some((function, mode, rewrites, scans)) = FUNCTIONS.iter().find(|(function, ..)| name.is(function)) else {
            continue;
        };
        let Some(table) = named(argument) else { continue };
        facts.lock(table, *mode);
        facts.rewrites |= rewrites;
        facts.scans |= scans;
        // it fails unless every row that goes away is kept
        facts.loses_data &= *function != "expect_remembered";
    }
}

/// The name inside of a string: `'app."Users"'`.
fn named(literal: &Tok<'_>) -> Option<QualifiedName> {
    let inner = literal.text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
    Cursor::new(&words(&inner)).qname()
}
