//! Constraints and indexes.

use super::common::{keyword, local};
use super::inherit::{constraint_above, validated};
use super::set::{firing, index};
use super::text::{find, unquoted};
use crate::base::name::{quote_dollar, quote_literal};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use serde_json::Value;

/// Adds a constraint. That of a partition, and an inherited one, come with the parent's, unless an index has to be
/// made for it, or the table is `detached`: it comes under its parent later.
pub(super) fn create(catalog: &Snapshot, key: &ObjectKey, object: &Object, detached: bool) -> Option<Vec<String>> {
    let of = object.parent.as_ref()?;
    let definition = object.text("definition")?;
    let by_index = ["PRIMARY KEY", "UNIQUE", "EXCLUDE"].iter().any(|word| definition.starts_with(word));
    let (word, name) = (keyword(of.kind), local(key, object));
    let mut sql = Vec::new();
    let inheritance = object.text("inheritance").filter(|_| !by_index && !detached);
    if inheritance.is_some() {
        sql.extend(inherited(catalog, key, object)?);
    }
    // one that is also the table's own is added to the inherited one
    if inheritance != Some("inherited") {
        let partitioned = by_index && is_partitioned(catalog, of);
        let only = if partitioned { "ONLY " } else { "" };
        let definition = if partitioned { with_parameters(catalog, key, definition) } else { definition.to_owned() };
        sql.push(format!("ALTER {word} {only}{} ADD CONSTRAINT {name} {definition}", of.name));
    }
    sql.extend(triggers(catalog, key, object)?);
    Some(sql)
}

fn is_partitioned(catalog: &Snapshot, table: &ObjectKey) -> bool {
    catalog.get(table).is_some_and(|table| table.properties.contains_key("partitionKey"))
}

/// What an inherited constraint needs when it is there with that of the parent.
fn inherited(catalog: &Snapshot, key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let of = object.parent.as_ref()?;
    let Some((above, parent)) = constraint_above(catalog, key, object) else { return Some(Vec::new()) };
    let alter = |what: String| format!("ALTER {} {} {what}", keyword(of.kind), of.name);
    let (name, other) = (local(key, object), local(&above, parent));
    let mut sql = Vec::new();
    if name != other {
        // a constraint of the table itself has the name that this one would have
        if catalog.get(&ObjectKey::new(Kind::Constraint, format!("{}.{other}", of.name))).is_some() {
            return None;
        }
        sql.push(alter(format!("RENAME CONSTRAINT {other} TO {name}")));
    }
    if object.text("definition") == validated(object) && parent.text("definition") != validated(parent) {
        sql.push(alter(format!("VALIDATE CONSTRAINT {name}")));
    }
    Some(sql)
}

/// A definition with the storage parameters of its index: those of a partitioned one cannot be set later.
fn with_parameters(catalog: &Snapshot, key: &ObjectKey, definition: &str) -> String {
    let mut indexes = catalog.children(key).filter_map(|index| catalog.get(index)?.text("definition"));
    let parameters = indexes.find_map(parameters).unwrap_or_default();
    let at = find(definition, " DEFERRABLE").unwrap_or(definition.len());
    format!("{}{parameters}{}", &definition[..at], &definition[at..])
}

/// ` WITH (…)` of an index.
fn parameters(definition: &str) -> Option<&str> {
    let rest = &definition[find(definition, " WITH (")?..];
    rest.get(..=find(rest, ")")?)
}

/// Makes an index, and attaches that of a partition to its parent's. That of a constraint is there with it.
pub(super) fn create_index(
    catalog: &Snapshot,
    key: &ObjectKey,
    object: &Object,
    detached: bool,
) -> Option<Vec<String>> {
    let definition = object.text("definition")?;
    let of = object.parent.as_ref()?;
    let table = if of.kind == Kind::Constraint { catalog.get(of)?.parent.as_ref()? } else { of };
    let partitioned = is_partitioned(catalog, table);
    let mut sql = Vec::new();
    if of.kind != Kind::Constraint {
        sql.push(definition.to_owned());
    } else if parameters(definition).is_some() && !partitioned {
        let plain = [("definition".to_owned(), Value::from(""))];
        let plain = Object { properties: plain.into_iter().collect(), ..Object::default() };
        sql.extend(index(catalog, key, object, &plain, "definition")?);
    }
    // one that lacks a part of its partitions is not valid by itself
    if object.is("invalid") && !partitioned {
        return None;
    }
    if let Some(parent) = object.text("partitionOf").filter(|_| !detached) {
        sql.push(attach(key, parent));
    }
    for property in ["clustered", "replicaIdentity", "tablespace", "statistics"] {
        if object.properties.contains_key(property) {
            sql.extend(index(catalog, key, object, &Object::default(), property)?);
        }
    }
    Some(sql)
}

/// Attaches the index of a partition to its parent's.
pub(super) fn attach(key: &ObjectKey, parent: &str) -> String {
    format!("ALTER INDEX {parent} ATTACH PARTITION {}", key.name)
}

/// The indexes of partitions that are attached to an index. Looks at all indexes.
pub(super) fn attached<'a>(catalog: &'a Snapshot, key: &'a ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
    let all = catalog.objects().range(ObjectKey::new(Kind::Index, "")..);
    let all = all.take_while(|(other, _)| other.kind == Kind::Index);
    all.filter(|(_, object)| object.text("partitionOf") == Some(&key.name)).map(|(other, _)| other)
}

/// Whether triggers of a new constraint fire, on its table and on that which it references.
fn triggers(catalog: &Snapshot, key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let of = object.parent.as_ref()?;
    let referenced = || {
        let text = object.text("definition")?;
        let text = &text[find(text, " REFERENCES ")? + " REFERENCES ".len()..];
        Some(ObjectKey::new(Kind::Table, &text[..find(text, "(")?]))
    };
    let referenced = referenced().filter(|table| table != of);
    let mut sql = Vec::new();
    for table in [Some(of.clone()), referenced].into_iter().flatten() {
        for entry in catalog.get(&table).map(entries).into_iter().flatten() {
            if entry.strip_prefix(key.name.as_str()).is_some_and(|rest| rest.starts_with(' ')) {
                sql.push(trigger(catalog, &table, entry, false)?);
            }
        }
    }
    Some(sql)
}

fn entries(table: &Object) -> impl Iterator<Item = &str> {
    table.property("constraintTriggers").as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Brings the triggers of constraints on a table from `found` to its own.
pub(super) fn change_triggers(
    catalog: &Snapshot,
    key: &ObjectKey,
    table: &Object,
    found: &Object,
) -> Option<Vec<String>> {
    let name = |entry: &str| entry.rsplit_once(' ').map(|(name, _)| name.to_owned());
    let reset = entries(found).filter(|old| entries(table).all(|new| name(new) != name(old)));
    let set = entries(table).filter(|new| entries(found).all(|old| old != *new));
    reset
        .map(|entry| trigger(catalog, key, entry, true))
        .chain(set.map(|entry| trigger(catalog, key, entry, false)))
        .collect()
}

/// Lets a trigger of a constraint fire as an entry says, or as usual. Its name has a number, which only the server knows.
fn trigger(catalog: &Snapshot, table: &ObjectKey, entry: &str, reset: bool) -> Option<String> {
    let (rest, state) = entry.rsplit_once(' ')?;
    let (name, function) = rest.rsplit_once(' ')?;
    let key = ObjectKey::new(Kind::Constraint, name);
    let constraint = catalog.get(&key)?;
    let enable = firing(Some(state).filter(|_| !reset));
    let sql = format!(
        "BEGIN EXECUTE (SELECT pg_catalog.format('ALTER TABLE %s {enable} TRIGGER %I', {table}, t.tgname) \
         FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_constraint c ON c.oid = t.tgconstraint \
         WHERE t.tgrelid = {table}::pg_catalog.regclass AND c.conrelid = {of}::pg_catalog.regclass \
         AND c.conname = {name} AND t.tgfoid = {function}::pg_catalog.regproc); END",
        table = quote_literal(&table.name),
        of = quote_literal(&constraint.parent.as_ref()?.name),
        name = quote_literal(&unquoted(local(&key, constraint))),
        function = quote_literal(&format!("pg_catalog.{function}")),
    );
    Some(format!("DO {}", quote_dollar(&sql, "do")))
}
