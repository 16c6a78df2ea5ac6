//! What the comparison finds.

use super::summary::Spot;
use crate::sql::Object;
use std::collections::BTreeSet;

/// A finding about two changesets, or about one. Changesets are positions in the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The changeset that it is about.
    pub changeset: usize,
    /// What is found.
    pub kind: Kind,
    /// The object; of several the first.
    pub object: Object,
    /// How many other objects tell the same.
    pub more: usize,
    /// Where the changeset names it.
    pub spot: Spot,
    /// Whether a run can fail or come to another result; else it is only likely.
    pub certain: bool,
}

impl Finding {
    /// Whether it is about a run of these changesets: what they need, or two of them.
    #[must_use]
    pub fn is_of(&self, planned: &BTreeSet<usize>) -> bool {
        planned.contains(&self.changeset)
            && match self.kind {
                Kind::BothDefine { other, .. } | Kind::DroppedBy { other, .. } => planned.contains(&other),
                Kind::Missing { .. } | Kind::Reversed { .. } | Kind::Unmade => true,
            }
    }
}

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It uses an object that another changeset makes, and does not come after it.
    Missing {
        /// The changeset that makes it.
        maker: usize,
        /// Where.
        made: Spot,
    },
    /// It uses an object that a changeset makes that comes after it.
    Reversed {
        /// The changeset that makes it.
        maker: usize,
        /// Where.
        made: Spot,
    },
    /// Both make or change the definition of the object, in any order.
    BothDefine {
        /// The other one.
        other: usize,
        /// Where.
        at: Spot,
    },
    /// It uses an object that another one drops, in any order.
    DroppedBy {
        /// The one that drops it.
        other: usize,
        /// Where.
        at: Spot,
    },
    /// No changeset makes the object.
    Unmade,
}

/// Why an edge is there: an object that the dependent changeset uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The changeset that uses it.
    pub from: usize,
    /// The one that makes it.
    pub to: usize,
    /// The object.
    pub object: Object,
}
