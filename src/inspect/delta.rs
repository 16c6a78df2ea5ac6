//! What a transaction changed.

use super::compare::{Catalog, Difference, differences};
use super::object::{Object, ObjectKey};
use super::snapshot::{NotCompared, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// The objects that changed relative to a base. All it does costs as much as it is large, however large the base is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Each with its new state; `None`: it is gone.
    pub changed: BTreeMap<ObjectKey, Option<Object>>,
    /// What was changed and is not compared.
    pub not_compared: Vec<NotCompared>,
}

impl Delta {
    /// What is to be done to `base` so that it is as `found`.
    #[must_use]
    pub fn between(base: &Snapshot, found: &Snapshot) -> Self {
        let mut changed = BTreeMap::new();
        for (key, object) in found.objects() {
            if base.get(key) != Some(object) {
                changed.insert(key.clone(), Some(object.clone()));
            }
        }
        let gone = base.objects().keys().filter(|key| found.get(key).is_none());
        changed.extend(gone.map(|key| (key.clone(), None)));
        Self { changed, not_compared: found.not_compared.clone() }
    }

    /// How the base differs from the state after the transaction: what the transaction removed is missing.
    #[must_use]
    pub fn differences(&self, base: &Snapshot) -> Vec<Difference> {
        differences(base, &Overlay::new(base, self), self.changed.keys())
    }
}

impl Snapshot {
    /// Brings a snapshot to the state after a transaction. Costs as much as the delta is large.
    pub fn apply(&mut self, delta: Delta) {
        self.not_compared.extend(delta.not_compared);
        self.not_compared.sort();
        self.not_compared.dedup();
        // first what goes: an address may have a new name
        let (gone, there): (Vec<_>, Vec<_>) = delta.changed.into_iter().partition(|(_, object)| object.is_none());
        gone.iter().for_each(|(key, _)| self.remove(key));
        for (key, object) in there {
            if let Some(object) = object {
                self.insert(key, object);
            }
        }
    }
}

/// How the states after two deltas of the same base differ.
#[must_use]
pub fn compare_deltas(base: &Snapshot, expected: &Delta, found: &Delta) -> Vec<Difference> {
    let keys: BTreeSet<&ObjectKey> = expected.changed.keys().chain(found.changed.keys()).collect();
    differences(&Overlay::new(base, expected), &Overlay::new(base, found), keys)
}

/// A base with the changes of a delta over it.
struct Overlay<'a> {
    base: &'a Snapshot,
    delta: &'a Delta,
    children: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
}

impl<'a> Overlay<'a> {
    fn new(base: &'a Snapshot, delta: &'a Delta) -> Self {
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, object) in &delta.changed {
            if let Some(parent) = object.as_ref().and_then(|object| object.parent.as_ref()) {
                children.entry(parent).or_default().push(key);
            }
        }
        Self { base, delta, children }
    }
}

impl Catalog for Overlay<'_> {
    fn get(&self, key: &ObjectKey) -> Option<&Object> {
        match self.delta.changed.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.base.get(key),
        }
    }

    fn parts(&self, of: &ObjectKey) -> Vec<&ObjectKey> {
        let kept = self.base.children(of).filter(|key| !self.delta.changed.contains_key(key));
        kept.chain(self.children.get(of).into_iter().flatten().copied()).collect()
    }
}
