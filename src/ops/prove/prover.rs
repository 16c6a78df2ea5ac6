//! One changeset after the other on a database that has what comes before: up, down, up again.

use super::rows::{Trial, add_new};
use super::transaction::Transaction;
use super::words;
use crate::base::{Failure, FailureKind};
use crate::exec::frames::is_single;
use crate::inspect::{self as catalog, Delta, Snapshot};
use crate::ops::Target;
use crate::pg::inspect::{self, Scope};
use crate::pg::shadow::Shadow;
use crate::pg::{Database, Stop};
use crate::plan::rollback::of_step;
use crate::plan::{Plan, Step};
use crate::proof::{ChangesetProof, Leg, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The savepoint before a changeset.
const START: &str = "dagmar_start";

/// What became of a changeset on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// It is applied there.
    Done,
    /// It cannot be applied.
    Broken,
    /// Nothing was done: it has to be tried on copies.
    Elsewhere,
}

/// The database on which one changeset after the other is proven.
pub(super) struct Prover<'a> {
    pub target: &'a Target,
    pub shadow: Shadow,
    pub stop: Arc<Stop>,
    /// The database that has what comes before.
    pub main: String,
    /// The session in it.
    pub db: Option<Database>,
    pub scope: Scope,
    /// The catalog of that database.
    pub base: Snapshot,
    /// The rows of that database.
    pub rows: super::rows::Rows,
    /// The earlier versions of repeatable changesets, by id.
    pub versions: BTreeMap<String, Step>,
}

impl Prover<'_> {
    /// Ends the session in the database.
    pub(super) fn leave(&mut self) {
        self.db = None;
    }

    /// Opens a session in the database.
    pub(super) async fn enter(&mut self) -> Result<(), Failure> {
        self.db = Some(self.shadow.connect(&self.main).await?);
        Ok(())
    }

    /// Takes the session in the database; who takes it puts it back.
    fn session(&mut self) -> Result<Database, Failure> {
        self.db.take().ok_or_else(|| Failure::new(FailureKind::Internal, "there is no session on the shadow"))
    }

    /// Inspects the database as a whole.
    pub(super) async fn inspect(&mut self) -> Result<(), Failure> {
        let db = self.session()?;
        let there = inspect::snapshot(&db.connection, &self.scope).await;
        let rows = self.grow_all(&db).await;
        self.db = Some(db);
        self.base = there?;
        rows
    }

    /// Applies a plan to the database; it was tried before.
    pub(super) async fn apply(&mut self, plan: Plan) -> Result<(), Failure> {
        let mut db = self.session()?;
        self.rows.applied.extend(plan.steps.iter().map(|step| step.changeset.clone()));
        let failed = self.run(&mut db, plan).await?;
        self.db = Some(db);
        match failed {
            None => Ok(()),
            Some(error) => Err(Failure::new(
                FailureKind::Failed,
                format!("`{}` cannot be applied to the shadow: {}", error.changeset, error.message),
            )
            .help("it comes before the chosen changesets: mend it, or choose it as well to see what is wrong")),
        }
    }

    /// Proves a step.
    pub(super) async fn prove(&mut self, step: &Step, proof: &mut ChangesetProof) -> Result<Round, Failure> {
        let back = of_step(step);
        let is_one = is_single(step) && back.as_ref().map_or(true, is_single);
        let round = if is_one { self.in_transaction(step, back, proof).await? } else { Round::Elsewhere };
        if round != Round::Elsewhere {
            return Ok(round);
        }
        *proof = ChangesetProof::new(&proof.id, proof.file.as_deref(), &proof.checksum, &proof.digest);
        self.on_copies(step, proof).await
    }

    /// Proves a step inside of one transaction.
    async fn in_transaction(
        &mut self,
        step: &Step,
        back: Result<Step, String>,
        proof: &mut ChangesetProof,
    ) -> Result<Round, Failure> {
        let db = self.session()?;
        let ended = self.round(&db, step, back, proof).await;
        self.db = Some(db);
        ended
    }

    async fn round(
        &mut self,
        db: &Database,
        step: &Step,
        back: Result<Step, String>,
        proof: &mut ChangesetProof,
    ) -> Result<Round, Failure> {
        let alone = std::slice::from_ref(step);
        let plan = self.plan(Vec::new());
        let (target, ledger) = (self.target, self.target.ledger());
        let mut tx = Transaction::begin(db, &plan, ledger, &target.secrets).await?;
        let may_not_fit = self.rows.may_not_fit(step);
        let (mut trial, mut before, mut first) = (Trial::All, None, None);
        tx.savepoint(START).await?;
        while let Err(error) = tx.run(alone).await? {
            let there = before.get_or_insert_with(|| self.rows.before.clone()).clone();
            self.rows.before = there;
            let Some(next) = trial.next().filter(|_| may_not_fit) else {
                tx.roll_back().await?;
                return Ok(Round::Elsewhere);
            };
            tx.back_to(START).await?;
            self.prepare(db, step, next).await?;
            (trial, first) = (next, first.or(Some(error)));
        }
        if let Some(error) = &first {
            proof.find(words::not_with_rows(trial, error));
        }
        proof.set(Leg::Up, Verdict::Ok);
        let up = self.delta(db).await?;
        let back = match back {
            Ok(back) => back,
            Err(reason) => {
                proof.find(words::irreversible(&reason));
                return self.keep(db, tx, step, up).await;
            }
        };
        let rows_up = self.touched_rows(db).await?;
        let between = self.between(db, &mut tx, &back).await?;
        if tx.run(std::slice::from_ref(&back)).await?.is_err() {
            tx.roll_back().await?;
            return Ok(Round::Elsewhere);
        }
        let down = self.delta(db).await?;
        self.judge_down(&down, proof);
        let rows_down = self.touched_rows(db).await?;
        self.judge_rows_down(&rows_down, proof);
        add_new(between, proof);
        if tx.run(alone).await?.is_err() {
            tx.roll_back().await?;
            return Ok(Round::Elsewhere);
        }
        let again = self.delta(db).await?;
        self.judge_again(&up, &again, proof);
        let rows_again = self.touched_rows(db).await?;
        self.judge_rows_again(&rows_up, &rows_again, proof);
        if !proof.is_rollback_wrong() {
            if step.repeatable {
                self.retry(db, &mut tx, (step, &back), &again, proof).await?;
            }
            return self.keep(db, tx, step, again).await;
        }
        // what comes next is proven on what the changeset makes, not on what its rollback left
        tx.roll_back().await?;
        let mut tx = Transaction::begin(db, &plan, ledger, &target.secrets).await?;
        self.prepare(db, step, trial).await?;
        if let Err(error) = tx.run(alone).await? {
            let why = format!("`{}` could be applied a moment ago: {}", step.changeset, error.message);
            return Err(Failure::new(FailureKind::Internal, why));
        }
        let up = self.delta(db).await?;
        self.keep(db, tx, step, up).await
    }

    /// What the open transaction changed in the catalog.
    pub(super) async fn delta(&self, db: &Database) -> Result<Delta, Failure> {
        inspect::delta(&db.connection, &self.scope, &self.base).await
    }

    /// Commits, with rows in what is new.
    async fn keep(&mut self, db: &Database, tx: Transaction<'_>, step: &Step, delta: Delta) -> Result<Round, Failure> {
        self.rows.applied.insert(step.changeset.clone());
        self.grow(db).await?;
        tx.commit().await?;
        self.rows.forget(&delta);
        self.base.apply(delta);
        Ok(Round::Done)
    }

    /// Compares what is known of the database with what is there.
    ///
    /// # Errors
    /// An object whose change was not seen: the proof is worth nothing then.
    pub(super) async fn check_base(&self) -> Result<(), Failure> {
        let Some(db) = &self.db else { return Ok(()) };
        let there = inspect::snapshot(&db.connection, &self.scope).await?;
        let differences = catalog::compare(&self.base, &there);
        if differences.is_empty() {
            return Ok(());
        }
        let missed = differences.iter().take(5).map(catalog::words);
        Err(Failure::new(FailureKind::Internal, "the inspection of the catalog missed a change").notes(missed))
    }

    /// Compares the catalog after the rollback with the one before.
    pub(super) fn judge_down(&self, down: &Delta, proof: &mut ChangesetProof) {
        proof.set(Leg::Down, Verdict::Ok);
        let differences = down.differences(&self.base);
        if differences.is_empty() {
            return;
        }
        let mut after = self.base.clone();
        after.apply(down.clone());
        for difference in differences {
            let mut finding = words::difference(Leg::Down, &difference);
            finding.mend = catalog::ddl(&self.base, &after, &difference).unwrap_or_default();
            proof.find(finding);
        }
    }

    /// Compares the catalog after the second time with the one after the first.
    pub(super) fn judge_again(&self, up: &Delta, again: &Delta, proof: &mut ChangesetProof) {
        proof.set(Leg::Again, Verdict::Ok);
        let differences = catalog::compare_deltas(&self.base, up, again);
        // what the rollback left behind is said already
        add_new(differences.iter().map(|difference| words::difference(Leg::Again, difference)).collect(), proof);
    }
}
