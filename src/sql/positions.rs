//! Where something is in the lists of facts: a statement can name a hundred thousand tables.

use super::also::AlsoLocked;
use super::lock_mode::LockMode;
use crate::base::QualifiedName;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The length up to which a list is searched from its start.
const SHORT: usize = 32;

/// The positions in the lists of facts. It is no part of their value.
#[derive(Debug, Default)]
pub(crate) struct Positions(Option<Box<(Index, Index)>>);

impl Positions {
    /// The position of a relation in the list of locks.
    pub fn of_lock(&mut self, list: &[(QualifiedName, LockMode)], name: &QualifiedName) -> Option<usize> {
        if list.len() < SHORT {
            return list.iter().position(|(known, _)| known == name);
        }
        let at = self.0.get_or_insert_default().0.find(list, |(known, _)| hash_of(known), hash_of(name))?;
        (list[at].0 == *name).then_some(at)
    }

    /// The position of what is about the same tables.
    pub fn of_also(&mut self, list: &[AlsoLocked], also: &AlsoLocked) -> Option<usize> {
        if list.len() < SHORT {
            return list.iter().position(|known| known.tables() == also.tables());
        }
        let hash = |also: &AlsoLocked| hash_of(&also.tables());
        let at = self.0.get_or_insert_default().1.find(list, hash, hash(also))?;
        (list[at].tables() == also.tables()).then_some(at)
    }
}

/// Positions by hash, of the first entries of a list.
#[derive(Debug, Default)]
struct Index {
    positions: HashMap<u64, usize>,
    /// How many entries they are of.
    entries: usize,
}

impl Index {
    fn find<T>(&mut self, list: &[T], hash: impl Fn(&T) -> u64, wanted: u64) -> Option<usize> {
        // lists only grow while statements are read
        if self.entries > list.len() {
            *self = Self::default();
        }
        for (at, entry) in list.iter().enumerate().skip(self.entries) {
            self.positions.entry(hash(entry)).or_insert(at);
        }
        self.entries = list.len();
        self.positions.get(&wanted).copied()
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Clone for Positions {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Positions {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Positions {}
