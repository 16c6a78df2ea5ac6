//! Statements about relations that are neither definitions nor rows.

use super::{drop, lock_on, option};
use crate::sql::also::{AlsoLocked, Through};
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
    let names = c.qnames_or_only();
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
    for (name, only) in names {
        if !only {
            facts.through(Through::Descendants, &name, mode);
        }
        facts.through(Through::BaseRelations, &name, mode);
        facts.lock(name, mode);
    }
}

/// ACCESS EXCLUSIVE on an index stops all readers of its table, in planning. Of a partitioned table it is refused in
/// a transaction, which the text does not tell: it runs in none.
pub(super) fn reindex(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let mut concurrently = c.group().is_some_and(|options| option(options, "concurrently"));
    let whole = match () {
        () if c.sees("schema") => Some(Through::Schema),
        () if c.sees("database") || c.sees("system") => Some(Through::Database),
        () => None,
    };
    let index = c.sees("index");
    c.bump();
    concurrently |= c.eat("concurrently");
    facts.outside = Some(Outside::Repeatable);
    (facts.scans, facts.builds) = (true, true);
    facts.waits = concurrently.then_some(LockMode::AccessExclusive);
    let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
    let name = c.qname();
    if let Some(through) = whole {
        let of = name.filter(|_| through == Through::Schema);
        facts.add(AlsoLocked { scans: true, ..AlsoLocked::new(through, of, mode) });
        return;
    }
    let Some(name) = name else { return };
    if index {
        drop::index_and_table(name, mode, facts);
    } else {
        let partitions = AlsoLocked::new(Through::Partitions, Some(name.clone()), mode);
        facts.add(AlsoLocked { scans: true, ..partitions });
        facts.lock(name, mode);
    }
}

/// Of a partitioned table it is refused in a transaction, which the text does not tell: it runs in none.
pub(super) fn cluster(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.group();
    c.eat("verbose");
    facts.rewrites = true;
    facts.scans = true;
    facts.outside = Some(Outside::Repeatable);
    let Some(mut table) = c.qname() else {
        every_table(LockMode::AccessExclusive, true, facts);
        return;
    };
    // the old form: CLUSTER index ON table
    if c.eat("on")
        && let Some(named) = c.qname()
    {
        table = named;
    }
    let partitions = AlsoLocked::new(Through::Partitions, Some(table.clone()), LockMode::AccessExclusive);
    facts.add(AlsoLocked { scans: true, rewrites: true, ..partitions });
    facts.lock(table, LockMode::AccessExclusive);
}

/// Without a table they go through the whole database.
fn every_table(mode: LockMode, rewrites: bool, facts: &mut Facts) {
    facts.add(AlsoLocked { scans: true, rewrites, ..AlsoLocked::new(Through::Database, None, mode) });
}

pub(super) fn vacuum(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    facts.outside = Some(Outside::Repeatable);
    let options = c.group().unwrap_or_default();
    let mut full = option(options, "full");
    let keeps_file = options.iter().any(|t| t.is("truncate")) && !option(options, "truncate");
    while c.sees("full") || c.sees("freeze") || c.sees("verbose") || c.sees("analyze") || c.sees("analyse") {
        full |= c.sees("full");
        c.bump();
    }
    facts.rewrites = full;
    facts.scans = true;
    let mode = if full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
    tables(c, mode, !full && !keeps_file, facts);
}

/// Reads a sample, not the whole table.
pub(super) fn analyze(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.group();
    c.eat("verbose");
    tables(c, LockMode::ShareUpdateExclusive, false, facts);
}

/// Tables between commas, each with a list of columns; none: all. Inheritance children follow since 18.
fn tables(mut c: Cursor<'_, '_>, mode: LockMode, truncates: bool, facts: &mut Facts) {
    let rewrites = facts.rewrites;
    if c.peek().is_none() {
        every_table(mode, rewrites, facts);
        return;
    }
    loop {
        let only = c.eat("only");
        let Some(name) = c.qname() else { return };
        if !only {
            for (through, since) in [(Through::Partitions, None), (Through::Descendants, Some(18))] {
                let also = AlsoLocked::new(through, Some(name.clone()), mode);
                facts.add(AlsoLocked { scans: facts.scans, rewrites, since, ..also });
            }
        }
        if truncates {
            facts.through(Through::Truncation, &name, LockMode::AccessExclusive);
        }
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
