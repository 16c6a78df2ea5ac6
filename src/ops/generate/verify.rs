//! Generated changesets, tried on a private server: they must make one catalog of the other, and their rollbacks the
//! first one again.

use super::bodies;
use super::edges::generated_alone;
use super::shadow::{Trial, Tried};
use crate::base::Failure;
use crate::generate::{Generated, GeneratedChangeset, Note, Request};
use crate::inspect::{Difference, Snapshot, compare};
use crate::ops::progress::OnProgress;
use crate::ops::rollback;
use crate::pg::Database;
use crate::plan::rollback::Target as Back;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// What came of the trial on a private server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The version of PostgreSQL on which the changesets were applied.
    pub server_version: String,
    /// What still differs after all changesets.
    pub differences: Vec<Difference>,
    /// The changeset that failed, and why; null: none.
    pub failed: Option<String>,
    /// What differs after the rollback of all changesets; null: it was not tried.
    pub rollback_differences: Option<Vec<Difference>>,
    /// Why the rollback failed; null: it did not.
    pub rollback_failed: Option<String>,
    /// The irreversible changesets, with which the rollback was not tried.
    pub irreversible: Vec<String>,
}

impl Verified {
    /// Whether the changesets make what they are for, and can be rolled back.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let right = |differences: &[Difference]| differences.iter().all(Difference::is_move);
        right(&self.differences)
            && self.failed.is_none()
            && self.rollback_failed.is_none()
            && self.rollback_differences.as_ref().is_none_or(|differences| right(differences))
    }
}

/// What is tried.
pub(super) struct Trying<'a> {
    pub from: &'a Snapshot,
    pub to: &'a Snapshot,
    /// The role that owns what is made, where the catalogs are from.
    pub role: &'a str,
    /// Only these schemas are looked at; empty: all.
    pub schemas: &'a [String],
    /// Single statements, although they block others.
    pub blocking: bool,
}

impl<'a> Trying<'a> {
    /// Asks for the changesets, with ids that are not among `known`.
    pub fn request(&self, known: &'a BTreeSet<String>) -> Request<'a> {
        Request { from: self.from, to: self.to, role: self.role, known, uses: BTreeSet::new(), blocking: self.blocking }
    }
}

/// Makes a database with the one catalog, applies the changesets, compares with the other, rolls back and compares again.
/// What has to be known of them comes along; a function whose body is not valid is created without a check.
pub(super) async fn verify(
    trial: &mut Trial<'_>,
    what: &Trying<'_>,
    generated: &mut Generated,
    progress: OnProgress<'_>,
) -> Result<(Verified, Vec<Note>), Failure> {
    let mut verified = Verified { server_version: trial.shadow.version.clone(), ..Verified::default() };
    let mut db = trial.database().await?;
    let empty = read(trial, &db, what).await?;
    // what cannot be made is no fault of the changesets
    let known: BTreeSet<String> = generated.changesets.iter().map(|changeset| changeset.id.clone()).collect();
    let request =
        Request { from: &empty, to: what.from, role: what.role, known: &known, uses: BTreeSet::new(), blocking: true };
    let mut base = generated_alone(trial.target, request)?;
    let made =
        bodies::apply(trial, &mut db, &mut base.changesets, "make the database on a private server", progress).await?;
    let mut notes = bodies::roll_back_unchecked(&mut generated.changesets, &made.objects());
    if let Tried::Failed(error) = made.tried {
        verified.failed = Some(format!("the database cannot be made on a private server: {}", error.message));
        return Ok((verified, notes));
    }
    let begun = read(trial, &db, what).await?;
    let known = compare(what.from, &begun);
    let applied = bodies::apply(trial, &mut db, &mut generated.changesets, "apply the changesets", progress).await?;
    notes.extend(applied.refused);
    if let Tried::Failed(error) = applied.tried {
        verified.failed = Some(format!("`{}`: {}", error.changeset, error.message));
        return Ok((verified, notes));
    }
    let done = read(trial, &db, what).await?;
    let is_told = |difference: &Difference| {
        generated.left_out.iter().any(|left| left.object == difference.object && left.is_about(difference))
    };
    verified.differences = compare(what.to, &done)
        .into_iter()
        .filter(|difference| !known.contains(difference) && !is_told(difference))
        .collect();
    back(trial, &mut db, what, generated, &begun, &mut verified).await?;
    db.close().await?;
    Ok((verified, notes))
}

/// Rolls all changesets back.
async fn back(
    trial: &Trial<'_>,
    db: &mut Database,
    what: &Trying<'_>,
    generated: &Generated,
    begun: &Snapshot,
    verified: &mut Verified,
) -> Result<(), Failure> {
    let changesets = generated.changesets.iter().rev();
    let ids: Vec<String> = changesets.map(|changeset| changeset.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let irreversible = |changeset: &&GeneratedChangeset| {
        changeset.rollback.as_ref().is_some_and(|rollback| rollback.get("irreversible").is_some())
    };
    let never = generated.changesets.iter().filter(irreversible).map(|changeset| changeset.id.clone());
    verified.irreversible = never.collect();
    if !verified.irreversible.is_empty() {
        return Ok(());
    }
    let history = db.history().await?;
    let plan = match rollback::compile(trial.target, db, &history, &Back::Ids(ids), false).await {
        Ok(plan) => plan,
        Err(failure) => {
            verified.rollback_failed = Some(failure.message);
            return Ok(());
        }
    };
    if let Some(error) = trial.run(db, plan).await? {
        verified.rollback_failed = Some(format!("`{}`: {}", error.changeset, error.message));
        return Ok(());
    }
    verified.rollback_differences = Some(compare(begun, &read(trial, db, what).await?));
    Ok(())
}

async fn read(trial: &Trial<'_>, db: &Database, what: &Trying<'_>) -> Result<Snapshot, Failure> {
    Ok(trial.read(db).await?.with_role(&trial.role, what.role).only(what.schemas))
}
