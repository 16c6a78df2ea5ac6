//! What a rule is.

use super::schema::Schema;
use super::subject::{Draft, Subject, Unit};
use crate::base::Rule;
use crate::sql::review::Action;

/// A rule: its page and its check.
pub struct Definition {
    /// The rule.
    pub rule: Rule,
    /// Why it matters.
    pub reason: &'static str,
    /// The keys of a changeset with the finding.
    pub example: &'static str,
    /// The keys of one without it.
    pub fixed: &'static str,
    pub(super) check: Check,
}

/// How a rule looks for its findings.
pub(super) enum Check {
    /// At each thing that a statement does.
    Statement(fn(&Subject<'_>, &Unit<'_>, &Action) -> Option<Draft>),
    /// In a changeset as a whole.
    Changeset(fn(&Subject<'_>, &mut Vec<Draft>)),
    /// With all that the project says of a table.
    Project(fn(&Schema, usize, &Action, &mut Vec<Draft>)),
    /// By squawk.
    Squawk,
    /// Where rules are ignored.
    OfIgnores,
}
