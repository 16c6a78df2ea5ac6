//! Entries of the attic that are purged or put back, as a plan.

use super::Target;
use crate::base::{Failure, Span};
use crate::history::History;
use crate::pg::Database;
use crate::pg::ledger::{attic, audit};
use crate::plan::attic::{Which, compile, to_purge, to_restore};
use crate::plan::{Direction, Plan};

/// How long the environment keeps what was dropped.
#[must_use]
pub fn retention(target: &Target) -> Option<Span> {
    target.config()?.attic.map(|attic| attic.keep)
}

/// Entries of the attic that are purged or put back, as far as they are still there.
pub struct AtticWork<'a> {
    /// The environment.
    pub target: &'a Target,
    /// Purge or restore.
    pub direction: Direction,
    /// Which entries.
    pub which: Which,
}

impl AtticWork<'_> {
    /// Compiles what is to run.
    ///
    /// # Errors
    /// What cannot be put back, and what was changed by hand.
    pub async fn compile(&self, db: &Database, history: &History) -> Result<Plan, Failure> {
        Ok(self.choose(db, history).await?.0)
    }

    /// The same, with what is to be said of it.
    ///
    /// # Errors
    /// As [`AtticWork::compile`].
    pub async fn choose(&self, db: &Database, history: &History) -> Result<(Plan, Vec<String>), Failure> {
        let target = self.target;
        let entries = attic::entries(&db.connection, &db.server, target.ledger()).await?;
        let chosen = match (self.direction, &self.which) {
            (Direction::Restore, Which::Ids(ids)) => to_restore(&entries, ids)?,
            _ => to_purge(&entries, &self.which, &target.environment, retention(target), history.now)?,
        };
        let limits = target.workspace().loaded.config.limits(&target.environment).resolve();
        let plan = compile(&target.environment, target.ledger(), self.direction, limits, &chosen.entries);
        let ids: Vec<String> = plan.steps.iter().map(|step| step.changeset.clone()).collect();
        if !ids.is_empty() {
            audit::check_recorded(&db.connection, target.ledger(), &ids).await?;
        }
        let mut notes = chosen.left;
        let mut without: Vec<String> =
            chosen.entries.iter().filter(|e| e.by_rollback).map(|e| format!("`{}`", e.changeset)).collect();
        without.dedup();
        if self.direction == Direction::Purge && !without.is_empty() {
            notes.push(format!("then these cannot be rolled back any more: {}", without.join(", ")));
        }
        Ok((plan, notes))
    }
}
