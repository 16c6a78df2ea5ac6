//! The rows that are there before a changeset.

use crate::base::QualifiedName;
use crate::inspect::{Delta, ObjectKind};
use crate::pg::rows::Fixtures;
use crate::plan::Step;
use crate::proof::{ChangesetProof, Leg, ProofFinding};
use crate::rows::{Contents, Fixture};
use std::collections::{BTreeMap, BTreeSet};

/// The generated rows that a step is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trial {
    /// As they are: with values that rollbacks lose.
    All,
    /// With ordinary values in the tables that it touches.
    Plain,
    /// Without rows in these tables.
    None,
}

impl Trial {
    /// What is tried after this one fails.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Trial::All => Some(Trial::Plain),
            Trial::Plain => Some(Trial::None),
            Trial::None => None,
        }
    }
}

/// The rows of the database on which changesets are proven.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Whether rows are looked at.
    pub wanted: bool,
    /// All of them, as they were before the changeset.
    pub before: Contents,
    /// The tables without rows, and the reason.
    pub skipped: BTreeMap<QualifiedName, String>,
    /// The fixtures that are still to be loaded.
    pub fixtures: Fixtures,
    /// The tables of fixtures: none of their rows are generated.
    pub given: BTreeSet<QualifiedName>,
    /// The changesets that are applied to the database.
    pub applied: BTreeSet<String>,
}

impl Rows {
    /// The fixtures of a project, and generated rows.
    pub(super) fn of(fixtures: Vec<Fixture>) -> Self {
        let tables = |fixture: &Fixture| match fixture {
            Fixture::Rows(tables) => tables.iter().map(|table| table.table.clone()).collect(),
            Fixture::Text(_) => Vec::new(),
        };
        let given = fixtures.iter().flat_map(tables).collect();
        Self { wanted: true, given, fixtures: Fixtures::new(fixtures), ..Self::default() }
    }

    /// Forgets the rows of tables that are not there any more.
    pub(super) fn forget(&mut self, delta: &Delta) {
        let gone = delta.changed.iter().filter(|(key, object)| key.kind == ObjectKind::Table && object.is_none());
        let gone: BTreeSet<&str> = gone.map(|(key, _)| key.name.as_str()).collect();
        if !gone.is_empty() {
            self.before.tables.retain(|name, _| !gone.contains(name.sql().as_str()));
        }
    }

    /// Whether a step may fail because of generated rows: there are some, and none of fixtures in the tables that it
    /// touches.
    pub(super) fn may_not_fit(&self, step: &Step) -> bool {
        let given = |name: &QualifiedName| self.given.iter().any(|given| given.name == name.name);
        self.wanted
            && self.before.count() > 0
            && !step.touches.iter().flatten().any(|touch| touch.object.is_relation() && given(&touch.name))
    }
}

/// Adds findings about objects of which the proof has said nothing yet, or nothing of rows where it is about rows.
pub(super) fn add_new(findings: Vec<ProofFinding>, proof: &mut ChangesetProof) {
    let told: BTreeSet<(bool, String)> =
        proof.differences.iter().filter_map(|known| Some((known.leg == Leg::Data, known.object.clone()?))).collect();
    for finding in findings {
        let is_told =
            finding.object.as_ref().is_some_and(|object| told.contains(&(finding.leg == Leg::Data, object.clone())));
        if !is_told {
            proof.find(finding);
        }
    }
}
