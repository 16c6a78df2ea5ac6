//! What says that it can be repeated: over its earlier version and back, or twice.

use super::prover::Prover;
use super::transaction::Transaction;
use super::words;
use crate::base::Failure;
use crate::exec::frames::is_single;
use crate::inspect::{self as catalog, Delta};
use crate::pg::Database;
use crate::plan::rollback::to_previous;
use crate::plan::{Step, StepReason};
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};

/// The savepoint before it is tried.
const RETRY: &str = "dagmar_retry";

impl Prover<'_> {
    /// Applies a changeset over its earlier version and rolls it back to that, or applies it twice if there is none.
    /// Leaves the transaction as it was; `once` is what the changeset changes, `back` its rollback.
    pub(super) async fn retry(
        &self,
        db: &Database,
        tx: &mut Transaction<'_>,
        (step, back): (&Step, &Step),
        once: &Delta,
        proof: &mut ChangesetProof,
    ) -> Result<(), Failure> {
        tx.savepoint(RETRY).await?;
        let repeated = Step { why: StepReason::Changed, ..step.clone() };
        let previous = self.versions.get(&step.changeset).filter(|previous| is_single(previous));
        let there_and_back = match previous {
            Some(previous) => self.there_and_back(db, tx, (previous, &repeated, back), proof).await?,
            None => false,
        };
        if !there_and_back {
            self.twice(db, tx, &repeated, once, proof).await?;
        }
        tx.back_to(RETRY).await
    }

    async fn twice(
        &self,
        db: &Database,
        tx: &mut Transaction<'_>,
        repeated: &Step,
        once: &Delta,
        proof: &mut ChangesetProof,
    ) -> Result<(), Failure> {
        if let Err(error) = tx.run(std::slice::from_ref(repeated)).await? {
            proof.fail(words::thrown(Leg::Retry, &error));
            return Ok(());
        }
        proof.set(Leg::Retry, Verdict::Ok);
        self.compare(db, once, "after it was applied twice", proof).await
    }

    /// Whether it was tried; otherwise the transaction is as it was.
    async fn there_and_back(
        &self,
        db: &Database,
        tx: &mut Transaction<'_>,
        (previous, repeated, back): (&Step, &Step, &Step),
        proof: &mut ChangesetProof,
    ) -> Result<bool, Failure> {
        let before = [back.clone(), previous.clone()];
        if let Err(error) = tx.run(&before).await? {
            let what = "it was applied twice, and not over its earlier version, which cannot be applied here";
            proof.find(words::failed(Leg::Retry, Severity::Note, what, &error));
            tx.back_to(RETRY).await?;
            return Ok(false);
        }
        let earlier = self.delta(db).await?;
        if let Err(error) = tx.run(std::slice::from_ref(repeated)).await? {
            proof.fail(words::failed(
                Leg::Retry,
                Severity::Error,
                "it cannot be applied over its earlier version",
                &error,
            ));
            return Ok(true);
        }
        let restore = match to_previous(repeated, previous) {
            Ok(restore) => restore,
            Err(reason) => {
                proof.find(ProofFinding::note(Leg::Retry, format!("it cannot be rolled back: {reason}")));
                return Ok(true);
            }
        };
        if let Err(error) = tx.run(std::slice::from_ref(&restore)).await? {
            let what = "the rollback to its earlier version fails";
            proof.fail(words::failed(Leg::Retry, Severity::Error, what, &error));
            return Ok(true);
        }
        proof.set(Leg::Retry, Verdict::Ok);
        self.compare(db, &earlier, "after the rollback to its earlier version", proof).await?;
        Ok(true)
    }

    async fn compare(
        &self,
        db: &Database,
        expected: &Delta,
        when: &str,
        proof: &mut ChangesetProof,
    ) -> Result<(), Failure> {
        let now = self.delta(db).await?;
        for difference in catalog::compare_deltas(&self.base, expected, &now) {
            proof.find(words::difference_when(Leg::Retry, when, &difference));
        }
        Ok(())
    }
}
