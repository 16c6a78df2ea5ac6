//! What must have happened before a plan runs, as types: the ledger was read again under the lock, the
//! gates were asked on what it says, the environment's hooks ran. Only the end of this chain can be run.

use crate::base::{Failure, FailureKind};
use crate::gate::{GateStatus, GateVerdict};
use crate::history::History;
use crate::pg::Database;
use crate::pg::lock::Lock;
use crate::plan::{Direction, Plan};
use std::sync::Arc;

/// What the ledger says while the lock is held: no other run changes it.
pub struct UnderLock<'l> {
    lock: &'l Lock,
    history: History,
}

/// A plan whose gates are met, or overridden.
pub struct Judged<'l> {
    lock: &'l Lock,
    plan: Arc<Plan>,
}

/// A plan that may run: its gates were asked under the lock, its hooks have run.
pub struct Ready<'l> {
    lock: &'l Lock,
    plan: Arc<Plan>,
}

/// How far a run came before its first statement. It outlives a lost connection: what was met and done
/// is not asked and done again.
#[derive(Debug, Default)]
pub struct Clearance {
    gates_met: bool,
    hooks_done: usize,
    ready: bool,
}

impl Clearance {
    /// Whether the gates were met and all hooks have run.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ready
    }

    /// How many hooks have run.
    pub(crate) fn hooks_done(&mut self) -> &mut usize {
        &mut self.hooks_done
    }
}

impl<'l> UnderLock<'l> {
    /// Reads the ledger under the lock.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(lock: &'l Lock, database: &Database) -> Result<Self, Failure> {
        Ok(Self { lock, history: database.history().await? })
    }

    /// What the ledger says.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> &'l Lock {
        self.lock
    }

    /// The plan, compiled from this history and judged with it.
    ///
    /// # Errors
    /// When a gate is not met: who asked the gates has to say which, and to refuse.
    pub fn judged(
        self,
        plan: Arc<Plan>,
        verdicts: &[GateVerdict],
        clearance: &mut Clearance,
    ) -> Result<Judged<'l>, Failure> {
        if let Some(unmet) = verdicts.iter().find(|verdict| verdict.status == GateStatus::Unmet) {
            return Err(Failure::new(
                FailureKind::Refused,
                format!("the gate `{}` is not met; nothing was run", unmet.gate),
            ));
        }
        clearance.gates_met = true;
        Ok(Judged { lock: self.lock, plan })
    }

    /// What is left of a plan whose run began, and lost its connection.
    ///
    /// # Errors
    /// When the gates were never met, or a hook is missing.
    pub fn resumed(self, plan: Arc<Plan>, clearance: &Clearance) -> Result<Ready<'l>, Failure> {
        if !clearance.ready {
            return Err(Failure::new(FailureKind::Internal, "a run that was not ready cannot go on"));
        }
        Ok(Ready { lock: self.lock, plan })
    }

    /// The way back, which no gate and no hook may keep waiting: a rollback, or entries of the attic that
    /// are put back.
    ///
    /// # Errors
    /// When the plan goes another way.
    pub fn way_back(self, plan: Arc<Plan>) -> Result<Ready<'l>, Failure> {
        match plan.direction {
            Direction::Rollback | Direction::Restore => Ok(Ready { lock: self.lock, plan }),
            Direction::Forward | Direction::Purge => {
                Err(Failure::new(FailureKind::Internal, "a plan that is no way back has gates"))
            }
        }
    }

    /// A plan for a database that is thrown away.
    ///
    /// # Errors
    /// When the database is none.
    pub fn thrown_away(self, plan: Arc<Plan>, database: &Database) -> Result<Ready<'l>, Failure> {
        match database.is_thrown_away() {
            true => Ok(Ready { lock: self.lock, plan }),
            false => Err(Failure::new(FailureKind::Internal, "a database that stays has gates")),
        }
    }
}

impl<'l> Judged<'l> {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> &'l Lock {
        self.lock
    }

    /// All hooks have run: what `hooks::run` says.
    pub(crate) fn ready(self, clearance: &mut Clearance) -> Ready<'l> {
        clearance.ready = clearance.gates_met;
        Ready { lock: self.lock, plan: self.plan }
    }
}

impl<'l> Ready<'l> {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> &'l Lock {
        self.lock
    }
}
