//! Steps inside of one transaction of a shadow's database.

use crate::base::{Failure, Ident, Secrets};
use crate::exec::dry_run::{LeftOut, begin, steps};
use crate::exec::{Printer, Writer};
use crate::ledger::record::{Recorder, RunRef};
use crate::pg::run::play::{Played, play};
use crate::pg::run::rehearse::DryRunError;
use crate::pg::{Database, query_failed};
use crate::plan::{Plan, Step};

/// What the statements of a step came to.
pub type Ran = Result<(), Box<DryRunError>>;

/// A transaction that is open on a database.
pub struct Transaction<'a> {
    db: &'a Database,
    writer: Writer,
    secrets: &'a Secrets,
    /// Statements that ran in another form, or not at all.
    pub left_out: Vec<LeftOut>,
}

impl<'a> Transaction<'a> {
    /// Opens one; `plan` is for its environment alone.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn begin(db: &'a Database, plan: &Plan, ledger: &Ident, secrets: &'a Secrets) -> Result<Self, Failure> {
        // the path of authors is known once a query was answered
        db.connection.query("cannot use the shadow", "SELECT 1").await?;
        let printer = Printer::DryRun { author_path: db.connection.author_path().to_owned() };
        let writer = Writer { recorder: Recorder::new(ledger, RunRef::Transaction), printer };
        let script = begin(&writer, plan, &[]);
        let this = Self { db, writer, secrets, left_out: Vec::new() };
        match play(&db.connection, &script, &[], secrets).await?.failed {
            None => Ok(this),
            Some((_, error)) => Err(Failure::new(crate::base::FailureKind::Internal, error.message)),
        }
    }

    /// Runs steps, until one fails.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn run(&mut self, list: &[Step]) -> Result<Ran, Failure> {
        let printed = steps(&self.writer, list, &[]);
        self.left_out.extend(printed.left_out);
        let Played { failed, .. } = play(&self.db.connection, &printed.script, list, self.secrets).await?;
        Ok(failed.map_or(Ok(()), |(_, error)| Err(Box::new(error))))
    }

    /// Sets a savepoint.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn savepoint(&self, name: &str) -> Result<(), Failure> {
        let sql = format!("SAVEPOINT {name}");
        self.db.connection.execute(&sql).await.map_err(|e| query_failed("cannot set a savepoint on the shadow", &e))
    }

    /// Goes back to a savepoint, which stays.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn back_to(&self, name: &str) -> Result<(), Failure> {
        let back = self.db.connection.roll_back_to(name).await;
        back.map_err(|e| query_failed("cannot go back to a savepoint on the shadow", &e))
    }

    /// Keeps what was done. Constraints that were put off may still refuse it.
    ///
    /// # Errors
    /// What the server said.
    pub async fn commit(self) -> Result<(), Failure> {
        self.db.connection.execute("COMMIT").await.map_err(|e| query_failed("cannot commit on the shadow", &e))
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn roll_back(self) -> Result<(), Failure> {
        self.db.connection.roll_back().await.map_err(|e| query_failed("cannot roll back on the shadow", &e))
    }
}
