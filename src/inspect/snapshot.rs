//! All objects of a database.

use super::object::{Address, Object, ObjectKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Something that is there and is not compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NotCompared {
    /// What it is: `3 large objects`.
    pub what: String,
    /// Why it is not compared.
    pub why: String,
}

/// The inspected catalog of a database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Snapshot {
    /// The major version of the server: definitions of different versions need not have the same text.
    pub major: u32,
    /// What is there and is not compared.
    pub not_compared: Vec<NotCompared>,
    objects: BTreeMap<ObjectKey, Object>,
    children: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    units: BTreeMap<Address, BTreeSet<ObjectKey>>,
    addresses: BTreeMap<Address, ObjectKey>,
}

impl Snapshot {
    /// A snapshot without objects.
    #[must_use]
    pub fn new(major: u32) -> Self {
        Self { major, ..Self::default() }
    }

    /// All objects.
    #[must_use]
    pub fn objects(&self) -> &BTreeMap<ObjectKey, Object> {
        &self.objects
    }

    /// The object of this key.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// The direct parts of an object: columns, constraints and indexes of a table.
    pub fn children(&self, of: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.children.get(of).into_iter().flatten()
    }

    /// Where the server has this.
    #[must_use]
    pub fn at(&self, address: Address) -> Option<&ObjectKey> {
        self.addresses.get(&address)
    }

    /// What is inspected together.
    pub fn unit(&self, unit: Address) -> impl Iterator<Item = &ObjectKey> {
        self.units.get(&unit).into_iter().flatten()
    }

    /// What is inspected with the rows of a catalog, by its oid.
    pub fn units_of(&self, class: u32) -> impl Iterator<Item = &ObjectKey> {
        let first = Address { class, oid: 0, sub: i32::MIN };
        self.units.range(first..).take_while(move |(unit, _)| unit.class == class).flat_map(|(_, keys)| keys)
    }

    /// Puts an object in the place of the one with its key.
    pub fn insert(&mut self, key: ObjectKey, object: Object) {
        self.remove(&key);
        if let Some(parent) = &object.parent {
            self.children.entry(parent.clone()).or_default().insert(key.clone());
        }
        self.units.entry(object.unit).or_default().insert(key.clone());
        self.addresses.insert(object.address, key.clone());
        self.objects.insert(key, object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &ObjectKey) {
        let Some(object) = self.objects.remove(key) else { return };
        if let Some(parent) = &object.parent {
            take(&mut self.children, parent, key);
        }
        take(&mut self.units, &object.unit, key);
        if self.addresses.get(&object.address) == Some(key) {
            self.addresses.remove(&object.address);
        }
    }
}

impl FromIterator<(ObjectKey, Object)> for Snapshot {
    fn from_iter<I: IntoIterator<Item = (ObjectKey, Object)>>(objects: I) -> Self {
        let mut snapshot = Self::default();
        objects.into_iter().for_each(|(key, object)| snapshot.insert(key, object));
        snapshot
    }
}

fn take<K: Ord + Clone>(index: &mut BTreeMap<K, BTreeSet<ObjectKey>>, at: &K, key: &ObjectKey) {
    if let Some(keys) = index.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(at);
        }
    }
}

/// A snapshot as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    major: u32,
    #[serde(default)]
    not_compared: Vec<NotCompared>,
    objects: Vec<StoredObject>,
}

#[derive(Serialize, Deserialize)]
struct StoredObject {
    #[serde(flatten)]
    key: ObjectKey,
    #[serde(flatten)]
    object: Object,
}

impl From<Stored> for Snapshot {
    fn from(stored: Stored) -> Self {
        let objects = stored.objects.into_iter().map(|one| (one.key, one.object));
        Self { major: stored.major, not_compared: stored.not_compared, ..objects.collect() }
    }
}

impl From<Snapshot> for Stored {
    fn from(snapshot: Snapshot) -> Self {
        let objects = snapshot.objects.into_iter().map(|(key, object)| StoredObject { key, object }).collect();
        Self { major: snapshot.major, not_compared: snapshot.not_compared, objects }
    }
}
