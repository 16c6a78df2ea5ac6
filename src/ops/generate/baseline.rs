//! Whether a database has what changesets make, so that they can be marked as applied there.

use super::drift::{ignored, owner};
use super::shadow::{Trial, Tried};
use super::side::of_database;
use super::unless_stopped;
use crate::base::{Failure, FailureKind, Operation, Setting, count};
use crate::graph::select::select;
use crate::history::History;
use crate::inspect::{Difference, compare, words};
use crate::ops::Target;
use crate::ops::progress::OnProgress;
use crate::ops::rehearsal::recorded;
use crate::pg::Stop;
use crate::plan::Step;
use crate::run::Observer;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Differences that the failure tells.
const MOST_TOLD: usize = 20;

/// Changesets whose effect a database has.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The changesets, in order.
    pub changesets: Vec<String>,
    /// The database, without secrets.
    pub database: String,
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
    let pending = pending(view.steps()?, &chosen, &history);
    if pending.is_empty() {
        return Err(Failure::new(FailureKind::Refused, "nothing is pending: there is nothing to mark")
            .help(Operation::Status + " shows what is applied"));
    }
    let found = of_database(target, &db).await?;
    let role = owner(&db, target).await?;
    let plan = recorded(target, &db, &history).await?;
    let mut trial = Trial::start(target, Some(&db), stop).await?;
    db.close().await?;
    let ids: Vec<String> = pending.iter().map(|step| step.changeset.clone()).collect();
    let work = async {
        let mut made = trial.database().await?;
        let steps = plan.steps.into_iter().chain(pending).collect();
        if let Tried::Failed(error) =
            trial.apply_steps(&mut made, steps, "apply the changesets on a private server", progress).await?
        {
            return Err(Failure::new(
                FailureKind::Failed,
                format!("`{}` cannot be applied to an empty database: {}", error.changeset, error.message),
            )
            .help("nothing was marked"));
        }
        let catalog = trial.read(&made).await?.with_role(&trial.role, &role);
        made.close().await?;
        Ok(catalog)
    };
    let made = unless_stopped(stop, work).await;
    trial.close().await?;
    let wanted = made?;
    let there = found.catalog.with_owners_as(&wanted);
    let differences = compare(&wanted, &there).into_iter();
    let rules = super::drift::rules(target);
    let differences: Vec<Difference> = differences
        .filter(|difference| ignored(&rules, difference, &wanted, &there).is_none() && !difference.is_move())
        .collect();
    if !differences.is_empty() {
        return Err(refusal(target, &differences));
    }
    Ok(Baseline { changesets: ids, database: found.place })
}

/// The chosen steps that are not applied.
fn pending(steps: Vec<(usize, Step)>, chosen: &BTreeSet<usize>, history: &History) -> Vec<Step> {
    let steps = steps
        .into_iter()
        .filter(|(position, step)| chosen.contains(position) && !history.changesets.contains_key(&step.changeset));
    steps.map(|(_, step)| step).collect()
}

fn refusal(target: &Target, differences: &[Difference]) -> Failure {
    let mut failure = Failure::new(
        FailureKind::Refused,
        format!(
            "the database of {} is not what the changesets make: {}; nothing was marked",
            target.environment,
            count(differences.len(), "difference")
        ),
    );
    for difference in differences.iter().take(MOST_TOLD) {
        failure = failure.notes(words(difference).lines());
    }
    if differences.len() > MOST_TOLD {
        failure = failure.note(format!("and {}", count(differences.len() - MOST_TOLD, "more difference")));
    }
    failure.help(
        Operation::Mark.on("applied").on("ID").with(Setting::Reason.open())
            + " marks a changeset without a look at the database",
    )
}
