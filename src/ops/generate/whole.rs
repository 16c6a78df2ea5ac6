//! An existing database as changesets.

use super::edges::generated;
use super::shadow::Trial;
use super::side::of_database;
use super::unless_stopped;
use super::verify::{Trying, Verified, verify};
use crate::base::name::quote_ident;
use crate::base::{Failure, FailureKind, Operation};
use crate::generate::{GeneratedChangeset, LeftOut, Note};
use crate::inspect::NotCompared;
use crate::ops::Target;
use crate::ops::progress::OnProgress;
use crate::pg::Stop;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is generated.
#[derive(Debug, Clone, Default)]
pub struct GenerateOptions {
    /// Only these schemas; empty: all.
    pub schemas: Vec<String>,
    /// Does not try the changesets on a private server.
    pub unverified: bool,
}

/// A database as changesets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GenerateAnswer {
    /// The environment.
    pub environment: String,
    /// The database, without secrets.
    pub database: String,
    /// The version of its server.
    pub server_version: String,
    /// The changesets, in an order in which they can be applied.
    pub changesets: Vec<GeneratedChangeset>,
    /// Objects that are in no changeset, and why.
    pub left_out: Vec<LeftOut>,
    /// What to know of the changesets before they are applied: functions whose bodies are not valid.
    pub notes: Vec<Note>,
    /// What is there and cannot be inspected.
    pub not_compared: Vec<NotCompared>,
    /// What came of the trial on a private server; null: there was none.
    pub verified: Option<Verified>,
    /// The files that were written, relative to the project; null: none.
    pub written: Option<Vec<String>>,
}

/// Turns the database of the environment into changesets. Nothing is changed.
///
/// # Errors
/// If the project already has changesets, the database cannot be read, or the private server does not start.
pub async fn generate(
    target: &Target,
    options: &GenerateOptions,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    progress: OnProgress<'_>,
) -> Result<GenerateAnswer, Failure> {
    let view = target.view()?;
    if let Some(changeset) = view.changelog.changesets.first() {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("the project already has changesets: `{}` and others", changeset.id),
        )
        .help(Operation::Diff + " compares the project with a database and writes what is lacking"));
    }
    let db = target.connect(observer).await?;
    let mut found = of_database(target, &db).await?;
    found.catalog = found.catalog.only(&options.schemas);
    let is_missing = |schema: &&String| {
        let schema = quote_ident(schema);
        !found.catalog.objects().keys().any(|key| key.name == *schema)
    };
    if let Some(missing) = options.schemas.iter().find(is_missing) {
        return Err(Failure::new(FailureKind::Usage, format!("the database has no schema `{missing}`")));
    }
    let mut trial = Trial::start(target, Some(&db), stop).await?;
    db.close().await?;
    let work = async {
        let empty = trial.database().await?;
        let catalog = trial.read(&empty).await?.with_role(&trial.role, &found.role).only(&options.schemas);
        empty.close().await?;
        let wanted = trial.without_first_owners(found.catalog);
        let trying =
            Trying { from: &catalog, to: &wanted, role: &found.role, schemas: &options.schemas, blocking: true };
        let mut generated = generated(target, trying.request(&BTreeSet::new()), &[])?;
        let (verified, notes) = if options.unverified {
            (None, Vec::new())
        } else {
            let (verified, notes) = verify(&mut trial, &trying, &mut generated, progress).await?;
            (Some(verified), notes)
        };
        Ok((generated, notes, verified, wanted.not_compared))
    };
    let done = unless_stopped(stop, work).await;
    let closed = trial.close().await;
    let (generated, notes, verified, not_compared) = done?;
    closed?;
    Ok(GenerateAnswer {
        environment: target.environment.clone(),
        database: found.place,
        server_version: found.version,
        not_compared,
        changesets: generated.changesets,
        left_out: generated.left_out,
        notes,
        verified,
        written: None,
    })
}
