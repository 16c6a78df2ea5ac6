//! `DROP` and `TRUNCATE`.

use super::lock_on;
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::Cursor;

/// Classes of objects on which columns can depend: with CASCADE those columns go as well.
const UNDER_COLUMNS: [&str; 9] =
    ["type", "domain", "extension", "function", "procedure", "routine", "aggregate", "operator", "collation"];

pub(super) fn drop(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let cascade = {
        let mut ahead = c;
        ahead.skip_past("cascade")
    };
    if c.eat_any(&["table", "sequence"]) {
        facts.loses_data = true;
        relations(c, facts);
    } else if c.eat_any(&["view", "materialized view", "foreign table"]) {
        relations(c, facts);
    } else if c.eat("index") {
        index(c, facts);
    } else if c.eat_any(&["trigger", "policy", "rule"]) {
        lock_on(c, "on", LockMode::AccessExclusive, facts);
    } else if c.eat("schema") || c.eat_any(&UNDER_COLUMNS) {
        facts.loses_data = cascade;
    } else if c.eat("owned") {
        facts.loses_data = true;
    } else if c.sees("database") || c.sees("tablespace") || c.sees("subscription") {
        facts.loses_data = c.eat("database");
        if !facts.loses_data {
            c.bump();
        }
        facts.outside = Some(if c.sees("if exists") { Outside::Repeatable } else { Outside::Opaque });
    }
}

fn relations(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("if exists");
    for name in c.qnames() {
        facts.lock(name, LockMode::AccessExclusive);
    }
}

/// The table's lock is as strong as the index's, but the text does not name it.
fn index(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let concurrently = c.eat("concurrently");
    c.eat("if exists");
    for index in c.qnames() {
        let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
        if concurrently {
            facts.outside = Some(Outside::DropIndex { index: index.clone() });
        }
        facts.lock(index, mode);
    }
}

pub(super) fn truncate(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    c.eat("table");
    facts.loses_data = true;
    for name in c.qnames() {
        facts.lock(name, LockMode::AccessExclusive);
    }
}
