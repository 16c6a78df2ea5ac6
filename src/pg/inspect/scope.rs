//! What is inspected.

use crate::base::Ident;
use crate::ledger::schema::attic;

/// What of a database is inspected. Never: the server's own schemas, and what belongs to an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Schemas that are left out, with all that is in them: the ledger and its attic.
    pub without: Vec<String>,
    /// Whether the values of sequences are read.
    pub sequence_values: bool,
    /// Whether the database itself is an object: its owner, privileges and comment.
    pub database: bool,
    /// Whether it is read what depends on what.
    pub dependencies: bool,
}

impl Scope {
    /// All but the ledger in this schema, and its attic.
    #[must_use]
    pub fn outside_of(ledger: &Ident) -> Self {
        let attic = attic(ledger.as_str());
        Self {
            without: vec![ledger.as_str().to_owned(), attic],
            sequence_values: false,
            database: false,
            dependencies: false,
        }
    }
}
