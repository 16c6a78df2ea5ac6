//! The checks of the preflight, one file each with a `check`: a function from facts to findings.
//!
//! To add one: the file, its `mod` line, its row in [`ALL`]; a test compares them.

mod connections;
mod disk;
mod extensions;
mod locks;
mod replication;
mod rights;
mod roles;
mod search_path;
mod server;
mod transactions;
mod version;

use super::report::Report;
use super::view::View;

/// A check.
type Check = fn(&View<'_>, &mut Report<'_>);

/// All checks by the names of their files.
pub(super) const ALL: &[(&str, Check)] = &[
    ("server", server::check),
    ("version", version::check),
    ("rights", rights::check),
    ("roles", roles::check),
    ("search_path", search_path::check),
    ("extensions", extensions::check),
    ("disk", disk::check),
    ("connections", connections::check),
    ("locks", locks::check),
    ("transactions", transactions::check),
    ("replication", replication::check),
];

#[cfg(test)]
mod tests;
