//! What a database has as a plan that brings an empty one there, from what the ledger keeps.

use super::model::{Direction, Plan, Step, StepReason};
use super::rollback::Stored;
use super::waves;
use crate::base::Ident;
use crate::history::{History, Recorded, RecordedStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is applied, in the order in which it came, as it was run then: with one connection it
/// runs in that order. What is partly applied is not in it, nor what was skipped.
#[must_use]
pub fn again(environment: &str, ledger: &Ident, history: &History, mut stored: BTreeMap<String, Stored>) -> Plan {
    let mut applied: Vec<_> = history.changesets.iter().filter(|(_, r)| r.status == RecordedStatus::Applied).collect();
    applied.sort_by_key(|(_, recorded)| recorded.ordinal);
    let mut steps: Vec<Step> = Vec::with_capacity(applied.len());
    let mut done = BTreeSet::new();
    for (id, recorded) in applied {
        let Some(row) = stored.remove(id) else { continue };
        done.insert(id);
        // as recorded: a dry run of the way back deletes these rows in the order of the edges; one that was applied
        // again later does not come before what needs it
        let requires = recorded.requires.iter().filter(|needed| done.contains(*needed)).cloned().collect();
        steps.push(Step { requires, ..applied_step(id, recorded, row) });
    }
    waves::plan(environment, ledger, Direction::Forward, steps)
}

/// An applied changeset as it was run, without its edges.
#[must_use]
pub fn applied_step(id: &str, recorded: &Recorded, row: Stored) -> Step {
    Step {
        changeset: id.to_owned(),
        file: row.file,
        description: recorded.description.clone(),
        author: row.author,
        labels: row.labels,
        environments: Vec::new(),
        phase: None,
        direction: Direction::Forward,
        wave: 0,
        why: StepReason::Pending,
        requires: Vec::new(),
        repeatable: recorded.repeatable,
        checksum: recorded.checksum.clone(),
        digest: recorded.digest.clone(),
        body: row.body,
        touches: row.forward.touches,
        preconditions: Vec::new(),
        segments: row.forward.segments,
        verify: row.forward.verify,
        rollback: row.rollback,
    }
}
