//! `DROP`, `TRUNCATE`, and what goes by owner or tablespace.

use super::lock_on;
use crate::base::QualifiedName;
use crate::effects::ObjectClass;
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::Cursor;

/// Classes of objects that are no relations, and what they are to the catalog.
const OTHERS: [(&str, Option<ObjectClass>); 11] = [
    ("schema", Some(ObjectClass::Schema)),
    ("type", Some(ObjectClass::Type)),
    ("domain", Some(ObjectClass::Type)),
    ("extension", Some(ObjectClass::Extension)),
    ("function", Some(ObjectClass::Function)),
    ("procedure", Some(ObjectClass::Function)),
    ("routine", Some(ObjectClass::Function)),
    ("aggregate", Some(ObjectClass::Function)),
    ("operator", None),
    ("collation", None),
    ("access method", None),
];

pub(super) fn drop(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    let cascade = c.has("cascade");
    if c.eat_any(&["table", "foreign table"]) {
        // of a foreign table the rows are elsewhere, those of its inheritance children may be here
        facts.loses_data = true;
        tables(c, cascade, facts);
    } else if c.eat("sequence") {
        facts.loses_data = true;
        relations(c, cascade, false, facts);
    } else if c.eat_any(&["view", "materialized view"]) {
        relations(c, cascade, true, facts);
    } else if c.eat("index") {
        index(c, cascade, facts);
    } else if c.eat("trigger") {
        if let Some(table) = lock_on(c, "on", LockMode::AccessExclusive, facts) {
            facts.through(Through::Partitions, &table, LockMode::AccessExclusive);
        }
    } else if c.eat_any(&["policy", "rule"]) {
        lock_on(c, "on", LockMode::AccessExclusive, facts);
    } else if c.eat("statistics") {
        c.eat("if exists");
        for name in c.qnames() {
            facts.through(Through::IndexTable, &name, LockMode::ShareUpdateExclusive);
        }
    } else if c.eat("owned") {
        facts.loses_data = true;
        c.eat("by");
        owner(c, true, facts);
    } else if c.sees("database") || c.sees("tablespace") || c.sees("subscription") {
        facts.loses_data = c.eat("database");
        if !facts.loses_data {
            c.bump();
        }
        facts.outside = Some(if c.sees("if exists") { Outside::Repeatable } else { Outside::Opaque });
    } else {
        other(c, cascade, facts);
    }
}

fn other(mut c: Cursor<'_, '_>, cascade: bool, facts: &mut Facts) {
    let class = OTHERS.iter().find(|(words, _)| c.eat(words)).and_then(|(_, class)| *class);
    // the members of an extension go with it
    if !cascade && class != Some(ObjectClass::Extension) {
        return;
    }
    facts.loses_data |= cascade;
    let dependents = |of| AlsoLocked {
        class,
        loses_data: true,
        ..AlsoLocked::new(Through::Dependents, of, LockMode::AccessExclusive)
    };
    if class.is_none() {
        facts.add(dependents(None));
        return;
    }
    c.eat("if exists");
    while let Some(name) = c.qname() {
        c.group();
        facts.add(dependents(Some(name)));
        if !c.eat_sign(b',') {
            break;
        }
    }
}

fn tables(mut c: Cursor<'_, '_>, cascade: bool, facts: &mut Facts) {
    use LockMode::AccessExclusive;
    c.eat("if exists");
    for name in c.qnames() {
        let below = AlsoLocked::new(Through::Descendants, Some(name.clone()), AccessExclusive);
        facts.add(AlsoLocked { loses_data: true, ..below });
        for through in [Through::PartitionedTable, Through::ReferencedTables, Through::OwnedSequences] {
            facts.through(through, &name, AccessExclusive);
        }
        if cascade {
            facts.through(Through::ReferencingTables, &name, AccessExclusive);
            dependents(&name, true, facts);
        }
        facts.lock(name, AccessExclusive);
    }
}

fn relations(mut c: Cursor<'_, '_>, cascade: bool, loses_data: bool, facts: &mut Facts) {
    c.eat("if exists");
    for name in c.qnames() {
        if cascade {
            dependents(&name, loses_data, facts);
        }
        facts.lock(name, LockMode::AccessExclusive);
    }
}

fn dependents(name: &QualifiedName, loses_data: bool, facts: &mut Facts) {
    let dependents = AlsoLocked::new(Through::Dependents, Some(name.clone()), LockMode::AccessExclusive);
    facts.add(AlsoLocked { loses_data, ..dependents });
}

fn index(mut c: Cursor<'_, '_>, cascade: bool, facts: &mut Facts) {
    let concurrently = c.eat("concurrently");
    c.eat("if exists");
    let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
    for index in c.qnames() {
        if concurrently {
            facts.waits = Some(LockMode::AccessExclusive);
            facts.outside = Some(Outside::DropIndex { index: index.clone() });
        }
        if cascade {
            dependents(&index, false, facts);
        }
        index_and_table(index, mode, facts);
    }
}

/// The table's lock is as strong as the index's, but the text does not name it.
pub(super) fn index_and_table(index: QualifiedName, mode: LockMode, facts: &mut Facts) {
    let table = AlsoLocked::new(Through::IndexTable, Some(index.clone()), mode);
    facts.add(AlsoLocked { scans: facts.scans, ..table });
    facts.lock(index, mode);
}

/// `DROP OWNED` and `REASSIGN OWNED`.
pub(super) fn owner(mut c: Cursor<'_, '_>, loses_data: bool, facts: &mut Facts) {
    for role in c.qnames() {
        let owned = AlsoLocked::new(Through::Owner, Some(role), LockMode::AccessExclusive);
        facts.add(AlsoLocked { loses_data, ..owned });
    }
}

/// `ALTER … ALL IN TABLESPACE name SET TABLESPACE`.
pub(super) fn all_in_tablespace(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    facts.rewrites = true;
    let all = AlsoLocked::new(Through::Tablespace, c.qname(), LockMode::AccessExclusive);
    facts.add(AlsoLocked { scans: true, rewrites: true, ..all });
}

pub(super) fn truncate(mut c: Cursor<'_, '_>, facts: &mut Facts) {
    use LockMode::AccessExclusive;
    c.eat("table");
    facts.loses_data = true;
    let names = c.qnames_or_only();
    let (restarts, cascade) = (c.has("restart identity"), c.has("cascade"));
    for (name, only) in names {
        let lost =
            |through| AlsoLocked { loses_data: true, ..AlsoLocked::new(through, Some(name.clone()), AccessExclusive) };
        if !only {
            facts.add(lost(Through::Descendants));
        }
        if cascade {
            facts.add(lost(Through::ReferencingTables));
        }
        if restarts {
            // those of the referencing tables as well
            let sequences = AlsoLocked::new(Through::OwnedSequences, Some(name.clone()), AccessExclusive);
            facts.add(AlsoLocked { loses_data: cascade, ..sequences });
        }
        facts.through(Through::Triggers, &name, AccessExclusive);
        facts.lock(name, AccessExclusive);
    }
}
