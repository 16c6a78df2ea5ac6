//! `CREATE`: the locks are on what exists already.

use super::altered::referenced;
use super::{lock_on, option, partition, rows};
use crate::base::QualifiedName;
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::{Cursor, Tok};

pub(super) fn create(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let replace = c.eat("or replace");
    c.eat_any(&["global", "local"]);
    let temporary = c.eat_any(&["temporary", "temp"]);
    c.eat_any(&["unlogged", "unique", "recursive", "constraint"]);
    if c.eat_any(&["table", "foreign table"]) {
        table(c, temporary, facts);
    } else if c.eat("index") {
        index(c, facts);
    } else if c.eat_any(&["view", "materialized view", "recursive view"]) {
        facts.session |= temporary;
        view(c, replace, facts);
    } else if c.eat("sequence") {
        facts.session |= temporary;
    } else if c.eat("trigger") {
        trigger(c, facts);
    } else if c.eat("policy") {
        lock_on(c, "on", LockMode::AccessExclusive, facts);
    } else if c.eat("rule") {
        lock_on(c, "to", LockMode::AccessExclusive, facts);
    } else if c.eat("statistics") {
        lock_on(c, "from", LockMode::ShareUpdateExclusive, facts);
    } else if c.eat("schema") {
        references(c.rest(), None, facts);
    } else if c.eat("publication") {
        if c.skip_past("for table") {
            published(c, facts);
        }
    } else if c.sees("database") || c.sees("tablespace") {
        facts.outside = Some(Outside::Opaque);
    } else if c.eat("subscription") {
        subscription(c, facts);
    }
}

/// Tables between commas, each with columns and a condition; `TABLE` may be repeated, a
/// schema's tables are not named.
pub(super) fn published(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    loop {
        c.eat("table");
        c.eat("only");
        if c.sees("tables in") {
            return;
        }
        let Some(table) = c.qname() else { return };
        facts.lock(table, LockMode::ShareUpdateExclusive);
        c.eat_sign(b'*');
        c.group();
        if c.eat("where") {
            c.group();
        }
        if !c.eat_sign(b',') {
            return;
        }
    }
}

fn table(mut c: Cursor<'_, '_>, temporary: bool, facts: &mut Facts) {
    c.eat("if not exists");
    let own = c.qname();
    let rest = c.rest();
    // a table that goes away with its transaction leaves nothing in the session
    facts.session |= temporary && !c.has("on commit drop");
    references(rest, own.as_ref(), facts);
    let mut ahead = c;
    if ahead.eat("partition of")
        && let Some(parent) = ahead.qname()
    {
        partition::joins(&parent, facts);
        facts.lock(parent, LockMode::AccessExclusive);
    }
    let mut ahead = c;
    if ahead.skip_past("inherits")
        && let Some(group) = ahead.group()
    {
        for parent in Cursor::new(group).qnames() {
            facts.lock(parent, LockMode::ShareUpdateExclusive);
        }
    }
    for (n, tok) in rest.iter().enumerate() {
        let begins = n > 0 && matches!(rest[n - 1].sign(), Some(b'(' | b','));
        if begins
            && tok.is("like")
            && let Some(source) = Cursor::new(&rest[n + 1..]).qname()
        {
            facts.lock(source, LockMode::AccessShare);
        }
    }
    if c.skip_past("as") {
        rows::rows(c.rest(), facts);
    }
}

/// Locks what `REFERENCES` points at: adding a foreign key puts triggers on its parent.
fn references(toks: &[Tok<'_>], own: Option<&QualifiedName>, facts: &mut Facts) {
    for (n, _) in toks.iter().enumerate().filter(|(_, t)| t.is("references")) {
        if let Some(parent) = Cursor::new(&toks[n + 1..]).qname()
            && Some(&parent) != own
        {
            referenced(&parent, false, facts);
        }
    }
}

fn index(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let concurrently = c.eat("concurrently");
    c.eat("if not exists");
    let name = if c.sees("on") { None } else { c.ident() };
    c.eat("on");
    let only = c.eat("only");
    let Some(table) = c.qname() else { return };
    (facts.scans, facts.builds) = (true, true);
    if !only && !concurrently {
        let partitions = AlsoLocked::new(Through::Partitions, Some(table.clone()), LockMode::Share);
        facts.add(AlsoLocked { scans: true, ..partitions });
    }
    if concurrently {
        facts.waits = Some(LockMode::Share);
        // without a name the server makes one up, and nobody knows what to look for
        facts.outside =
            Some(name.map_or(Outside::Opaque, |name| Outside::CreateIndex {
                index: table.sibling(name),
                table: table.clone(),
            }));
    }
    facts.lock(table, if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share });
}

fn view(mut c: Cursor<'_, '_>, replace: bool, facts: &mut Facts) {
    c.eat("if not exists");
    if let Some(name) = c.qname()
        && replace
    {
        facts.lock(name, LockMode::AccessExclusive);
    }
    if c.skip_past("as") {
        rows::rows(c.rest(), facts);
    }
}

fn trigger(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let of_rows = c.has("for each row") || c.has("for row");
    if let (Some(table), true) = (lock_on(c, "on", LockMode::ShareRowExclusive, facts), of_rows) {
        facts.through(Through::Partitions, &table, LockMode::ShareRowExclusive);
    }
    // of a constraint trigger: `ON t FROM other`
    if c.skip_past("on") {
        c.qname();
        if c.eat("from")
            && let Some(other) = c.qname()
        {
            facts.lock(other, LockMode::AccessShare);
        }
    }
}

/// Makes a slot on the other server, unless told not to; only that bars a transaction.
fn subscription(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let options = c.skip_past("with").then(|| c.group()).flatten().unwrap_or_default();
    let off = |name: &str| options.iter().any(|t| t.is(name)) && !option(options, name);
    if !off("create_slot") && !off("connect") {
        facts.outside = Some(Outside::Opaque);
    }
}
