//! A changelog file as values. The entries of its list are stored as text and parsed one at a time:
//! the trees of all entries of a large project would need most of its memory.

use crate::base::Content;
use serde_json::{Value, json};

/// The key of the list.
pub const CHANGESETS: &str = "changesets";
/// The key that stands for another mapping's entries in YAML 1.1.
pub const MERGE: &str = "<<";

/// A changelog file.
#[derive(Debug, PartialEq)]
pub struct Document {
    /// What it is, with an empty list in place of that of the changesets.
    pub rest: Value,
    /// The entries below `changesets:`, where that is a list.
    pub entries: Vec<Content>,
}

impl From<Value> for Document {
    fn from(mut rest: Value) -> Self {
        let list = rest.get_mut(CHANGESETS).and_then(Value::as_array_mut).map(std::mem::take);
        Self { rest, entries: list.unwrap_or_default().iter().map(Content::from).collect() }
    }
}

impl From<Vec<Content>> for Document {
    fn from(entries: Vec<Content>) -> Self {
        Self { rest: json!({ CHANGESETS: [] }), entries }
    }
}

impl Document {
    /// The entries as trees, one after the other.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.entries.iter().map(Content::value)
    }
}
