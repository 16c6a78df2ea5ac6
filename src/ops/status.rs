//! What an environment has.

use super::Target;
use super::attic::retention;
use crate::base::{Failure, FailureKind, Wording};
use crate::history::attic::Totals;
use crate::pg::ledger::attic;
use crate::pg::ledger::drift::{self, DriftCheck};
use crate::pg::ledger::request::{self, Pause};
use crate::pg::ledger::unfinished::{self, UnfinishedRun};
use crate::pg::preflight::sizes;
use crate::pipeline::View;
use crate::plan::states::{Backfill, State, StateRow, recorded, states};
use crate::report::FailureAnswer;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of an environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// The environment.
    pub environment: String,
    /// The name of the database.
    pub database: String,
    /// The version of the ledger; 0: there is no ledger.
    pub ledger_version: u32,
    /// The request to pause backfills; null: backfills are not paused.
    pub paused: Option<Pause>,
    /// The last recorded comparison of the database with its ledger; null: none.
    pub drift: Option<DriftCheck>,
    /// The runs without a recorded end.
    pub runs: Vec<UnfinishedRun>,
    /// The size of the attic.
    pub attic: Totals,
    /// The changesets, in order.
    pub changesets: Vec<StateRow>,
    /// The number of changesets per state.
    pub counts: BTreeMap<State, usize>,
    /// The address of the server, without secrets.
    #[serde(skip)]
    pub place: String,
    /// The problems of the files, if the answer comes from the ledger alone.
    #[serde(skip)]
    pub broken: Option<Failure>,
}

/// What an environment has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusAnswer<'a> {
    /// What it has.
    #[serde(flatten)]
    status: &'a EnvironmentStatus,
    /// What is wrong with the files, so that only the ledger could be asked.
    #[serde(flatten)]
    broken: Option<FailureAnswer<'a>>,
}

impl EnvironmentStatus {
    /// For programs.
    #[must_use]
    pub fn answer(&self, wording: Wording) -> StatusAnswer<'_> {
        let broken = self.broken.as_ref().map(|failure| FailureAnswer::of(failure, wording));
        StatusAnswer { status: self, broken }
    }
}

/// Reads the state of the environment, and changes nothing.
///
/// # Errors
/// If the server cannot be reached. Problems in the files are in the answer.
pub async fn status(target: &Target, observer: &mut dyn Observer) -> Result<EnvironmentStatus, Failure> {
    let files = files(target)?;
    of_files(target, files.as_ref().map_err(Clone::clone), observer).await
}

/// The files, or their problems: mistakes in the files do not keep anybody from seeing what the database has.
///
/// # Errors
/// Everything but problems in the files.
pub fn files(target: &Target) -> Result<Result<View<'_>, Failure>, Failure> {
    match target.view() {
        Err(failure) if failure.kind != FailureKind::Source => Err(failure),
        found => Ok(found),
    }
}

/// Reads the state of the environment with the files as they were read.
///
/// # Errors
/// If the server cannot be reached.
pub async fn of_files(
    target: &Target,
    files: Result<&View<'_>, Failure>,
    observer: &mut dyn Observer,
) -> Result<EnvironmentStatus, Failure> {
    let (view, broken) = match files {
        Ok(view) => (Some(view), None),
        Err(failure) => (None, Some(failure)),
    };
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let paused = request::paused(&db.connection, history.version, target.ledger()).await?;
    let runs = unfinished::unfinished_runs(&db.connection, &db.server, target.ledger()).await?;
    let walks = sizes::walks(&db.connection, target.ledger(), history.version).await?;
    let mut kept = attic::entries(&db.connection, &db.server, target.ledger()).await?;
    kept.retain(|entry| entry.is_kept);
    let drift = if db.server.has_ledger { drift::last(&db.connection, target.ledger()).await? } else { None };
    let (place, database) = (db.describe(), db.server.database.clone());
    db.close().await?;
    if let Some(warning) = target.warn_bound_elsewhere(&history) {
        observer.on(&warning);
    }
    let sources = &target.workspace().loaded.sources;
    let mut changesets = match view {
        Some(view) => states(&view.changelog, &view.graph, sources, &history, &target.environment),
        None => recorded(&history),
    };
    for walk in walks {
        if let Some(row) = changesets.iter_mut().find(|row| row.id == walk.changeset) {
            row.backfill = Some(Backfill::new(walk.table, walk.seen, walk.rows));
        }
    }
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for row in &changesets {
        *counts.entry(row.state).or_default() += 1;
    }
    Ok(EnvironmentStatus {
        environment: target.environment.clone(),
        database,
        ledger_version: history.version,
        paused,
        drift,
        runs,
        attic: Totals::of(&kept, retention(target), history.now),
        changesets,
        counts,
        place,
        broken,
    })
}
