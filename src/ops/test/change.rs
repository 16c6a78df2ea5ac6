//! Applying and rolling back in a test: the same as anywhere, on a database that is thrown away.

use super::failed::{ActionEnd, ActionError};
use crate::base::{Failure, Wording};
use crate::ops::rehearsal::run_thrown_away;
use crate::ops::run::RunOptions;
use crate::ops::{Target, compile, rollback};
use crate::pg::preflight::catalog;
use crate::pg::run::{Finished, RunStatus};
use crate::pg::{Database, Stop};
use crate::pipeline::View;
use crate::plan::Plan;
use crate::plan::rollback::Target as Which;
use crate::source::testing::Chosen;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What applies and rolls back.
#[derive(Clone, Copy)]
pub(super) struct Changer<'a> {
    pub target: &'a Target,
    pub view: &'a View<'a>,
    pub wording: Wording,
    pub stop: &'a Arc<Stop>,
}

impl Changer<'_> {
    /// The positions of changesets that are for the environment, with all that they depend on.
    pub(super) fn positions(&self, chosen: &Chosen) -> BTreeSet<usize> {
        let changesets = &self.view.changelog.changesets;
        let all = match chosen {
            Chosen::All => (0..changesets.len()).collect(),
            Chosen::None => BTreeSet::new(),
            Chosen::Ids(ids) => {
                self.view.graph.with_ancestors(ids.iter().filter_map(|id| self.view.graph.position(id)))
            }
        };
        all.into_iter().filter(|at| changesets[*at].is_for(&self.target.environment)).collect()
    }

    /// Applies changesets; all of `named` must be applied afterwards.
    pub(super) async fn apply(&self, db: &mut Database, named: &Chosen) -> Result<(), ActionEnd> {
        let selected = self.positions(named);
        let plan = self.planned(db, &selected).await.map_err(|failure| ActionEnd::of(failure, self.wording))?;
        if let Some(waiting) = plan.waiting.iter().find(|waiting| self.is_named(named, &waiting.changeset)) {
            let message =
                format!("`{}` waits: `{}` must have been applied for {}", waiting.changeset, waiting.on, waiting.soak);
            let mut error = ActionError::new(message);
            error.notes.push("help: give the soak time by a variable, and set it to 0s for tests".to_owned());
            return Err(error.into());
        }
        if let Some(blocked) = plan.blocked.iter().find(|blocked| self.is_named(named, &blocked.changeset)) {
            return Err(
                ActionError::new(format!("`{}` cannot be applied: {}", blocked.changeset, blocked.reason)).into()
            );
        }
        if plan.steps.is_empty() {
            let mut error = ActionError::new("nothing is applied: everything is applied already");
            error
                .notes
                .push("help: `applyTo` says what is applied before the steps; by default all changesets".to_owned());
            return Err(error.into());
        }
        self.run(db, plan, "applying").await
    }

    /// Rolls changesets back, with all that depends on them.
    pub(super) async fn rollback(&self, db: &mut Database, named: &Chosen) -> Result<(), ActionEnd> {
        let which = match named {
            Chosen::All | Chosen::None => Which::All,
            Chosen::Ids(ids) => Which::Ids(ids.clone()),
        };
        let plan = async {
            let history = db.history().await?;
            rollback::compile(self.target, db, &history, &which, true).await
        };
        let plan = plan.await.map_err(|failure| ActionEnd::of(failure, self.wording))?;
        if plan.steps.is_empty() {
            return Err(ActionError::new("nothing is rolled back: nothing is applied").into());
        }
        self.run(db, plan, "rolling back").await
    }

    fn is_named(&self, named: &Chosen, id: &str) -> bool {
        match named {
            Chosen::All => true,
            Chosen::None => false,
            Chosen::Ids(ids) => ids.iter().any(|named| named == id),
        }
    }

    async fn planned(&self, db: &Database, selected: &BTreeSet<usize>) -> Result<Plan, Failure> {
        let history = db.history().await?;
        let mut plan = compile::compile(self.view, db, &history, Some(selected)).await?;
        catalog::resolve(&db.connection, db.server.major(), &mut plan).await;
        Ok(plan)
    }

    async fn run(&self, db: &mut Database, plan: Plan, verb: &str) -> Result<(), ActionEnd> {
        // in one order: a test has the same result each time
        let options = RunOptions::alone();
        let finished: Finished = run_thrown_away(self.target, db, plan, &options, &mut (), self.stop)
            .await
            .map_err(|failure| ActionEnd::of(failure, self.wording))?;
        match (finished.status, finished.failed.first()) {
            (RunStatus::Done, _) => Ok(()),
            (RunStatus::Interrupted, _) => Err(ActionEnd::interrupted()),
            (RunStatus::Failed, Some(step)) => Err(ActionError::of_step(step, verb).into()),
            (RunStatus::Failed, None) => Err(ActionError::new("the run failed").into()),
        }
    }
}
