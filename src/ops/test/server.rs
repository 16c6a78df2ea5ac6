//! The private server of the tests, and the databases on it. What several tests apply first is applied once: in a database
//! that is copied for each of them.

use super::change::Changer;
use super::failed::Wrong;
use super::query::Context;
use crate::base::{Failure, FailureKind, Wording};
use crate::ops::Target;
use crate::pg::embedded::copies;
use crate::pg::{Connection, Database, Embedded, Settings, Stop, connect};
use crate::pipeline::{TestSet, View};
use crate::source::LedgerConfig;
use crate::source::testing::{Session, Test};
use crate::testing::{TestResult, TestStatus};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Databases that are kept for further tests.
const MOST_BASES: usize = 12;

/// What a test needs before its first step: the SQL of `setup`, and the positions of changesets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    setup: String,
    applied: BTreeSet<usize>,
}

/// A database that tests copy.
struct Base {
    name: String,
    needs: Needs,
    /// What its server shared with all databases when it was made.
    shared: String,
}

/// A running server.
struct Server {
    embedded: Arc<Embedded>,
    /// For what is not done in the database of a test.
    admin: Connection,
    bases: Vec<Base>,
    /// What an empty server shares.
    shared: String,
    databases: usize,
}

/// The servers of the tests, one after the other.
pub(super) struct Servers<'a> {
    pub changer: Changer<'a>,
    pub set: &'a TestSet,
    running: Option<Server>,
    version: Option<String>,
}

impl<'a> Servers<'a> {
    pub(super) fn new(
        target: &'a Target,
        view: &'a View<'a>,
        set: &'a TestSet,
        wording: Wording,
        stop: &'a Arc<Stop>,
    ) -> Self {
        Self { changer: Changer { target, view, wording, stop }, set, running: None, version: None }
    }

    /// What SQL runs with in a database.
    pub(super) fn context<'c>(&'c self, settings: &'c Settings) -> Context<'c> {
        let Changer { target, stop, .. } = self.changer;
        Context { settings, secrets: &target.secrets, set: self.set, stop }
    }

    fn needs(&self, test: &Test) -> Needs {
        let setup = test.setup.iter().map(|text| text.sql.as_str()).collect::<Vec<_>>().join(";\n");
        Needs { setup, applied: self.changer.positions(&test.apply_to) }
    }

    /// The tests in an order in which few changesets are applied twice: those with the same needs one after the other,
    /// those that need more behind those that need less.
    pub(super) fn ordered(&self, tests: &[usize]) -> Vec<usize> {
        let mut list: Vec<(Needs, usize)> = tests.iter().map(|at| (self.needs(&self.set.tests[*at]), *at)).collect();
        let key = |needs: &Needs| (needs.setup.clone(), needs.applied.len(), needs.applied.clone());
        list.sort_by_cached_key(|(needs, at)| (key(needs), *at));
        list.into_iter().map(|(_, at)| at).collect()
    }

    /// Whether there is a server.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The version of the server that ran last.
    pub(super) fn version(&self) -> Option<String> {
        self.version.clone()
    }

    /// Starts a server in place of the one that runs.
    pub(super) async fn start(&mut self) -> Result<(), Failure> {
        self.stop().await?;
        let starting = async {
            let embedded = Embedded::throwaway(self.changer.target.binaries().as_deref()).await?;
            let admin = connect(&embedded.settings(), Duration::ZERO).await?;
            let shared = copies::shared(&admin).await?;
            let version = copies::version(&admin).await?;
            Ok((embedded, admin, shared, version))
        };
        let (embedded, admin, shared, version) = tokio::select! {
            started = starting => started?,
            () = self.changer.stop.requested() => {
                return Err(Failure::new(FailureKind::Interrupted, "stopped by a signal"));
            }
        };
        self.version = Some(version);
        self.running = Some(Server { embedded: embedded.into(), admin, bases: Vec::new(), shared, databases: 0 });
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), Failure> {
        let Some(Server { embedded, admin, .. }) = self.running.take() else { return Ok(()) };
        drop(admin);
        match Arc::into_inner(embedded) {
            Some(embedded) => embedded.close().await,
            None => Ok(()),
        }
    }

    fn running(&mut self) -> Result<&mut Server, Failure> {
        self.running.as_mut().ok_or_else(|| Failure::new(FailureKind::Internal, "the tests have no server"))
    }

    /// A database of its own for a test, with what the test needs before its first step.
    pub(super) async fn database(&mut self, test: &Test) -> Result<Database, Wrong> {
        let needs = self.needs(test);
        let server = self.running()?;
        let shared = copies::shared(&server.admin).await?;
        let base = match server.base(&needs, &shared) {
            Some(base) => base,
            None => self.build(needs, &shared, test).await?,
        };
        let ledger = self.changer.target.ledger_config();
        let server = self.running()?;
        let name = server.next("test");
        copies::copy(&server.admin, &name, &base).await?;
        Ok(server.connect(&name, ledger).await?)
    }

    /// Makes a database that tests copy; gives its name.
    async fn build(&mut self, needs: Needs, shared: &str, test: &Test) -> Result<String, Wrong> {
        let parent = self.running()?.parent(&needs, shared);
        if parent.is_none() && shared != self.running()?.shared {
            // roles that an earlier test made are not there for this one
            self.start().await.map_err(Wrong::Ends)?;
        }
        let ledger = self.changer.target.ledger_config();
        let server = self.running()?;
        let name = server.next("base");
        match &parent {
            Some(parent) => copies::copy(&server.admin, &name, parent).await?,
            None => copies::create(&server.admin, &name).await?,
        }
        let mut db = server.connect(&name, ledger).await?;
        if let Err(wrong) = self.fill(&mut db, parent.is_none(), &needs, test).await {
            // a server that has stopped is found by who reads this
            let _ = self.discard(db).await;
            return Err(wrong);
        }
        db.close().await?;
        self.running()?.keep(name.clone(), needs).await?;
        Ok(name)
    }

    /// Runs what comes before the first step.
    async fn fill(&self, db: &mut Database, is_empty: bool, needs: &Needs, test: &Test) -> Result<(), Wrong> {
        for text in test.setup.iter().filter(|_| is_empty) {
            let ran = self.context(&db.settings).run(&Session::default(), text).await;
            ran.map_err(|end| end.into_wrong(TestStatus::Error, "setup", &text.place, self.set))?;
        }
        if needs.applied.is_empty() {
            return Ok(());
        }
        let applied = self.changer.apply(db, &test.apply_to).await;
        applied.map_err(|end| end.into_wrong(TestStatus::Error, "applyTo", &test.place, self.set))
    }

    /// Drops the database of a test.
    pub(super) async fn discard(&self, db: Database) -> Result<(), Failure> {
        let name = db.settings.dbname.clone();
        db.close().await?;
        match &self.running {
            Some(server) => copies::drop_database(&server.admin, &name).await,
            None => Ok(()),
        }
    }

    /// Says of a test that did not pass that its server has stopped, if that is so: the next one gets another server.
    ///
    /// # Errors
    /// If the rest of the server cannot be removed.
    pub(super) async fn explain_end(&mut self, result: &mut TestResult) -> Result<(), Failure> {
        let Some(server) = &self.running else { return Ok(()) };
        if copies::shared(&server.admin).await.is_ok() {
            return Ok(());
        }
        result.status = TestStatus::Error;
        if let Some(failure) = &mut result.failure {
            failure.message = "the private server stopped in the middle of the test".to_owned();
            failure.notes = server.embedded.log_tail();
        }
        self.stop().await
    }

    /// Stops the server.
    pub(super) async fn close(mut self) -> Result<(), Failure> {
        self.stop().await
    }
}

impl Server {
    /// The name of the next database.
    fn next(&mut self, kind: &str) -> String {
        self.databases += 1;
        format!("{kind}_{}", self.databases)
    }

    async fn connect(&self, name: &str, ledger: &LedgerConfig) -> Result<Database, Failure> {
        let settings = self.embedded.database(name);
        Database::connect(settings, Some(Arc::clone(&self.embedded)), ledger, Duration::ZERO, |_| {}).await
    }

    /// The database that has exactly what a test needs, while the server shares this.
    fn base(&mut self, needs: &Needs, shared: &str) -> Option<String> {
        let at = self.bases.iter().position(|base| base.needs == *needs && base.shared == shared)?;
        // the one that was used last goes last
        let base = self.bases.remove(at);
        let name = base.name.clone();
        self.bases.push(base);
        Some(name)
    }

    /// The database that has most of it, and nothing else.
    fn parent(&self, needs: &Needs, shared: &str) -> Option<String> {
        let fits = |base: &&Base| {
            base.shared == shared && base.needs.setup == needs.setup && base.needs.applied.is_subset(&needs.applied)
        };
        self.bases.iter().filter(fits).max_by_key(|base| base.needs.applied.len()).map(|base| base.name.clone())
    }

    /// Keeps a database for other tests; of too many, the one that nobody has used for longest goes.
    async fn keep(&mut self, name: String, needs: Needs) -> Result<(), Failure> {
        copies::set_aside(&self.admin, &name).await?;
        let shared = copies::shared(&self.admin).await?;
        self.bases.push(Base { name, needs, shared });
        if self.bases.len() > MOST_BASES {
            let oldest = self.bases.remove(0);
            copies::drop_database(&self.admin, &oldest.name).await?;
        }
        Ok(())
    }
}
