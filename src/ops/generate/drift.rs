//! What differs between a database and what its ledger says that it is.

use super::diff::{Changes, changes};
use super::expected::Expected;
use super::shadow::Trial;
use super::side::of_database;
use super::unless_stopped;
use super::verify::{Trying, Verified};
use crate::base::{Failure, FailureKind, Operation};
use crate::generate::{GeneratedChangeset, LeftOut, Note};
use crate::history::{EventKind, RecordedStatus};
use crate::inspect::{Difference, NotCompared, Snapshot, compare};
use crate::ledger::schema;
use crate::ops::Target;
use crate::ops::progress::OnProgress;
use crate::pg::ledger::events::{self, NewEvent};
use crate::pg::{Database, Stop};
use crate::run::{Event, Observer};
use crate::source::drift::DriftIgnore;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// Objects that the ledger notes of a comparison.
const MOST_NOTED: usize = 50;

/// What is done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Resolution {
    /// Changesets that bring the other environments to what this database has.
    Adopt,
    /// Changesets that bring this database back to what the ledger says.
    Revert,
}

/// How drift is looked for.
#[derive(Debug, Clone, Default)]
pub struct DriftOptions {
    /// The changesets that are made; absent: none.
    pub resolution: Option<Resolution>,
    /// Does not try the changesets on a private server.
    pub unverified: bool,
    /// Whether the ledger notes the result.
    pub record: bool,
}

/// What differs, and is no drift.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Ignored {
    /// What differs.
    pub difference: Difference,
    /// Why it is no drift, as dagmar.yaml says.
    pub reason: String,
}

/// What differs between a database and its ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftAnswer {
    /// The environment.
    pub environment: String,
    /// The database, without secrets.
    pub database: String,
    /// The number of applied changesets that make the expected catalog.
    pub applied: usize,
    /// Whether anything differs that is not ignored.
    pub drifted: bool,
    /// What differs: `expected` is what the ledger says, `found` what the database has.
    pub differences: Vec<Difference>,
    /// What differs, and is ignored by dagmar.yaml.
    pub ignored: Vec<Ignored>,
    /// What the changesets do; null: none were asked for.
    pub resolution: Option<Resolution>,
    /// The changesets that describe what was changed by hand; for `revert` those that take it back follow.
    pub changesets: Vec<GeneratedChangeset>,
    /// Those of the changesets whose effect the database already has: `baseline` marks them as applied.
    pub to_baseline: Vec<String>,
    /// Differences that are in no changeset, and why.
    pub left_out: Vec<LeftOut>,
    /// What to know of the changesets before they are applied.
    pub notes: Vec<Note>,
    /// What is there and cannot be inspected.
    pub not_compared: Vec<NotCompared>,
    /// What came of the trial of the changesets on a private server; null: there was none.
    pub verified: Option<Verified>,
    /// The files that were written, relative to the project; null: none.
    pub written: Option<Vec<String>>,
    /// Whether the ledger notes the result.
    pub recorded: bool,
}

impl DriftAnswer {
    /// The failure of a database that has drifted.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.drifted.then(|| {
            let count = crate::base::count(self.differences.len(), "difference");
            Failure::new(FailureKind::Findings, format!("{} has drifted: {count}", self.environment))
        })
    }
}

/// Compares the database of the environment with what its ledger says. Nothing is changed but the ledger, if the result is
/// recorded.
///
/// # Errors
/// If the database cannot be read, or what the ledger records cannot be applied to an empty database.
pub async fn drift(
    target: &Target,
    options: &DriftOptions,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    progress: OnProgress<'_>,
) -> Result<DriftAnswer, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    if let Some(warning) = target.warn_bound_elsewhere(&history) {
        observer.on(&warning);
    }
    for (id, recorded) in &history.changesets {
        if recorded.status != RecordedStatus::Applied && recorded.segments.iter().any(|segment| segment.done) {
            observer
                .on(&Event::warning(format!("`{id}` is partly applied: what it has made so far is shown as drift")));
        }
    }
    let found = of_database(target, &db).await?;
    let role = owner(&db, target).await?;
    let expected = Expected::of(target, &db, &history, &role).await?;
    let (catalog, trial) = match expected.kept().filter(|_| options.resolution.is_none()) {
        Some(catalog) => (catalog, None),
        None => {
            let mut trial = Trial::start(target, Some(&db), stop).await?;
            match unless_stopped(stop, expected.make(&mut trial, progress)).await {
                Ok(catalog) => (catalog, Some(trial)),
                Err(failure) => {
                    trial.close().await?;
                    return Err(failure);
                }
            }
        }
    };
    let rules = rules(target);
    let (mut there, mut wanted) = (found.catalog.with_owners_as(&catalog), catalog);
    let (mut differences, mut passed_over) = (Vec::new(), Vec::new());
    for difference in compare(&wanted, &there) {
        match ignored(&rules, &difference, &wanted, &there) {
            Some(rule) => passed_over.push(Ignored { difference, reason: rule.reason.clone() }),
            None => differences.push(difference),
        }
    }
    let mut answer = DriftAnswer {
        environment: target.environment.clone(),
        database: found.place,
        applied: expected.changesets(),
        drifted: differences.iter().any(|difference| !difference.is_move()),
        differences,
        ignored: passed_over,
        resolution: options.resolution,
        changesets: Vec::new(),
        to_baseline: Vec::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
        not_compared: there.not_compared.clone(),
        verified: None,
        written: None,
        recorded: false,
    };
    if let Some(mut trial) = trial {
        if let Some(resolution) = options.resolution.filter(|_| answer.drifted) {
            for ignored in &answer.ignored {
                there.settle(&mut wanted, &ignored.difference);
            }
            let adopting = Trying { from: &wanted, to: &there, role: &role, schemas: &[], blocking: false };
            let work = resolve(&mut trial, resolution, &adopting, options.unverified, &mut answer, progress);
            if let Err(failure) = unless_stopped(stop, work).await {
                trial.close().await?;
                return Err(failure);
            }
        }
        trial.close().await?;
    }
    if options.record {
        record(target, &db, history.version, &answer).await?;
        answer.recorded = true;
    }
    db.close().await?;
    Ok(answer)
}

/// Adds the changesets that adopt, or adopt and take back: the history of the database stays one that makes it of an
/// empty one.
async fn resolve(
    trial: &mut Trial<'_>,
    resolution: Resolution,
    adopting: &Trying<'_>,
    unverified: bool,
    answer: &mut DriftAnswer,
    progress: OnProgress<'_>,
) -> Result<(), Failure> {
    let reverting = Trying { from: adopting.to, to: adopting.from, ..*adopting };
    let Changes { generated: adopting, notes, mut verified } =
        changes(trial, adopting, &[], unverified, progress).await?;
    answer.to_baseline = adopting.changesets.iter().map(|changeset| changeset.id.clone()).collect();
    answer.changesets = adopting.changesets;
    answer.left_out = adopting.left_out;
    if resolution == Resolution::Adopt {
        answer.notes = notes;
    }
    if resolution == Resolution::Revert {
        let Changes { generated: reverting, notes, verified: tried } =
            changes(trial, &reverting, &answer.changesets, unverified, progress).await?;
        answer.changesets.extend(reverting.changesets);
        answer.left_out.extend(reverting.left_out);
        // those that describe the drift are marked here, and never run
        answer.notes = notes;
        verified = verified.filter(|verified| !verified.is_good()).or(tried);
        // the others have no drift to take back
        answer.changesets.iter_mut().for_each(|changeset| changeset.environments = vec![answer.environment.clone()]);
    }
    answer.verified = verified;
    Ok(())
}

/// The role that owns what dagmar makes there: that of the ledger.
pub(super) async fn owner(db: &Database, target: &Target) -> Result<String, Failure> {
    let sql = format!(
        "SELECT pg_catalog.pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace WHERE nspname = {}",
        crate::base::name::quote_literal(target.ledger().as_str())
    );
    let rows = db.connection.query("cannot read the owner of the ledger", &sql).await?;
    Ok(match rows.first() {
        Some(row) => row.get(0)?,
        None => db.server.user.clone(),
    })
}

/// The rules of the project and of the environment.
pub(super) fn rules(target: &Target) -> Vec<DriftIgnore> {
    let all = &target.workspace().loaded.config.drift.ignore;
    let own = target.config().and_then(|environment| environment.drift.as_ref()).map(|policy| policy.ignore.as_slice());
    all.iter().chain(own.unwrap_or_default()).cloned().collect()
}

/// The rule by which a difference is no drift.
pub(super) fn ignored<'r>(
    rules: &'r [DriftIgnore],
    difference: &Difference,
    wanted: &Snapshot,
    there: &Snapshot,
) -> Option<&'r DriftIgnore> {
    rules.iter().find(|rule| is_ignored(rule, difference, wanted, there))
}

fn is_ignored(rule: &DriftIgnore, difference: &Difference, wanted: &Snapshot, there: &Snapshot) -> bool {
    let property = match &difference.change {
        crate::inspect::Change::Changed { property, .. } => Some(property),
        _ => None,
    };
    if rule.property.is_some() && rule.property.as_ref() != property {
        return false;
    }
    [wanted, there].into_iter().any(|catalog| {
        let mut at = Some(&difference.object);
        while let Some(key) = at {
            if rule.object.matches(&key.to_string()) {
                return true;
            }
            at = catalog.get(key).and_then(|object| object.parent.as_ref());
        }
        false
    })
}

/// Notes the result in the ledger.
async fn record(target: &Target, db: &Database, version: u32, answer: &DriftAnswer) -> Result<(), Failure> {
    db.check_writable()?;
    if version != schema::VERSION {
        return Err(Failure::new(
            FailureKind::Refused,
            "the result cannot be recorded: the database has no ledger of this version",
        )
        .help(Operation::LedgerInstall.at(&target.environment) + " makes it"));
    }
    let objects: Vec<String> =
        answer.differences.iter().take(MOST_NOTED).map(|difference| difference.object.to_string()).collect();
    let detail = json!({
        "environment": target.environment,
        "serverVersion": db.server.release(),
        "differences": answer.differences.iter().filter(|difference| !difference.is_move()).count(),
        "ignored": answer.ignored.len(),
        "objects": objects,
    });
    let event = NewEvent { kind: EventKind::DriftChecked, detail };
    events::insert(&db.connection, target.ledger(), &target.actor, None, &[event]).await
}
