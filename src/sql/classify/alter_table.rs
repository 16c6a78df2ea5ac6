//! `ALTER TABLE`: one lock for all actions, the strongest that any of them needs (manual,
//! `ALTER TABLE`).

use super::altered::{Altered, Reach, referenced};
use super::partition::{attach, detach};
use super::{alter_column, column};
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};
use crate::sql::token::{Cursor, Tok, by_comma};

pub(super) fn alter_table(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    if c.eat("all in tablespace") {
        super::drop::all_in_tablespace(c, facts);
        return;
    }
    c.eat("if exists");
    let only = c.eat("only");
    let Some(table) = c.qname() else { return };
    c.eat_sign(b'*');
    let mut altered = Altered { table: table.clone(), facts, reach: Reach::Itself, mode: LockMode::AccessShare };
    for action in by_comma(c.rest()) {
        let (mode, reach) = one(action, &mut altered);
        altered.mode = altered.mode.max(mode);
        altered.reach = altered.reach.max(if only && reach != Reach::Always { Reach::Itself } else { reach });
    }
    let Altered { mode, reach, .. } = altered;
    if mode == LockMode::AccessShare {
        return;
    }
    facts.lock(table.clone(), mode);
    if facts.rewrites {
        facts.scans = true;
    }
    let (scans, rewrites, loses_data) = (facts.scans, facts.rewrites, facts.loses_data);
    let mut reaches = |through, since| {
        let below = AlsoLocked::new(through, Some(table.clone()), mode);
        facts.add(AlsoLocked { scans, rewrites, loses_data, since, ..below });
    };
    match reach {
        Reach::Itself => {}
        Reach::PartitionsUntil17 => {
            reaches(Through::Partitions, None);
            reaches(Through::Descendants, Some(18));
        }
        Reach::Descendants | Reach::Always => reaches(Through::Descendants, None),
    }
}

/// Notes what an action does, and returns the lock on the table itself, and which further tables it reaches.
fn one(action: &[Tok<'_>], altered: &mut Altered<'_>) -> (LockMode, Reach) {
    use LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
    let mut c = Cursor::new(action);
    if c.eat("add") {
        return add(c, altered);
    }
    if c.eat("drop") {
        return drop(c, altered);
    }
    if c.eat("alter constraint") {
        return alter_constraint(c, altered);
    }
    if c.eat("alter") {
        c.eat("column");
        return alter_column::alter_column(c, altered);
    }
    if c.eat("validate constraint") {
        let name = c.ident();
        altered.facts.scans = true;
        altered.add(Through::ReferencedTables, name.as_ref(), LockMode::RowShare, true);
        return (ShareUpdateExclusive, Reach::Descendants);
    }
    if c.eat_any(&["enable", "disable"]) {
        c.eat_any(&["replica", "always"]);
        return if c.sees("trigger") {
            (ShareRowExclusive, Reach::Descendants)
        } else {
            (AccessExclusive, Reach::Itself)
        };
    }
    if c.eat("attach partition") {
        return (attach(c, altered), Reach::Itself);
    }
    if c.eat("detach partition") {
        return (detach(c, altered), Reach::Itself);
    }
    if c.eat("inherit") {
        if let Some(parent) = c.qname() {
            altered.facts.lock(parent, ShareUpdateExclusive);
        }
        return (AccessExclusive, Reach::Itself);
    }
    if c.eat("no inherit") {
        if let Some(parent) = c.qname() {
            altered.facts.lock(parent, LockMode::AccessShare);
        }
        return (AccessExclusive, Reach::Itself);
    }
    if c.eat_any(&["cluster on", "set without cluster"]) {
        return (ShareUpdateExclusive, Reach::Itself);
    }
    if c.eat("rename") {
        let is_table = c.sees("to");
        return (AccessExclusive, if is_table { Reach::Itself } else { Reach::Descendants });
    }
    if c.eat_any(&["set", "reset"]) {
        if let Some(options) = c.group() {
            return (parameters(options), Reach::Itself);
        }
        let whole = ["logged", "unlogged", "tablespace", "access method"];
        altered.facts.rewrites |= whole.iter().any(|word| c.sees(word));
        if c.sees("logged") || c.sees("unlogged") {
            let sequences = altered.also(Through::OwnedSequences, None, AccessExclusive);
            altered.facts.add(AlsoLocked { since: Some(15), ..sequences });
        } else if c.sees("schema") {
            altered.add(Through::OwnedSequences, None, AccessExclusive, false);
        }
    } else if c.sees("owner") {
        altered.add(Through::OwnedSequences, None, AccessExclusive, false);
    }
    (AccessExclusive, Reach::Itself)
}

/// Storage parameters are changed beside readers and writers, but for one, and those of views.
fn parameters(options: &[Tok<'_>]) -> LockMode {
    let strong = ["user_catalog_table", "security_barrier", "security_invoker", "check_option"];
    let strong = options.iter().any(|t| t.is_any(&strong));
    if strong { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive }
}

fn add(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> (LockMode, Reach) {
    use LockMode::{AccessExclusive, ShareRowExclusive};
    if c.eat("constraint") {
        c.ident();
    }
    // a constraint that is not enforced is valid without a look at the rows
    let not_valid = c.has("not valid") || c.has("not enforced");
    if c.eat("foreign key") {
        altered.facts.scans |= !not_valid;
        if c.skip_past("references")
            && let Some(parent) = c.qname()
        {
            referenced(&parent, !not_valid, altered.facts);
        }
        return (ShareRowExclusive, Reach::PartitionsUntil17);
    }
    if c.eat("check") || c.eat("not null") {
        altered.facts.scans |= !not_valid;
        return (AccessExclusive, if c.has("no inherit") { Reach::PartitionsUntil17 } else { Reach::Descendants });
    }
    if c.eat("primary key") {
        // USING INDEX: its columns may be nullable, and are made NOT NULL
        altered.facts.scans = true;
        altered.facts.builds |= !c.sees("using index");
        return (AccessExclusive, Reach::Descendants);
    }
    if c.eat("unique") {
        let builds = !c.sees("using index");
        altered.facts.scans |= builds;
        altered.facts.builds |= builds;
        return (AccessExclusive, Reach::PartitionsUntil17);
    }
    if c.sees("exclude using") || (c.eat("exclude") && c.sees_sign(b'(')) {
        (altered.facts.scans, altered.facts.builds) = (true, true);
        return (AccessExclusive, Reach::PartitionsUntil17);
    }
    c.eat("column");
    c.eat("if not exists");
    c.ident();
    column::added(c, &altered.table, altered.facts);
    (AccessExclusive, Reach::Descendants)
}

fn drop(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> (LockMode, Reach) {
    let is_constraint = c.eat("constraint");
    if !is_constraint {
        c.eat("column");
        altered.facts.loses_data = true;
    }
    c.eat("if exists");
    let name = c.ident();
    altered.add(Through::ReferencedTables, name.as_ref(), LockMode::AccessExclusive, false);
    if !is_constraint {
        altered.add(Through::OwnedSequences, name.as_ref(), LockMode::AccessExclusive, false);
    }
    if c.sees("cascade") {
        altered.add(Through::ReferencingTables, name.as_ref(), LockMode::AccessExclusive, false);
        let dependents = altered.also(Through::Dependents, name.as_ref(), LockMode::AccessExclusive);
        altered.facts.add(AlsoLocked { loses_data: true, ..dependents });
    }
    (LockMode::AccessExclusive, Reach::Always)
}

/// Only foreign keys and NOT NULL have anything to alter.
fn alter_constraint(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> (LockMode, Reach) {
    use LockMode::{AccessExclusive, ShareRowExclusive};
    let name = c.ident();
    let off = c.has("not enforced");
    let on = c.has("enforced") && !off;
    if off || on {
        altered.facts.scans |= on;
        let mode = if off { AccessExclusive } else { ShareRowExclusive };
        altered.add(Through::ReferencedTables, name.as_ref(), mode, on);
    }
    altered.facts.scans |= c.has("inherit") && !c.has("no inherit");
    (AccessExclusive, Reach::Descendants)
}
