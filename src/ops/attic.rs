//! Entries of the attic that are purged or put back, as a plan.

use super::Target;
use crate::base::remedy::Call;
use crate::base::{Failure, HumanDuration};
use crate::history::History;
use crate::history::attic::{Entry, ListedEntry, Totals};
use crate::pg::Database;
use crate::pg::ledger::{attic, audit};
use crate::plan::attic::{EntrySelection, compile, to_purge, to_restore};
use crate::plan::{Direction, Plan};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;

/// The retention of the environment.
#[must_use]
pub fn retention(target: &Target) -> Option<HumanDuration> {
    target.config()?.attic.map(|attic| attic.keep)
}

/// The entries of the attic.
pub struct Kept {
    /// The environment.
    pub environment: String,
    /// The name of the database.
    pub database: String,
    /// The retention of the environment; absent: unlimited.
    pub keep: Option<HumanDuration>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The total size.
    pub totals: Totals,
    /// The time of the server, in milliseconds since 1970.
    pub now: i64,
    /// The address of the server, without secrets.
    pub place: String,
}

/// The entries of the attic, for programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Attic")]
pub struct AtticAnswer<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The name of the database.
    pub database: &'a str,
    /// The retention of the environment; null: unlimited.
    pub keep: Option<HumanDuration>,
    /// The entries.
    pub entries: Vec<ListedEntry<'a>>,
    /// The total size.
    pub totals: Totals,
}

impl Kept {
    /// The entries as JSON output; `command` words what restores an entry.
    #[must_use]
    pub fn answer(&self, command: impl Fn(&Call) -> String) -> AtticAnswer<'_> {
        AtticAnswer {
            environment: &self.environment,
            database: &self.database,
            keep: self.keep,
            entries: self.entries.iter().map(|entry| entry.listed(self.keep, self.now, &command)).collect(),
            totals: self.totals,
        }
    }
}

/// Reads the entries of the attic, and changes nothing.
///
/// # Errors
/// If the server cannot be reached.
pub async fn kept(target: &Target, observer: &mut dyn Observer) -> Result<Kept, Failure> {
    let keep = retention(target);
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let mut entries = attic::entries(&db.connection, &db.server, target.ledger()).await?;
    let (place, database) = (db.describe(), db.server.database.clone());
    db.close().await?;
    if let Some(warning) = target.warn_bound_elsewhere(&history) {
        observer.on(&warning);
    }
    entries.retain(|e| e.is_kept);
    let totals = Totals::of(&entries, keep, history.now);
    Ok(Kept { environment: target.environment.clone(), database, keep, entries, totals, now: history.now, place })
}

/// A purge or a restore of attic entries.
pub struct AtticWork<'a> {
    /// The environment.
    pub target: &'a Target,
    /// Purge or restore.
    pub direction: Direction,
    /// The selected entries.
    pub which: EntrySelection,
}

impl AtticWork<'_> {
    /// Compiles the purge or restore.
    ///
    /// # Errors
    /// Entries that cannot be restored, or that were changed manually.
    pub async fn compile(&self, db: &Database, history: &History) -> Result<Plan, Failure> {
        Ok(self.choose(db, history).await?.0)
    }

    /// Compiles the purge or restore, with notes for the user.
    ///
    /// # Errors
    /// As [`AtticWork::compile`].
    pub async fn choose(&self, db: &Database, history: &History) -> Result<(Plan, Vec<String>), Failure> {
        let target = self.target;
        let entries = attic::entries(&db.connection, &db.server, target.ledger()).await?;
        let chosen = match (self.direction, &self.which) {
            (Direction::Restore, EntrySelection::Ids(ids)) => to_restore(&entries, ids)?,
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
