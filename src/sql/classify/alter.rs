//! `ALTER`, dispatched by the class of the object.

use super::{alter_table, lock_on, option};
use crate::sql::facts::Facts;
use crate::sql::facts::{LockMode, Outside};
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
    } else if c.eat_any(&["trigger", "policy", "rule"]) {
        lock_on(c, "on", LockMode::AccessExclusive, facts);
    } else if c.eat("publication") {
        publication(c, facts);
    } else if c.eat("type") {
        facts.loses_data = c.skip_past("drop attribute");
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

/// The lock is the index's own; of its table only the name of the index is known.
fn index(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if c.eat("all in tablespace") {
        facts.rewrites = true;
        return;
    }
    c.eat("if exists");
    let Some(index) = c.qname() else { return };
    let moves = c.sees("set tablespace");
    facts.rewrites |= moves;
    facts.lock(index, if moves { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive });
}

fn sequence(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("if exists");
    let Some(name) = c.qname() else { return };
    let strong = ["rename", "owner", "set schema", "set logged", "set unlogged"].iter().any(|w| c.sees(w));
    facts.lock(name, if strong { LockMode::AccessExclusive } else { LockMode::ShareRowExclusive });
}

fn publication(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if !(c.skip_past("add") || c.skip_past("set") || c.skip_past("drop")) || !c.eat("table") {
        return;
    }
    super::create::published(c, facts);
}

/// A new rule of a domain reads every table that uses it; which those are the text hides.
fn domain(c: Cursor<'_, '_>, facts: &mut Facts) {
    let has = |words: &str| {
        let mut c = c;
        c.skip_past(words)
    };
    facts.scans = (has("add") && !has("not valid")) || has("set not null") || has("validate constraint");
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
