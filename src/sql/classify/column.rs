//! A column that is added to a table with rows: whether every row is written anew.

use super::altered::referenced;
use crate::base::QualifiedName;
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};
use crate::sql::objects::is_own_type;
use crate::sql::token::{Cursor, Kind, Tok};

/// Types that are a sequence in disguise: each row gets a number of its own.
const SERIAL: [&str; 6] = ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];

/// Functions that give the same value for all rows of a statement (`provolatile` is not `v`),
/// key words that look like functions, and types with a length.
const STEADY: &[&str] = &[
    "abs",
    "any",
    "array",
    "array_fill",
    "bit",
    "cast",
    "char",
    "character",
    "coalesce",
    "concat",
    "current_setting",
    "current_time",
    "current_timestamp",
    "date_trunc",
    "decimal",
    "greatest",
    "int4range",
    "int8range",
    "interval",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "least",
    "localtime",
    "localtimestamp",
    "lower",
    "make_date",
    "make_interval",
    "make_timestamptz",
    "md5",
    "now",
    "nullif",
    "numeric",
    "numrange",
    "repeat",
    "round",
    "row",
    "statement_timestamp",
    "time",
    "timestamp",
    "timezone",
    "to_char",
    "to_json",
    "to_jsonb",
    "to_timestamp",
    "transaction_timestamp",
    "tsrange",
    "tstzrange",
    "upper",
    "varbit",
    "varchar",
    "varying",
];

/// Words that end the expression of a default.
const CLAUSES: &[&str] =
    &["constraint", "check", "unique", "primary", "references", "generated", "not", "deferrable", "initially"];

/// What follows the name in `ADD COLUMN` (manual, `ALTER TABLE`, notes; measured).
pub(super) fn added(mut c: Cursor<'_, '_>, table: &QualifiedName, facts: &mut Facts) {
    let serial = c.peek().is_some_and(|t| t.is_any(&SERIAL));
    facts.rewrites |= serial;
    if !serial {
        of_domain(c, table, facts);
    }
    // whether every row gets a value, and is therefore looked at
    let (mut has_default, mut has_value, mut not_null) = (serial, serial, false);
    let mut parents = Vec::new();
    while c.peek().is_some() {
        if c.group().is_some() {
            continue;
        }
        if c.eat("references") {
            parents.extend(c.qname());
        } else if c.eat("check") {
            facts.scans = true;
        } else if c.eat_any(&["unique", "primary key"]) {
            (facts.scans, facts.builds) = (true, true);
        } else if c.eat("generated") {
            // BY DEFAULT is no default
            c.eat_any(&["always", "by default"]);
            facts.rewrites |= c.eat("as identity");
        } else if c.eat("stored") {
            facts.rewrites = true;
        } else if c.eat("default") {
            let value = default(&mut c);
            has_default = true;
            has_value |= !matches!(value, [null] if null.is("null"));
            facts.rewrites |= is_volatile(value);
        } else if c.eat("not null") {
            not_null = true;
        } else {
            c.bump();
        }
    }
    // without a value it fails as soon as there is a row; a virtual column has one that is computed
    facts.scans |= not_null && !has_value;
    if not_null {
        let below = AlsoLocked::new(Through::Descendants, Some(table.clone()), LockMode::AccessExclusive);
        facts.add(AlsoLocked { scans: true, since: Some(18), ..below });
    }
    let scans = has_default && !parents.is_empty();
    facts.scans |= scans;
    for parent in parents {
        referenced(&parent, scans, facts);
    }
}

/// Where the type is a domain with constraints, every row is checked; its default may be volatile.
fn of_domain(mut c: Cursor<'_, '_>, table: &QualifiedName, facts: &mut Facts) {
    let Some(name) = c.qname() else { return };
    let own = match &name.schema {
        None => is_own_type(name.name.as_str()),
        Some(schema) => schema.as_str() == "pg_catalog",
    };
    if !own {
        let also = AlsoLocked::new(Through::ColumnDomain, Some(table.clone()), LockMode::AccessExclusive);
        facts.add(AlsoLocked { part: Some(name), scans: true, rewrites: true, ..also });
    }
}

/// Takes the expression of a default.
fn default<'t, 'a>(c: &mut Cursor<'t, 'a>) -> &'t [Tok<'a>] {
    let all = c.rest();
    while c.peek().is_some_and(|t| !t.is_any(CLAUSES)) {
        if c.group().is_none() {
            c.bump();
        }
    }
    &all[..all.len() - c.rest().len()]
}

/// Whether the expression may differ from row to row: it calls a function that is not known
/// to be steady.
fn is_volatile(expression: &[Tok<'_>]) -> bool {
    expression.windows(2).enumerate().any(|(n, pair)| {
        let calls = matches!(pair[0].kind, Kind::Word | Kind::Quoted) && pair[1].sign() == Some(b'(');
        if !calls {
            return false;
        }
        let before = n.checked_sub(1).map(|m| &expression[m]);
        if before.is_some_and(|t| t.sign() == Some(b':') || t.is("as")) {
            return false; // a cast: what stands there is a type
        }
        let foreign = before.is_some_and(|t| t.sign() == Some(b'.'))
            && !n.checked_sub(2).is_some_and(|m| expression[m].is("pg_catalog"));
        foreign || !pair[0].is_any(STEADY)
    })
}
