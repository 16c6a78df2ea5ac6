//! Statements about relations that are neither definitions nor rows.

use super::{lock_on, option};
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::{Cursor, qualified};

/// `COMMENT ON` and `SECURITY LABEL ON`.
pub(super) fn comment(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let mode = LockMode::ShareUpdateExclusive;
    if !c.skip_past("on") {
        return;
    }
    let relations = ["table", "view", "materialized view", "foreign table", "index", "sequence"];
    if c.eat_any(&relations) {
        if let Some(name) = c.qname() {
            facts.lock(name, mode);
        }
    } else if c.eat("column") {
        let mut parts = c.parts();
        parts.pop();
        if let Some(table) = qualified(parts) {
            facts.lock(table, mode);
        }
    } else if c.eat_any(&["constraint", "trigger", "rule", "policy"]) {
        lock_on(c, "on", LockMode::AccessShare, facts);
    }
}

pub(super) fn lock(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("table");
    let names = c.qnames();
    let modes = [
        ("in access share", LockMode::AccessShare),
        ("in row share", LockMode::RowShare),
        ("in row exclusive", LockMode::RowExclusive),
        ("in share update exclusive", LockMode::ShareUpdateExclusive),
        ("in share row exclusive", LockMode::ShareRowExclusive),
        ("in share", LockMode::Share),
        ("in exclusive", LockMode::Exclusive),
    ];
    let mode = modes.iter().find(|(words, _)| c.sees(words)).map_or(LockMode::AccessExclusive, |(_, mode)| *mode);
    for name in names {
        facts.lock(name, mode);
    }
}

pub(super) fn reindex(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let mut concurrently = c.group().is_some_and(|options| option(options, "concurrently"));
    let whole = c.sees("schema") || c.sees("database") || c.sees("system");
    let index = c.sees("index");
    c.bump();
    concurrently |= c.eat("concurrently");
    if concurrently || whole {
        facts.outside = Some(Outside::Repeatable);
    }
    facts.scans = true;
    if whole {
        return;
    }
    if let Some(name) = c.qname() {
        let mode = match (concurrently, index) {
            (true, _) => LockMode::ShareUpdateExclusive,
            (false, true) => LockMode::AccessExclusive,
            (false, false) => LockMode::Share,
        };
        facts.lock(name, mode);
    }
}

pub(super) fn cluster(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.group();
    c.eat("verbose");
    facts.rewrites = true;
    facts.scans = true;
    let Some(mut table) = c.qname() else {
        facts.outside = Some(Outside::Repeatable);
        return;
    };
    // the old form: CLUSTER index ON table
    if c.eat("on")
        && let Some(named) = c.qname()
    {
        table = named;
    }
    facts.lock(table, LockMode::AccessExclusive);
}

pub(super) fn vacuum(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    facts.outside = Some(Outside::Repeatable);
    let mut full = c.group().is_some_and(|options| option(options, "full"));
    while c.sees("full") || c.sees("freeze") || c.sees("verbose") || c.sees("analyze") || c.sees("analyse") {
        full |= c.sees("full");
        c.bump();
    }
    facts.rewrites = full;
    facts.scans = true;
    tables(c, if full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive }, facts);
}

/// Reads a sample, not the whole table.
pub(super) fn analyze(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.group();
    c.eat("verbose");
    tables(c, LockMode::ShareUpdateExclusive, facts);
}

/// Tables between commas, each with a list of columns.
fn tables(mut c: Cursor<'_, '_>, mode: LockMode, facts: &mut Facts) {
    loop {
        c.eat("only");
        let Some(name) = c.qname() else { return };
        facts.lock(name, mode);
        c.group();
        if !c.eat_sign(b',') {
            return;
        }
    }
}

pub(super) fn refresh(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("materialized view");
    let concurrently = c.eat("concurrently");
    if let Some(view) = c.qname() {
        facts.rewrites = !concurrently;
        facts.scans = true;
        facts.lock(view, if concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive });
    }
}
