//! `ALTER TABLE`: one lock for all actions, the strongest that any of them needs (manual,
//! `ALTER TABLE`).

use super::column;
use crate::base::QualifiedName;
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::{Cursor, Tok, by_comma};

pub(super) fn alter_table(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if c.eat("all in tablespace") {
        facts.rewrites = true;
        return;
    }
    c.eat("if exists");
    c.eat("only");
    let Some(table) = c.qname() else { return };
    c.eat_sign(b'*');
    for action in by_comma(c.rest()) {
        let mode = one(&table, action, facts);
        facts.lock(table.clone(), mode);
    }
    if facts.rewrites {
        facts.scans = true;
    }
}

/// Notes what an action does and returns the lock on the table itself.
fn one(table: &QualifiedName, action: &[Tok<'_>], facts: &mut Facts) -> LockMode {
    let mut c = Cursor::new(action);
    if c.eat("add") {
        return add(c, facts);
    }
    if c.eat("drop") {
        if !c.eat("constraint") {
            facts.loses_data = true;
        }
    } else if c.eat("alter constraint") {
    } else if c.eat("alter") {
        c.eat("column");
        c.ident();
        return alter_column(c, facts);
    } else if c.eat("validate constraint") {
        facts.scans = true;
        return LockMode::ShareUpdateExclusive;
    } else if c.eat_any(&["enable", "disable"]) {
        c.eat_any(&["replica", "always"]);
        if c.sees("trigger") {
            return LockMode::ShareRowExclusive;
        }
    } else if c.eat("attach partition") {
        if let Some(partition) = c.qname() {
            facts.lock(partition, LockMode::AccessExclusive);
        }
        facts.scans = true;
        return LockMode::ShareUpdateExclusive;
    } else if c.eat("detach partition") {
        return detach(table, c, facts);
    } else if c.eat("inherit") {
        if let Some(parent) = c.qname() {
            facts.lock(parent, LockMode::ShareUpdateExclusive);
        }
    } else if c.eat("no inherit") {
        if let Some(parent) = c.qname() {
            facts.lock(parent, LockMode::AccessShare);
        }
    } else if c.eat_any(&["cluster on", "set without cluster"]) {
        return LockMode::ShareUpdateExclusive;
    } else if c.eat_any(&["set", "reset"]) {
        if let Some(options) = c.group() {
            return parameters(options);
        }
        let whole = ["logged", "unlogged", "tablespace", "access method"];
        facts.rewrites |= whole.iter().any(|word| c.sees(word));
    }
    LockMode::AccessExclusive
}

/// Storage parameters are changed beside readers and writers, but for one.
fn parameters(options: &[Tok<'_>]) -> LockMode {
    let strong = options.iter().any(|t| t.is("user_catalog_table"));
    if strong { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive }
}

fn add(mut c: Cursor<'_, '_>, facts: &mut Facts) -> LockMode {
    if c.eat("constraint") {
        c.ident();
    }
    let not_valid = {
        let mut ahead = c;
        ahead.skip_past("not valid")
    };
    if c.eat("foreign key") {
        facts.scans |= !not_valid;
        if c.skip_past("references")
            && let Some(parent) = c.qname()
        {
            facts.lock(parent, LockMode::ShareRowExclusive);
        }
        return LockMode::ShareRowExclusive;
    }
    if c.eat("check") || c.eat("not null") {
        facts.scans |= !not_valid;
    } else if c.eat_any(&["unique", "primary key"]) {
        facts.scans |= !c.sees("using index");
    } else if c.sees("exclude using") || (c.eat("exclude") && c.sees_sign(b'(')) {
        facts.scans = true;
    } else {
        c.eat("column");
        c.eat("if not exists");
        c.ident();
        column::added(c, facts);
    }
    LockMode::AccessExclusive
}

fn alter_column(mut c: Cursor<'_, '_>, facts: &mut Facts) -> LockMode {
    if c.eat_any(&["type", "set data type"]) || c.eat("set expression") {
        facts.rewrites = true;
    } else if c.eat("set not null") {
        facts.scans = true;
    } else if c.eat("set statistics") || (c.eat_any(&["set", "reset"]) && c.sees_sign(b'(')) {
        return LockMode::ShareUpdateExclusive;
    }
    LockMode::AccessExclusive
}

/// With CONCURRENTLY the partition alone is locked at the end, in a second transaction
/// of the statement's own.
fn detach(table: &QualifiedName, mut c: Cursor<'_, '_>, facts: &mut Facts) -> LockMode {
    let Some(partition) = c.qname() else { return LockMode::AccessExclusive };
    facts.lock(partition.clone(), LockMode::AccessExclusive);
    let concurrent = c.sees("concurrently");
    if concurrent {
        facts.outside = Some(Outside::DetachPartition { table: table.clone(), partition });
    }
    if concurrent || c.sees("finalize") { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive }
}
