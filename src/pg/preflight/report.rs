//! Where a check says what it has found.

use super::view::View;
use crate::base::Remedy;
use crate::run::{Finding, FindingSeverity};

/// Where a check says what it has found.
pub(super) struct Report<'a> {
    pub check: &'static str,
    pub found: &'a mut Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, severity: FindingSeverity, message: String, remedy: impl Into<Remedy>) {
        self.found.push(Finding { check: self.check, severity, message, remedy: remedy.into() });
    }

    /// The run would fail.
    pub fn error(&mut self, message: String, remedy: impl Into<Remedy>) {
        self.add(FindingSeverity::Error, message, remedy);
    }

    /// Something is missing; the run would fail unless a step that nobody can see into makes it.
    pub fn missing(&mut self, view: &View<'_>, message: String, remedy: impl Into<Remedy>) {
        let severity = if view.asked.opaque { FindingSeverity::Warning } else { FindingSeverity::Error };
        self.add(severity, message, remedy);
    }

    /// The run may wait, take longer or cause damage.
    pub fn warning(&mut self, message: String, remedy: impl Into<Remedy>) {
        self.add(FindingSeverity::Warning, message, remedy);
    }

    /// For information.
    pub fn note(&mut self, message: String, remedy: impl Into<Remedy>) {
        self.add(FindingSeverity::Note, message, remedy);
    }
}

/// Names of one finding; of many the first few.
pub(super) fn some(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST);
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
