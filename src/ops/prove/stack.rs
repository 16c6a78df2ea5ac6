//! Changesets one on the other in one transaction, with a savepoint behind each, so that what several sequences begin
//! with runs once.

use super::transaction::{Ran, Transaction};
use crate::base::{Failure, Ident, Secrets};
use crate::pg::Database;
use crate::pg::run::rehearse::DryRunError;
use crate::plan::{Plan, Step};
use std::collections::BTreeMap;

/// Changesets on a database that stays empty.
pub(super) struct Stack<'a> {
    tx: Transaction<'a>,
    steps: BTreeMap<usize, &'a Step>,
    on: Vec<usize>,
}

impl<'a> Stack<'a> {
    /// An empty stack.
    pub(super) async fn new(
        db: &'a Database,
        plan: &Plan,
        ledger: &Ident,
        secrets: &'a Secrets,
        steps: BTreeMap<usize, &'a Step>,
    ) -> Result<Self, Failure> {
        let tx = Transaction::begin(db, plan, ledger, secrets).await?;
        tx.savepoint(&name(0)).await?;
        Ok(Self { tx, steps, on: Vec::new() })
    }

    /// Runs exactly these, in this order; the failure, with the one that failed.
    pub(super) async fn reach(&mut self, wanted: &[usize]) -> Result<Result<(), (usize, Box<DryRunError>)>, Failure> {
        let same = self.on.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        if same < self.on.len() {
            self.back_to(same).await?;
        }
        for at in &wanted[same..] {
            if let Err(error) = self.push(*at).await? {
                return Ok(Err((*at, error)));
            }
        }
        Ok(Ok(()))
    }

    /// Runs one more; it is not there if it fails.
    pub(super) async fn push(&mut self, at: usize) -> Result<Ran, Failure> {
        let Some(step) = self.steps.get(&at) else { return Ok(Ok(())) };
        let ran = self.tx.run(std::slice::from_ref(*step)).await?;
        if ran.is_err() {
            self.tx.back_to(&name(self.on.len())).await?;
            return Ok(ran);
        }
        self.on.push(at);
        self.tx.savepoint(&name(self.on.len())).await?;
        Ok(Ok(()))
    }

    /// Takes back all but the first ones.
    pub(super) async fn back_to(&mut self, height: usize) -> Result<(), Failure> {
        self.tx.back_to(&name(height)).await?;
        self.on.truncate(height);
        Ok(())
    }

    /// How many are there.
    pub(super) fn height(&self) -> usize {
        self.on.len()
    }

    /// Undoes everything.
    pub(super) async fn close(self) -> Result<(), Failure> {
        self.tx.roll_back().await
    }
}

fn name(height: usize) -> String {
    format!("dagmar_{height}")
}
