//! The checks. Each is a file with a `check`: facts to findings, nothing else.
//!
//! To add one: the file, its `mod` line, its row in [`ALL`]; a test compares.

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

use super::View;
use crate::run::{Finding, Severity};

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

/// Where a check says what it has found.
pub(super) struct Report<'a> {
    pub check: &'static str,
    pub found: &'a mut Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, severity: Severity, message: String, remedy: impl Into<String>) {
        self.found.push(Finding { check: self.check, severity, message, remedy: remedy.into() });
    }

    /// The run would fail.
    pub fn error(&mut self, message: String, remedy: impl Into<String>) {
        self.add(Severity::Error, message, remedy);
    }

    /// Something is missing; the run would fail unless a step that nobody can see into makes it.
    pub fn missing(&mut self, view: &View<'_>, message: String, remedy: impl Into<String>) {
        let severity = if view.asked.opaque { Severity::Warning } else { Severity::Error };
        self.add(severity, message, remedy);
    }

    /// The run may wait, take longer or do harm.
    pub fn warning(&mut self, message: String, remedy: impl Into<String>) {
        self.add(Severity::Warning, message, remedy);
    }

    /// Worth knowing.
    pub fn note(&mut self, message: String, remedy: impl Into<String>) {
        self.add(Severity::Note, message, remedy);
    }
}

/// Names of one finding; of many the first few.
fn some(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST);
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

#[cfg(test)]
mod tests;
