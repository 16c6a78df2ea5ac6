//! The functions of the ledger's schema that take the place of statements: what they do to
//! the table that is their first argument (`schema/ledger/attic.sql`, `remember.sql`).

use crate::base::{Ident, QualifiedName};
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};
use crate::sql::token::{Cursor, Tok, qualified, words};
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
    ("prepare_not_null", AccessExclusive, false, true),
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
    for (at, window) in toks.windows(4).enumerate() {
        let [dot, name, open, argument] = window else { continue };
        if dot.sign() != Some(b'.') || open.sign() != Some(b'(') {
            continue;
        }
        if name.is("restore_comment") {
            comment(&toks[at + 3..], facts);
        }
        let Some((function, mode, rewrites, scans)) = FUNCTIONS.iter().find(|(function, ..)| name.is(function)) else {
            continue;
        };
        let Some(table) = named(argument) else { continue };
        facts.rewrites |= rewrites;
        facts.scans |= scans;
        // it fails unless every row that goes away is kept
        facts.loses_data &= *function != "expect_remembered";
        // the column or constraint comes next
        let mut c = Cursor::new(&toks[at + 4..]);
        c.skip_past_sign(b',');
        let part = c.peek().and_then(literal).and_then(|part| Ident::new(part).ok());
        also(function, &table, part, (*mode, *rewrites, *scans), facts);
        if *function != "recall_index" {
            facts.lock(table, *mode);
        }
    }
}

/// Notes the tables that a function locks beside its own.
fn also(
    function: &str,
    table: &QualifiedName,
    part: Option<Ident>,
    (mode, rewrites, scans): (LockMode, bool, bool),
    facts: &mut Facts,
) {
    use Through::{
        Descendants, IndexTable, OwnedSequences, PartitionedTable, Recalled, ReferencedTables, ReferencingTables,
        Triggers,
    };
    let part = part.map(|name| QualifiedName { schema: None, name });
    let mut add = |through: Through, of_part: bool, mode: LockMode| {
        let part = part.clone().filter(|_| of_part);
        let also = AlsoLocked::new(through, Some(table.clone()), mode);
        facts.add(AlsoLocked { part, rewrites: rewrites && through == Descendants, scans, ..also });
    };
    match function {
        "keep_table" => {
            let all = [Descendants, PartitionedTable, ReferencedTables, OwnedSequences];
            all.into_iter().for_each(|through| add(through, false, AccessExclusive));
        }
        "restore_table" => add(Recalled, false, AccessExclusive),
        "keep_column" => {
            add(Descendants, false, mode);
            add(ReferencedTables, true, AccessExclusive);
            add(OwnedSequences, true, AccessExclusive);
        }
        "restore_column" | "recall_constraint" => {
            add(Descendants, false, mode);
            add(Recalled, true, LockMode::ShareRowExclusive);
        }
        "recall_default" | "prepare_not_null" | "recall_not_null" | "validate_recalled" => {
            add(Descendants, false, mode);
        }
        "recall_type" => {
            add(Descendants, false, mode);
            add(ReferencedTables, true, AccessExclusive);
            add(ReferencingTables, true, AccessExclusive);
            add(OwnedSequences, true, AccessExclusive);
        }
        "recall_index" => add(IndexTable, false, mode),
        "put_back" | "remove_inserted" => add(Triggers, false, AccessExclusive),
        _ => {}
    }
}

/// `restore_comment('table column', ARRAY['app', 't', 'a']…`: what COMMENT locks.
fn comment(toks: &[Tok<'_>], facts: &mut Facts) {
    let end = toks.iter().position(|t| t.sign() == Some(b']')).unwrap_or(toks.len());
    let mut texts = toks[..end].iter().filter_map(literal);
    let kind = texts.next().unwrap_or_default();
    let mut names: Vec<Ident> = texts.filter_map(|name| Ident::new(name).ok()).collect();
    match kind.as_str() {
        "table column" | "view column" | "materialized view column" | "foreign table column" => drop(names.pop()),
        "table" | "view" | "materialized view" | "foreign table" | "index" | "sequence" => {}
        _ => return,
    }
    if let Some(relation) = qualified(names) {
        facts.lock(relation, ShareUpdateExclusive);
    }
}

/// The text of a string.
fn literal(tok: &Tok<'_>) -> Option<String> {
    Some(tok.text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

/// The name inside of a string: `'app."Users"'`.
fn named(tok: &Tok<'_>) -> Option<QualifiedName> {
    Cursor::new(&words(&literal(tok)?)).qname()
}
