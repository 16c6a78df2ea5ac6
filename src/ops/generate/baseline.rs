//! Whether a database has what changesets make, so that they can be marked as applied there.

use super::drift::{ignored, owner, rules};
use super::effects::without_effect;
use super::shadow::{Trial, Tried};
use super::side::of_database;
use super::unless_stopped;
use crate::base::{Failure, FailureKind, Operation, Setting, count};
use crate::graph::select::select;
use crate::history::History;
use crate::inspect::{Change, Difference, ObjectKey, Snapshot, compare, words};
use crate::ops::Target;
use crate::ops::manual::mark::Marked;
use crate::ops::progress::OnProgress;
use crate::ops::rehearsal::recorded;
use crate::pg::Stop;
use crate::pg::run::rehearse::DryRunError;
use crate::plan::{Step, renamed};
use crate::run::Observer;
use crate::source::drift::DriftIgnore;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Differences that the failure tells.
const MOST_TOLD: usize = 20;

/// Changesets whose effect a database has.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The changesets, in order.
    pub changesets: Vec<String>,
    /// Those of them that do not change the catalog: nothing tells whether the database has their effect.
    pub without_effect: Vec<String>,
    /// The database, without secrets.
    pub database: String,
    /// What the ledger said when the catalogs were compared.
    pub history: History,
}

impl Baseline {
    /// The changesets to mark: those whose effect was seen; `with_data`: all.
    ///
    /// # Errors
    /// If there is none.
    pub fn to_mark(&self, with_data: bool) -> Result<Vec<String>, Failure> {
        let ids = self.changesets.iter().filter(|id| with_data || !self.without_effect.contains(id));
        let ids: Vec<String> = ids.cloned().collect();
        if ids.is_empty() {
            return Err(Failure::new(
                FailureKind::Refused,
                "no pending changeset changes the catalog: nothing tells whether the database has their effect",
            )
            .note(format!("pending: {}", self.without_effect.join(", ")))
            .help(
                Operation::Baseline.with(Setting::IncludeData).with(Setting::Reason.open()) + " marks them as well",
            ));
        }
        Ok(ids)
    }
}

/// The result of `baseline`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baselined {
    /// The marks.
    #[serde(flatten)]
    pub marked: Marked,
    /// The pending changesets that do not change the catalog, such as those that change rows; `changesets` has them only if
    /// they were to be marked as well.
    pub without_effect: Vec<String>,
}

/// Compares the database of the environment with what it would have if the pending changesets had been applied to what its
/// ledger records. `selectors`: only these, with what they depend on; empty: all.
///
/// # Errors
/// If anything differs, nothing is pending, or the changesets cannot be applied to an empty database.
pub async fn baseline(
    target: &Target,
    selectors: &[String],
    observer: &mut dyn Observer,
    stop: &Arc<Stop>,
    progress: OnProgress<'_>,
) -> Result<Baseline, Failure> {
    let view = target.view()?;
    let chosen = if selectors.is_empty() {
        view.graph.order().iter().copied().collect()
    } else {
        let chosen =
            select(selectors, &view.changelog, &view.graph).map_err(|why| Failure::new(FailureKind::Usage, why))?;
        view.graph.with_ancestors(chosen)
    };
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    target.check_bound(&history)?;
    let pending = pending(view.steps()?, &chosen, &history.with_new_ids(&renamed(&view.changelog, &history)));
    if pending.is_empty() {
        return Err(Failure::new(FailureKind::Refused, "nothing is pending: there is nothing to mark")
            .help(Operation::Status + " shows what is applied"));
    }
    let found = of_database(target, &db).await?;
    let role = owner(&db, target).await?;
    let plan = recorded(target, &db, &history).await?;
    let mut trial = Trial::start(target, Some(&db), stop).await?;
    db.close().await?;
    let changesets: Vec<String> = pending.iter().map(|step| step.changeset.clone()).collect();
    let work = async {
        let what = "apply the changesets on a private server";
        let mut made = trial.database().await?;
        if let Tried::Failed(error) = trial.apply_steps(&mut made, plan.steps, what, progress).await? {
            return Err(cannot_apply(&error));
        }
        let before = trial.read(&made).await?.with_role(&trial.role, &role);
        let (tried, without_effect) = without_effect(&trial, &mut made, pending, &before, what, progress).await?;
        if let Tried::Failed(error) = tried {
            return Err(cannot_apply(&error));
        }
        let catalog = trial.read(&made).await?.with_role(&trial.role, &role);
        made.close().await?;
        Ok((before, catalog, without_effect))
    };
    let made = unless_stopped(stop, work).await;
    trial.close().await?;
    let (before, wanted, without_effect) = made?;
    let there = found.catalog.with_owners_as(&wanted);
    let compared = Compared { before: &before, wanted: &wanted, there: &there, rules: &rules(target) };
    let differences = compared.differences();
    if !differences.is_empty() {
        return Err(refusal(target, &differences));
    }
    Ok(Baseline { changesets, without_effect, database: found.place, history })
}

/// The chosen steps that are not applied.
fn pending(steps: Vec<(usize, Step)>, chosen: &BTreeSet<usize>, history: &History) -> Vec<Step> {
    let steps = steps
        .into_iter()
        .filter(|(position, step)| chosen.contains(position) && !history.changesets.contains_key(&step.changeset));
    steps.map(|(_, step)| step).collect()
}

fn cannot_apply(error: &DryRunError) -> Failure {
    let message = format!("`{}` cannot be applied to an empty database: {}", error.changeset, error.message);
    Failure::new(FailureKind::Failed, message).help("nothing was marked")
}

/// The catalog of a database, and those that changesets make.
struct Compared<'a> {
    /// What the ledger records.
    before: &'a Snapshot,
    /// The same with the pending changesets.
    wanted: &'a Snapshot,
    /// What the database has.
    there: &'a Snapshot,
    rules: &'a [DriftIgnore],
}

impl<'a> Compared<'a> {
    /// What keeps the changesets from being marked. With a rule that says that it is no drift: a pending changeset makes it.
    fn differences(&self) -> Vec<(Difference, Option<&'a DriftIgnore>)> {
        let all = compare(self.wanted, self.there).into_iter().filter(|difference| !difference.is_move());
        let judged = all.map(|difference| {
            let rule = ignored(self.rules, &difference, self.wanted, self.there);
            (difference, rule)
        });
        judged.filter(|(difference, rule)| rule.is_none() || self.is_pending(difference)).collect()
    }

    /// Whether a pending changeset makes, changes or drops what differs, or a part of it.
    fn is_pending(&self, difference: &Difference) -> bool {
        let key = &difference.object;
        match &difference.change {
            Change::Changed { property, .. } => match (self.before.get(key), self.wanted.get(key)) {
                (Some(before), Some(wanted)) => before.property(property) != wanted.property(property),
                (before, wanted) => before.is_some() || wanted.is_some(),
            },
            Change::Missing | Change::Extra | Change::Moved { .. } => self.is_touched(key),
        }
    }

    fn is_touched(&self, key: &ObjectKey) -> bool {
        let is_changed = match (self.before.get(key), self.wanted.get(key)) {
            (None, None) => false,
            (Some(before), Some(wanted)) => before.properties != wanted.properties,
            _ => true,
        };
        let mut parts = self.before.children(key).chain(self.wanted.children(key));
        is_changed || parts.any(|part| self.is_touched(part))
    }
}

fn refusal(target: &Target, differences: &[(Difference, Option<&DriftIgnore>)]) -> Failure {
    let mut failure = Failure::new(
        FailureKind::Refused,
        format!(
            "the database of {} is not what the changesets make: {}; nothing was marked",
            target.environment,
            count(differences.len(), "difference")
        ),
    );
    for (difference, rule) in differences.iter().take(MOST_TOLD) {
        failure = failure.notes(words(difference).lines());
        if let Some(rule) = rule {
            failure = failure.note(format!(
                "the rule `{}` of drift.ignore does not count: a pending changeset makes or changes it",
                rule.object
            ));
        }
    }
    if differences.len() > MOST_TOLD {
        failure = failure.note(format!("and {}", count(differences.len() - MOST_TOLD, "more difference")));
    }
    failure.help(
        Operation::Mark.on("applied").on("ID").with(Setting::Reason.open())
            + " marks a changeset without a look at the database",
    )
}
