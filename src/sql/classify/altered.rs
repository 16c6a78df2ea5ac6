//! What the actions of `ALTER TABLE` share.

use crate::base::{Ident, QualifiedName};
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode};

/// Which further tables an action changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// None.
    Itself,
    /// The partitions; until PostgreSQL 17 no inheritance children.
    PartitionsUntil17,
    /// The partitions and inheritance children.
    Descendants,
    /// The same, also with `ONLY`.
    Always,
}

/// What `ALTER TABLE` knows while it reads its actions.
pub(super) struct Altered<'f> {
    pub table: QualifiedName,
    pub facts: &'f mut Facts,
    pub reach: Reach,
    pub mode: LockMode,
}

impl Altered<'_> {
    /// Notes tables that are connected with a part of this one.
    pub fn also(&mut self, through: Through, part: Option<&Ident>, mode: LockMode) -> AlsoLocked {
        let mut also = AlsoLocked::new(through, Some(self.table.clone()), mode);
        also.part = part.map(|part| QualifiedName { schema: None, name: part.clone() });
        also
    }

    /// Notes tables on the other side of foreign keys, and what an action does to them.
    pub fn add(&mut self, through: Through, part: Option<&Ident>, mode: LockMode, scans: bool) {
        let also = AlsoLocked { scans, ..self.also(through, part, mode) };
        self.facts.add(also);
    }
}

/// The table that a new foreign key references: its partitions get triggers as well.
pub(super) fn referenced(parent: &QualifiedName, scans: bool, facts: &mut Facts) {
    facts.lock(parent.clone(), LockMode::ShareRowExclusive);
    let partitions = AlsoLocked::new(Through::Partitions, Some(parent.clone()), LockMode::ShareRowExclusive);
    facts.add(AlsoLocked { scans, ..partitions });
}
