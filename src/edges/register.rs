//! What a changeset does to objects, in the order of its text and by object: it may have many thousands.

use crate::sql::{Arguments, Object};
use std::collections::HashMap;

/// A list with an entry for each object; functions are found by their name.
#[derive(Debug)]
pub(super) struct Register<T> {
    list: Vec<Option<T>>,
    by_object: HashMap<Object, Vec<usize>>,
}

impl<T> Register<T> {
    /// Adds an entry.
    pub fn push(&mut self, object: &Object, entry: T) {
        self.by_object.entry(key(object)).or_default().push(self.list.len());
        self.list.push(Some(entry));
    }

    /// The first entry of the object, or of a function of its name, that is meant.
    pub fn get(&self, object: &Object, is_meant: impl Fn(&T) -> bool) -> Option<&T> {
        let entries = self.by_object.get(&key(object))?;
        entries.iter().filter_map(|at| self.list[*at].as_ref()).find(|entry| is_meant(entry))
    }

    /// Takes that entry away.
    pub fn take(&mut self, object: &Object, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let entries = self.by_object.get_mut(&key(object))?;
        let n = entries.iter().position(|at| self.list[*at].as_ref().is_some_and(&is_meant))?;
        let at = entries.remove(n);
        self.list[at].take()
    }

    /// The entries, in order.
    pub fn list(self) -> Vec<T> {
        self.list.into_iter().flatten().collect()
    }
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self { list: Vec::new(), by_object: HashMap::new() }
    }
}

fn key(object: &Object) -> Object {
    match object {
        Object::Function(name, _) => Object::Function(name.clone(), Arguments::Any),
        other => other.clone(),
    }
}
