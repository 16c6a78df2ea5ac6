//! The private server of the tests, and the databases on it. What several tests apply first is applied once: in a database
//! that is copied for each of them.

use super::change::Changer;
use super::failed::{ActionEnd, Wrong};
use super::query::Context;
use crate::base::{Failure, FailureKind, Wording};
use crate::ops::Target;
use crate::pg::embedded::copies;
use crate::pg::{Connection, Database, Embedded, Settings, Stop, connect};
use crate::pipeline::{TestSet, View};
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

    /// A database of its own for a test, with what the test needs before its first step.
    pub(super) async fn database(&mut self, test: &Test) -> Result<Database, Wrong> {
        let base = self.base(test).await?;
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        let name = server.next("test");
        let made = copies::copy(&server.admin, &name, &base).await;
        made.map_err(|failure| self.wrong(failure, test))?;
        self.connect(&name).await.map_err(|failure| self.wrong(failure, test))
    }

    /// The name of the database that a test copies.
    async fn base(&mut self, test: &Test) -> Result<String, Wrong> {
        let needs = self.needs(test);
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        let shared = copies::shared(&server.admin).await;
        let shared = shared.map_err(|failure| self.wrong(failure, test))?;
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        let fits = |base: &Base| base.needs == needs && base.shared == shared;
        if let Some(at) = server.bases.iter().position(fits) {
            // the one that was used last goes last
            let base = server.bases.remove(at);
            let name = base.name.clone();
            server.bases.push(base);
            return Ok(name);
        }
        let below = |base: &&Base| {
            base.shared == shared && base.needs.setup == needs.setup && base.needs.applied.is_subset(&needs.applied)
        };
        let parent = server.bases.iter().filter(below).max_by_key(|base| base.needs.applied.len());
        let parent = parent.map(|base| base.name.clone());
        if parent.is_none() && shared != server.shared {
            // roles that an earlier test made are not there for this one
            self.start().await.map_err(Wrong::Ends)?;
        }
        self.build(parent, needs, test).await
    }

    /// Makes a database that tests copy.
    async fn build(&mut self, parent: Option<String>, needs: Needs, test: &Test) -> Result<String, Wrong> {
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        let name = server.next("base");
        let made = match &parent {
            Some(parent) => copies::copy(&server.admin, &name, parent).await,
            None => copies::create(&server.admin, &name).await,
        };
        made.map_err(|failure| self.wrong(failure, test))?;
        let mut db = self.connect(&name).await.map_err(|failure| self.wrong(failure, test))?;
        let built = self.fill(&mut db, parent.is_none(), &needs, test).await;
        let closed = db.close().await;
        built?;
        closed.map_err(|failure| self.wrong(failure, test))?;
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        let made = async {
            copies::set_aside(&server.admin, &name).await?;
            copies::shared(&server.admin).await
        };
        let shared = made.await.map_err(|failure| self.wrong(failure, test))?;
        let Some(server) = &mut self.running else { return Err(Wrong::Ends(not_running())) };
        server.bases.push(Base { name: name.clone(), needs, shared });
        if server.bases.len() > MOST_BASES {
            let oldest = server.bases.remove(0);
            let dropped = copies::drop_database(&server.admin, &oldest.name).await;
            dropped.map_err(|failure| self.wrong(failure, test))?;
        }
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

    async fn connect(&self, name: &str) -> Result<Database, Failure> {
        let Some(server) = &self.running else { return Err(not_running()) };
        let (settings, ledger) = (server.embedded.database(name), self.changer.target.ledger_config());
        Database::connect(settings, Some(Arc::clone(&server.embedded)), ledger, Duration::ZERO, |_| {}).await
    }

    fn wrong(&self, failure: Failure, test: &Test) -> Wrong {
        let end = ActionEnd::of(failure, self.changer.wording);
        end.into_wrong(TestStatus::Error, "setup", &test.place, self.set)
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
}

fn not_running() -> Failure {
    Failure::new(FailureKind::Internal, "the tests have no server")
}
