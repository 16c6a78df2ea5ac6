//! Finds the objects that SQL touches: any SQL goes in, [`Effects`] come out, or nothing if the text does not
//! tell.
//!
//! It reads the syntax tree of the grammar's crate. To add a class of objects: its kinds of nodes in [`walk`].

mod parse;
mod types;
mod walk;

pub(super) use parse::with_tree;

use super::split::split;
use crate::effects::Effects;

/// The objects that a text of SQL touches, in the order in which they occur.
///
/// `None` when it cannot be known: a DO block, `CALL`, `EXECUTE`, a function outside of
/// `pg_catalog` that a query calls by its schema, `IMPORT FOREIGN SCHEMA`, `REASSIGN OWNED`, a
/// schema dropped with all that is in it, SQL with a mistake. A function's body does not run
/// when the function is made and touches nothing, unless it is written as `BEGIN ATOMIC`,
/// which the server binds at once. Objects that CASCADE drags along are not in the text;
/// temporary tables are left out, and functions called without a schema in a query are taken for
/// the server's own.
#[must_use]
pub fn touches(sql: &str) -> Option<Effects> {
    split(sql).ok()?;
    parse::with_tree(sql, walk::effects)?
}

#[cfg(test)]
mod tests;
