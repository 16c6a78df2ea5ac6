//! What differs between two databases, or a database and the project, as changesets.

use super::edges::generated;
use super::shadow::Trial;
use super::side::{Found, Side, connect, of_side};
use super::unless_stopped;
use super::verify::{Trying, Verified, verify};
use crate::base::{Failure, FailureKind};
use crate::generate::{Generated, GeneratedChangeset, LeftOut, Note, notes};
use crate::inspect::{Difference, NotCompared, compare};
use crate::ops::Target;
use crate::ops::progress::OnProgress;
use crate::pg::Stop;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is compared.
#[derive(Debug, Clone)]
pub struct DiffOptions {
    /// The database that the changesets are for.
    pub from: Side,
    /// What it becomes.
    pub to: Side,
    /// Only these schemas; empty: all.
    pub schemas: Vec<String>,
    /// Single statements, although they block others while a table with rows is read or written anew.
    pub blocking: bool,
    /// Does not try the changesets on a private server.
    pub unverified: bool,
}

/// What differs, and the changesets that bring the first side to the second.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffAnswer {
    /// The first side, without secrets.
    pub from: String,
    /// The second side, without secrets.
    pub to: String,
    /// What differs: `expected` is the second side, `found` the first.
    pub differences: Vec<Difference>,
    /// The changesets that bring the first side to the second, in an order in which they can be applied.
    pub changesets: Vec<GeneratedChangeset>,
    /// Differences that are in no changeset, and why.
    pub left_out: Vec<LeftOut>,
    /// What to know of the changesets before they are applied.
    pub notes: Vec<Note>,
    /// What is there and cannot be inspected.
    pub not_compared: Vec<NotCompared>,
    /// What came of the trial on a private server; null: there was none.
    pub verified: Option<Verified>,
    /// The files that were written, relative to the project; null: none.
    pub written: Option<Vec<String>>,
}

/// Compares two databases, or a database and the project. Nothing is changed.
///
/// # Errors
/// If a side cannot be read, or the private server does not start.
pub async fn diff(
    target: &Target,
    options: &DiffOptions,
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    progress: OnProgress<'_>,
) -> Result<DiffAnswer, Failure> {
    let (from, to) = (connect(&options.from, target, observer).await?, connect(&options.to, target, observer).await?);
    if from.is_none() && to.is_none() {
        return Err(Failure::new(FailureKind::Usage, "both sides are the project")
            .help("name an environment or a URL as one of them"));
    }
    let mut trial = Trial::start(target, from.as_ref().or(to.as_ref()), stop).await?;
    let work = async {
        let from = of_side(from.as_ref(), &mut trial, progress).await?;
        let to = of_side(to.as_ref(), &mut trial, progress).await?;
        compared(&mut trial, from, to, options, progress).await
    };
    let done = unless_stopped(stop, work).await;
    let closed = trial.close().await;
    let answer = done?;
    closed?;
    for db in [from, to].into_iter().flatten() {
        db.close().await?;
    }
    Ok(answer)
}

async fn compared(
    trial: &mut Trial<'_>,
    from: Found,
    to: Found,
    options: &DiffOptions,
    progress: OnProgress<'_>,
) -> Result<DiffAnswer, Failure> {
    // what the role of a side owns there is owned by its counterpart here
    trial.know_first_owners().await?;
    let wanted = trial.without_first_owners(to.catalog.with_role(&to.role, &from.role).only(&options.schemas));
    let there = trial.without_first_owners(from.catalog.only(&options.schemas));
    let trying =
        Trying { from: &there, to: &wanted, role: &from.role, schemas: &options.schemas, blocking: options.blocking };
    let Changes { generated, notes, verified } = changes(trial, &trying, &[], options.unverified, progress).await?;
    Ok(DiffAnswer {
        from: from.place,
        to: to.place,
        differences: compare(&wanted, &there),
        changesets: generated.changesets,
        left_out: generated.left_out,
        notes,
        not_compared: wanted
            .not_compared
            .iter()
            .chain(&there.not_compared)
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        verified,
        written: None,
    })
}

/// The changesets between two catalogs, tried.
pub(super) struct Changes {
    pub generated: Generated,
    pub notes: Vec<Note>,
    /// What came of the trial; `None`: there was none.
    pub verified: Option<Verified>,
}

/// The changesets between two catalogs, tried. `before`: further changesets that come before them.
pub(super) async fn changes(
    trial: &mut Trial<'_>,
    what: &Trying<'_>,
    before: &[GeneratedChangeset],
    unverified: bool,
    progress: OnProgress<'_>,
) -> Result<Changes, Failure> {
    let target = trial.target;
    let view = target.view()?;
    let known = view.changelog.changesets.iter().map(|changeset| changeset.id.clone());
    let known: BTreeSet<String> = known.chain(before.iter().map(|changeset| changeset.id.clone())).collect();
    let mut generated = generated(target, what.request(&known), before)?;
    let mut all = notes(what.from, what.to, &generated.changesets);
    let verified = if unverified || generated.changesets.is_empty() {
        None
    } else {
        let (verified, found) = verify(trial, what, &mut generated, progress).await?;
        all.extend(found);
        Some(verified)
    };
    Ok(Changes { generated, notes: all, verified })
}
