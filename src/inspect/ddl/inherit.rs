//! Partitions and inheritance: what a table has from the tables above it.

use super::common::local;
use super::not_null::NotNull;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether a table is a partition.
pub(super) fn is_partition(table: &Object) -> bool {
    table.properties.contains_key("partitionBound")
}

/// The names of the tables that a table inherits from, or is a partition of.
pub(super) fn parent_names(table: &Object) -> impl Iterator<Item = &str> {
    table.property("parents").as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The tables that a table inherits from, or is a partition of.
pub(super) fn parents<'a>(catalog: &'a Snapshot, table: &'a Object) -> impl Iterator<Item = ObjectKey> + 'a {
    let kinds = [Kind::Table, Kind::ForeignTable];
    parent_names(table).filter_map(move |name| {
        kinds.map(|kind| ObjectKey::new(kind, name)).into_iter().find(|key| catalog.get(key).is_some())
    })
}

/// The tables that inherit from a table, or are its partitions. Looks at all tables.
pub(super) fn children<'a>(catalog: &'a Snapshot, table: &'a ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
    let of_kind = |kind| {
        let all = catalog.objects().range(ObjectKey::new(kind, "")..);
        all.take_while(move |(key, _)| key.kind == kind)
    };
    let all = of_kind(Kind::Table).chain(of_kind(Kind::ForeignTable));
    all.filter(|(_, object)| parent_names(object).any(|name| name == table.name)).map(|(key, _)| key)
}

/// `ONLY ` if statements about this table would change others too.
pub(super) fn only(catalog: &Snapshot, table: &ObjectKey) -> &'static str {
    if children(catalog, table).next().is_some() { "ONLY " } else { "" }
}

/// The parts of the tables above that have the name of this one.
pub(super) fn above<'a>(catalog: &'a Snapshot, key: &ObjectKey, part: &Object) -> Vec<(ObjectKey, &'a Object)> {
    let Some(table) = part.parent.as_ref().and_then(|of| catalog.get(of)) else { return Vec::new() };
    let same = parents(catalog, table).map(|of| ObjectKey::new(key.kind, format!("{}.{}", of.name, local(key, part))));
    same.filter_map(|key| catalog.get(&key).map(|object| (key, object))).collect()
}

/// What a new column has from the tables above.
#[derive(Debug, Default)]
pub(super) struct Inherited<'a> {
    /// Its default.
    pub default: Option<&'a str>,
    /// Its generation expression.
    pub generated: Option<&'a str>,
    /// Whether it is not null.
    pub not_null: bool,
    /// Its properties about storage.
    pub storage: Option<&'a Object>,
}

impl<'a> Inherited<'a> {
    /// What `CREATE TABLE … INHERITS` and `PARTITION OF` give to a column; columns in `later` have no default yet.
    pub(super) fn of(catalog: &'a Snapshot, key: &ObjectKey, column: &Object, later: &BTreeSet<ObjectKey>) -> Self {
        let mut all = Self::default();
        for (key, above) in above(catalog, key, column) {
            all.default = all.default.or_else(|| above.text("default").filter(|_| !later.contains(&key)));
            all.generated = all.generated.or_else(|| above.text("generated"));
            all.not_null |= NotNull::of(above).is_some_and(|one| !one.no_inherit);
            all.storage = all.storage.or(Some(above));
        }
        all
    }
}

/// The constraint of a table above with which this one came; `None`: it is not known.
pub(super) fn constraint_above<'a>(
    catalog: &'a Snapshot,
    key: &ObjectKey,
    constraint: &Object,
) -> Option<(ObjectKey, &'a Object)> {
    let same = |other: &Object| validated(other) == validated(constraint);
    if let Some(found) = above(catalog, key, constraint).into_iter().find(|(_, other)| same(other)) {
        return Some(found);
    }
    // only a foreign key can have another name
    validated(constraint)?.starts_with("FOREIGN KEY").then_some(())?;
    let table = catalog.get(constraint.parent.as_ref()?)?;
    let parents: Vec<ObjectKey> = parents(catalog, table).collect();
    let mut equal = parents.iter().flat_map(|of| catalog.children(of)).filter(|part| part.kind == Kind::Constraint);
    let found = equal.find_map(|key| catalog.get(key).filter(|other| same(other)).map(|other| (key.clone(), other)))?;
    Some(found)
}

/// The definition of a constraint, whether or not it is valid.
pub(super) fn validated(constraint: &Object) -> Option<&str> {
    let definition = constraint.text("definition")?;
    Some(definition.strip_suffix(" NOT VALID").unwrap_or(definition))
}

/// Whether a part comes and goes with one of a table above that `other` does not have.
pub(super) fn comes_with_parents(catalog: &Snapshot, other: &Snapshot, key: &ObjectKey, part: &Object) -> bool {
    let lacks = |key: &ObjectKey| other.get(key).is_none();
    let index_lacks =
        |index: &Object| index.text("partitionOf").is_some_and(|name| lacks(&ObjectKey::new(Kind::Index, name)));
    match key.kind {
        Kind::Table | Kind::ForeignTable => is_partition(part) && parents(catalog, part).any(|of| lacks(&of)),
        Kind::Index => index_lacks(part),
        Kind::Constraint if part.text("inheritance").is_some() => {
            let mut indexes = catalog.children(key).filter_map(|index| catalog.get(index));
            indexes.any(index_lacks) || constraint_above(catalog, key, part).is_some_and(|(of, _)| lacks(&of))
        }
        Kind::Column | Kind::Trigger if part.text("inheritance").is_some() => {
            above(catalog, key, part).iter().any(|(of, _)| lacks(of))
        }
        _ => false,
    }
}
