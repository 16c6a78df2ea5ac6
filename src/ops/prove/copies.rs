//! One changeset up, down and up again on copies of the database, by the executor of every run: what is more than one
//! transaction, and what failed inside of one.

use super::prover::{Prover, Round};
use super::rows::{Trial, add_new};
use super::words;
use crate::base::Failure;
use crate::history::{Direction, RunStatus};
use crate::inspect::Delta;
use crate::ops::rehearsal::run_thrown_away;
use crate::ops::rollback;
use crate::ops::run::{RunOptions, verdict};
use crate::pg::Database;
use crate::pg::inspect;
use crate::pg::run::rehearse::DryRunError;
use crate::plan::rollback::Target as Back;
use crate::plan::{Plan, Step, of_steps};
use crate::proof::{ChangesetProof, Leg, Verdict};

impl Prover<'_> {
    /// Proves a step on copies of the database.
    pub(super) async fn on_copies(&mut self, step: &Step, proof: &mut ChangesetProof) -> Result<Round, Failure> {
        let before = std::mem::take(&mut self.main);
        // a database that is copied has no sessions
        self.leave();
        let roles = self.shadow.roles().await?;
        let may_not_fit = self.rows.may_not_fit(step);
        let rows = self.rows.before.clone();
        let (mut trial, mut first) = (Trial::All, None);
        let (copy, tried) = loop {
            let copy = self.shadow.create(Some(&before)).await?;
            self.prepare_database(&copy, step, trial).await?;
            match (self.on_copy(&copy, step, proof).await?, trial.next().filter(|_| may_not_fit)) {
                (Tried::Not(error), Some(next)) => {
                    self.shadow.remove(&copy).await?;
                    self.shadow.keep_roles(&roles).await?;
                    self.rows.before.clone_from(&rows);
                    (trial, first) = (next, first.or(Some(error)));
                }
                (tried, _) => break (copy, tried),
            }
        };
        match &tried {
            Tried::Not(_) => self.rows.before = rows,
            Tried::Good | Tried::Bad => {
                self.prepare_database(&before, step, trial).await?;
                if let Some(error) = &first {
                    proof.find(words::not_with_rows(trial, error));
                }
            }
        }
        if let Tried::Good = tried {
            self.between_on_copy(&before, step, proof).await?;
            self.shadow.remove(&before).await?;
            self.main = copy;
            self.rows.applied.insert(step.changeset.clone());
            self.enter().await?;
            self.inspect().await?;
            return Ok(Round::Done);
        }
        self.shadow.remove(&copy).await?;
        self.shadow.keep_roles(&roles).await?;
        self.main = before;
        self.enter().await?;
        if let Tried::Not(error) = tried {
            proof.fail(words::thrown(Leg::Up, &error));
            return Ok(Round::Broken);
        }
        let plan = self.plan(vec![step.clone()]);
        self.apply(plan).await?;
        self.inspect().await?;
        Ok(Round::Done)
    }

    async fn on_copy(&mut self, copy: &str, step: &Step, proof: &mut ChangesetProof) -> Result<Tried, Failure> {
        let mut db = self.shadow.connect(copy).await?;
        let plan = self.plan(vec![step.clone()]);
        if let Some(error) = self.run(&mut db, plan.clone()).await? {
            return Ok(Tried::Not(Box::new(error)));
        }
        proof.set(Leg::Up, Verdict::Ok);
        let up = Delta::between(&self.base, &inspect::snapshot(&db.connection, &self.scope).await?);
        let rows_up = self.all_rows(&db).await?;
        let history = db.history().await?;
        let ids = Back::Ids(vec![step.changeset.clone()]);
        let back = match rollback::compile(self.target, &db, &history, &ids, false).await {
            Ok(back) => back,
            Err(refused) => {
                proof.find(words::irreversible(
                    &refused.notes.first().map_or(refused.message.clone(), |n| n.to_string()),
                ));
                return Ok(Tried::Good);
            }
        };
        if let Some(error) = self.run(&mut db, back).await? {
            proof.fail(words::thrown(Leg::Down, &error));
            return Ok(Tried::Bad);
        }
        let down = Delta::between(&self.base, &inspect::snapshot(&db.connection, &self.scope).await?);
        self.judge_down(&down, proof);
        let rows_down = self.all_rows(&db).await?;
        self.judge_rows_down(&rows_down, proof);
        if let Some(error) = self.run(&mut db, plan).await? {
            proof.fail(words::thrown(Leg::Again, &error));
            return Ok(Tried::Bad);
        }
        let again = Delta::between(&self.base, &inspect::snapshot(&db.connection, &self.scope).await?);
        self.judge_again(&up, &again, proof);
        let rows_again = self.all_rows(&db).await?;
        self.judge_rows_again(&rows_up, &rows_again, proof);
        db.close().await?;
        Ok(if proof.is_rollback_wrong() { Tried::Bad } else { Tried::Good })
    }

    /// A plan of steps that are applied.
    pub(super) fn plan(&self, steps: Vec<Step>) -> Plan {
        of_steps(&self.target.environment, self.target.ledger(), Direction::Forward, steps)
    }

    /// Runs a plan on a database of the shadow; the failure of a step.
    pub(super) async fn run(&self, db: &mut Database, plan: Plan) -> Result<Option<DryRunError>, Failure> {
        let finished = run_thrown_away(self.target, db, plan, &RunOptions::alone(), &mut (), &self.stop).await?;
        if finished.status == RunStatus::Interrupted {
            verdict(&finished)?;
        }
        Ok(finished.failed.into_iter().next().map(DryRunError::from))
    }
}

/// What came of a copy.
enum Tried {
    /// It can be gone on with.
    Good,
    /// Its rollback is wrong.
    Bad,
    /// The changeset cannot be applied.
    Not(Box<DryRunError>),
}

impl Prover<'_> {
    /// Writes rows after the changeset, on the database that it was copied from, and rolls it back then.
    async fn between_on_copy(&self, name: &str, step: &Step, proof: &mut ChangesetProof) -> Result<(), Failure> {
        if !self.rows.wanted || proof.down == Verdict::Skipped {
            return Ok(());
        }
        let mut db = self.shadow.connect(name).await?;
        if self.run(&mut db, self.plan(vec![step.clone()])).await?.is_some() || !self.add_rows(&db).await? {
            return Ok(());
        }
        let history = db.history().await?;
        let ids = Back::Ids(vec![step.changeset.clone()]);
        let back = rollback::compile(self.target, &db, &history, &ids, false).await?;
        match self.run(&mut db, back).await? {
            Some(error) => proof.find(words::thrown(Leg::Data, &error)),
            None => {
                let after = self.all_rows(&db).await?;
                let lost = self.lost_between(&after);
                add_new(lost, proof);
            }
        }
        db.close().await
    }
}
