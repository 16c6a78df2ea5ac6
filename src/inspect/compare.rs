//! What differs between two catalogs.

use super::object::{Object, ObjectKey};
use super::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// An object that is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CatalogDifference")]
pub struct Difference {
    /// Which object.
    pub object: ObjectKey,
    /// What is different.
    #[serde(flatten)]
    pub change: Change,
}

/// How an object is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum Change {
    /// It is expected and not there. Its parts (columns, indexes) are not listed.
    Missing,
    /// It is there and not expected. Its parts are not listed.
    Extra,
    /// A property has another value.
    Changed {
        /// The property.
        property: String,
        /// The value that is expected; null: none.
        expected: Value,
        /// The value that is there; null: none.
        found: Value,
    },
    /// A column is in another place among those that are expected and there.
    Moved {
        /// Its expected place, from 1.
        expected: u32,
        /// The place where it is.
        found: u32,
    },
}

impl Difference {
    /// The same difference with what is expected and what is found turned round.
    #[must_use]
    pub fn turned(&self) -> Self {
        let change = match self.change.clone() {
            Change::Missing => Change::Extra,
            Change::Extra => Change::Missing,
            Change::Changed { property, expected, found } => {
                Change::Changed { property, expected: found, found: expected }
            }
            Change::Moved { expected, found } => Change::Moved { expected: found, found: expected },
        };
        Self { object: self.object.clone(), change }
    }

    /// Whether it is no more than another order of columns.
    #[must_use]
    pub fn is_move(&self) -> bool {
        matches!(self.change, Change::Moved { .. })
    }
}

/// What differs between two snapshots, in the order of objects.
#[must_use]
pub fn compare(expected: &Snapshot, found: &Snapshot) -> Vec<Difference> {
    let keys: BTreeSet<&ObjectKey> = expected.objects().keys().chain(found.objects().keys()).collect();
    differences(expected, found, keys)
}

/// What a comparison asks of a catalog.
pub(super) trait Catalog {
    fn get(&self, key: &ObjectKey) -> Option<&Object>;
    fn parts(&self, of: &ObjectKey) -> Vec<&ObjectKey>;
}

impl Catalog for Snapshot {
    fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.get(key)
    }

    fn parts(&self, of: &ObjectKey) -> Vec<&ObjectKey> {
        self.children(of).collect()
    }
}

/// What differs in these objects, which are in order.
pub(super) fn differences<'k>(
    expected: &impl Catalog,
    found: &impl Catalog,
    keys: impl IntoIterator<Item = &'k ObjectKey>,
) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut moving: BTreeSet<&ObjectKey> = BTreeSet::new();
    for key in keys {
        let mut add = |change| all.push(Difference { object: key.clone(), change });
        match (expected.get(key), found.get(key)) {
            (None, None) => {}
            // a part of what is missing itself goes without saying
            (Some(object), None) if is_there(&object.parent, found) => add(Change::Missing),
            (None, Some(object)) if is_there(&object.parent, expected) => add(Change::Extra),
            (Some(_), None) | (None, Some(_)) => {}
            // a part of another object: of a table with another name
            (Some(a), Some(b)) if !is_there(&a.parent, found) || !is_there(&b.parent, expected) => {}
            (Some(a), Some(b)) => {
                if a.position != b.position {
                    moving.extend(a.parent.as_ref().and_then(|parent| expected.get(parent).map(|_| parent)));
                }
                let names: BTreeSet<&String> = a.properties.keys().chain(b.properties.keys()).collect();
                for name in names.into_iter().filter(|name| a.property(name) != b.property(name)) {
                    add(Change::Changed {
                        property: name.clone(),
                        expected: a.property(name).clone(),
                        found: b.property(name).clone(),
                    });
                }
            }
        }
    }
    for parent in moving {
        all.extend(moved(parent, expected, found));
    }
    all.sort_by(|a, b| a.object.cmp(&b.object));
    all
}

fn is_there(parent: &Option<ObjectKey>, catalog: &impl Catalog) -> bool {
    parent.as_ref().is_none_or(|parent| catalog.get(parent).is_some())
}

/// The columns that have to move so that the others are in the same order: as few as possible.
fn moved(parent: &ObjectKey, expected: &impl Catalog, found: &impl Catalog) -> Vec<Difference> {
    let there = columns(parent, found);
    let common: Vec<&ObjectKey> = columns(parent, expected).into_iter().filter(|key| there.contains(key)).collect();
    let there: Vec<&ObjectKey> = there.into_iter().filter(|key| common.contains(key)).collect();
    let place: Vec<usize> = common.iter().filter_map(|key| there.iter().position(|other| other == key)).collect();
    let kept = longest_rise(&place);
    let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
    let moved = common.iter().enumerate().filter(|(at, _)| !kept.contains(at));
    moved
        .map(|(at, key)| Difference {
            object: (*key).clone(),
            change: Change::Moved { expected: number(at), found: number(place[at]) },
        })
        .collect()
}

fn columns<'a>(parent: &ObjectKey, catalog: &'a impl Catalog) -> Vec<&'a ObjectKey> {
    let parts = catalog.parts(parent).into_iter();
    let mut columns: Vec<_> = parts.filter_map(|key| Some((catalog.get(key)?.position?, key))).collect();
    columns.sort();
    columns.into_iter().map(|(_, key)| key).collect()
}

/// The positions of a longest rising subsequence.
fn longest_rise(numbers: &[usize]) -> BTreeSet<usize> {
    // for each length the position of the least last number, and for each position the one before it
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut rise = BTreeSet::new();
    let mut next = ends.last().copied();
    while let Some(at) = next {
        rise.insert(at);
        next = before[at];
    }
    rise
}
