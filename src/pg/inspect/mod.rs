//! Reads the catalog of a database as a [`Snapshot`].
//!
//! `sql` has one query for each class of objects; [`classes`] is their table. All of them go in one message and run
//! under settings of their own, so that definitions have the same text in every session.

mod classes;
mod message;
mod read;

use super::connect::Connection;
use crate::base::{Failure, Ident};
use crate::inspect::Snapshot;
use crate::ledger::schema::attic;
use classes::{CLASSES, Filter};
use message::ask;
use read::Reader;

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

/// Reads the whole catalog.
///
/// # Errors
/// If the server does not answer, or the role may not read something.
pub async fn snapshot(connection: &Connection, scope: &Scope) -> Result<Snapshot, Failure> {
    let classes: Vec<_> = CLASSES.iter().map(|class| (class, Filter::All)).collect();
    let answers = ask(connection, scope, &classes).await?;
    let mut reader = Reader::default();
    for (class, answer) in classes.iter().zip(&answers) {
        reader.add(class.0, answer)?;
    }
    let mut snapshot: Snapshot = reader.objects.into_iter().collect();
    snapshot.major = connection.server_major;
    Ok(snapshot)
}
