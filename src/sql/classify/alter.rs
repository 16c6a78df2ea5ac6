//! `ALTER`, dispatched by the class of the object.

use super::{alter_table, drop, lock_on, option};
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::Cursor;

pub(super) fn alter(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if c.eat_any(&["table", "foreign table", "materialized view"]) {
        alter_table::alter_table(c, facts);
    } else if c.eat("index") {
        index(c, facts);
    } else if c.eat("view") {
        c.eat("if exists");
        one(c, LockMode::AccessExclusive, facts);
    } else if c.eat("sequence") {
        sequence(c, facts);
    } else if c.eat("trigger") {
        let table = lock_on(c, "on", LockMode::AccessExclusive, facts);
        if let (Some(table), true) = (table, c.has("rename")) {
            let partitions = AlsoLocked::new(Through::Partitions, Some(table), LockMode::AccessExclusive);
            facts.add(AlsoLocked { since: Some(15), ..partitions });
        }
    } else if c.eat_any(&["policy", "rule"]) {
        lock_on(c, "on", LockMode::AccessExclusive, facts);
    } else if c.eat("extension") {
        // scripts of the new version, and objects that move
        if c.has("update") || c.has("set schema") {
            facts.add(AlsoLocked::new(Through::Functions, None, LockMode::AccessExclusive));
        }
    } else if c.eat("publication") {
        publication(c, facts);
    } else if c.eat("type") {
        composite(c, facts);
    } else if c.eat("domain") {
        domain(c, facts);
    } else if c.eat("system") {
        facts.outside = Some(Outside::Repeatable);
    } else if c.eat("database") {
        // moving to where it is already does nothing
        if c.skip_past("set tablespace") {
            facts.outside = Some(Outside::Repeatable);
        }
    } else if c.eat("subscription") {
        subscription(c, facts);
    }
}

fn one(mut c: Cursor<'_, '_>, mode: LockMode, facts: &mut Facts) {
    if let Some(name) = c.qname() {
        facts.lock(name, mode);
    }
}

/// Parameters of indexes that are changed beside readers and writers; the others belong to GIN, GiST and BRIN.
const WEAK: [&str; 2] = ["fillfactor", "deduplicate_items"];

/// The lock is the index's own; ACCESS EXCLUSIVE stops readers of its table as well, in planning.
fn index(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if c.eat("all in tablespace") {
        drop::all_in_tablespace(c, facts);
        return;
    }
    c.eat("if exists");
    let Some(index) = c.qname() else { return };
    if c.eat("attach partition") {
        facts.lock(index, LockMode::ShareUpdateExclusive);
        if let Some(child) = c.qname() {
            drop::index_and_table(child, LockMode::AccessExclusive, facts);
        }
        return;
    }
    let moves = c.sees("set tablespace");
    facts.rewrites |= moves;
    let mut strong = moves || c.has("depends on");
    if c.eat_any(&["set", "reset"])
        && let Some(options) = c.group()
    {
        let names = options.iter().enumerate().filter(|(n, _)| *n == 0 || options[n - 1].sign() == Some(b','));
        strong |= names.into_iter().any(|(_, name)| !name.is_any(&WEAK));
    }
    match strong {
        true => drop::index_and_table(index, LockMode::AccessExclusive, facts),
        false => facts.lock(index, LockMode::ShareUpdateExclusive),
    }
}

/// Tables `OF` a composite type follow it.
fn composite(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let Some(name) = c.qname() else { return };
    facts.loses_data = c.has("drop attribute");
    if !c.has("cascade") {
        return;
    }
    let rewrites = c.has("alter attribute");
    let tables = AlsoLocked::new(Through::TypedTables, Some(name), LockMode::AccessExclusive);
    facts.add(AlsoLocked { rewrites, scans: rewrites, loses_data: facts.loses_data, ..tables });
}

fn sequence(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("if exists");
    let Some(name) = c.qname() else { return };
    let strong = ["rename", "owner", "set schema", "set logged", "set unlogged"].iter().any(|w| c.sees(w));
    facts.lock(name, if strong { LockMode::AccessExclusive } else { LockMode::ShareRowExclusive });
}

fn publication(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let name = c.qname();
    if let (Some(name), true) = (&name, c.sees("set")) {
        facts.through(Through::PublishedTables, name, LockMode::ShareUpdateExclusive);
    }
    if !(c.skip_past("add") || c.skip_past("set") || c.skip_past("drop")) || !c.eat("table") {
        return;
    }
    super::create::published(c, facts);
}

/// A new constraint of a domain reads every table that uses it.
fn domain(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let Some(name) = c.qname() else { return };
    let scans = (c.has("add") && !c.has("not valid")) || c.has("set not null") || c.has("validate constraint");
    if scans {
        facts.scans = true;
        let users = AlsoLocked::new(Through::DomainUsers, Some(name), LockMode::Share);
        facts.add(AlsoLocked { scans, ..users });
    }
}

/// Refused in a transaction where it refreshes, which it does unless told not to.
fn subscription(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.ident();
    if c.eat("refresh") {
        facts.outside = Some(Outside::Repeatable);
        return;
    }
    let repeatable = c.sees("set publication");
    if !(repeatable || c.sees("add publication") || c.sees("drop publication")) {
        return;
    }
    let options = c.skip_past("with").then(|| c.group()).flatten();
    let refreshes = options.is_none_or(|group| !group.iter().any(|t| t.is("refresh")) || option(group, "refresh"));
    if refreshes {
        facts.outside = Some(if repeatable { Outside::Repeatable } else { Outside::Opaque });
    }
}
