//! A private server on which changesets are tried and catalogs are made.

use crate::base::{Failure, FailureKind};
use crate::generate::{GeneratedChangeset, yaml};
use crate::history::{Direction, RunStatus};
use crate::inspect::{ObjectKey, Snapshot};
use crate::ops::prove::{OnProgress, Progress, roles};
use crate::ops::rehearsal::run_thrown_away;
use crate::ops::run::{RunOptions, install, verdict};
use crate::ops::{Project, Target, TargetSpec};
use crate::pg::inspect::{self, Scope};
use crate::pg::run::rehearse::DryRunError;
use crate::pg::shadow::Shadow;
use crate::pg::{Database, Stop};
use crate::plan::{Plan, Step, of_steps};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Steps of one run: the progress is shown after each.
const AT_ONCE: usize = 25;

/// A private server for the databases that a comparison needs.
pub(super) struct Trial<'a> {
    pub target: &'a Target,
    pub shadow: Shadow,
    pub stop: Arc<Stop>,
    /// The role that owns what is made there.
    pub role: String,
    /// What every new database of the server has and a role owns.
    first: BTreeSet<ObjectKey>,
}

/// The role of all databases. Nobody else has one of this name.
const ROLE: &str = "dagmar_trial";

/// What came of changesets that were applied.
pub(super) enum Tried {
    /// All are applied.
    Applied,
    /// One failed.
    Failed(Box<DryRunError>),
}

/// What is read of a catalog.
pub(super) fn scope(target: &Target) -> Scope {
    Scope { dependencies: true, ..Scope::outside_of(target.ledger()) }
}

impl<'a> Trial<'a> {
    /// Starts the server: like the other one, or of any version.
    pub async fn start(target: &'a Target, other: Option<&Database>, stop: &Arc<Stop>) -> Result<Self, Failure> {
        target.secrets.values().for_each(crate::pg::remember);
        let major = other.and_then(|db| u32::try_from(db.server.major()).ok());
        let mut shadow = Shadow::private(target.binaries().as_deref(), major, target.ledger_config()).await?;
        if let Some(db) = other {
            shadow.resemble(&db.connection).await?;
        }
        shadow.act_as(ROLE).await?;
        Ok(Self { target, shadow, stop: Arc::clone(stop), role: ROLE.to_owned(), first: BTreeSet::new() })
    }

    /// A new database with an empty ledger.
    pub async fn database(&mut self) -> Result<Database, Failure> {
        let name = self.shadow.create(None).await?;
        let mut db = self.shadow.connect(&name).await?;
        install(self.target, &mut db).await?;
        if self.first.is_empty() {
            let empty = inspect::snapshot(&db.connection, &scope(self.target)).await?;
            let owned = empty.objects().iter().filter(|(_, object)| object.text("owner").is_some());
            self.first = owned
                .filter(|(_, o)| o.text("owner") != Some("pg_database_owner"))
                .map(|(key, _)| key.clone())
                .collect();
        }
        Ok(db)
    }

    /// Finds out what every new database has.
    pub async fn know_first_owners(&mut self) -> Result<(), Failure> {
        if self.first.is_empty() {
            self.database().await?.close().await?;
        }
        Ok(())
    }

    /// A catalog without the owners of what every new database has: they depend on who made the server.
    pub fn without_first_owners(&self, mut catalog: Snapshot) -> Snapshot {
        for key in &self.first {
            if let Some(mut object) = catalog.get(key).cloned() {
                object.properties.remove("owner");
                catalog.insert(key.clone(), object);
            }
        }
        catalog
    }

    /// The catalog of one of its databases.
    pub async fn read(&self, db: &Database) -> Result<Snapshot, Failure> {
        let catalog = inspect::snapshot(&db.connection, &scope(self.target)).await?;
        Ok(self.without_first_owners(catalog))
    }

    /// The catalog of one of its databases, without what depends on what.
    pub async fn glance(&self, db: &Database) -> Result<Snapshot, Failure> {
        inspect::snapshot(&db.connection, &Scope::outside_of(self.target.ledger())).await
    }

    /// Applies the steps of the project.
    pub async fn apply_steps(
        &self,
        db: &mut Database,
        steps: Vec<Step>,
        what: &str,
        progress: OnProgress<'_>,
    ) -> Result<Tried, Failure> {
        self.add_roles(&steps).await?;
        self.run_steps(db, steps, what, progress).await
    }

    /// Adds the roles that the steps use and do not make.
    pub async fn add_roles(&self, steps: &[Step]) -> Result<(), Failure> {
        let names = steps.iter().cloned().enumerate().collect::<Vec<_>>();
        self.shadow.add_roles(&roles::unmade(&names)).await
    }

    /// Applies steps whose roles are there.
    pub async fn run_steps(
        &self,
        db: &mut Database,
        steps: Vec<Step>,
        what: &str,
        progress: OnProgress<'_>,
    ) -> Result<Tried, Failure> {
        let of = steps.len();
        let mut done = 0;
        for some in steps.chunks(AT_ONCE) {
            let first = some.first().map_or("", |step| step.changeset.as_str());
            progress(Progress { what, changeset: first, done, of });
            let plan = of_steps(&self.target.environment, self.target.ledger(), Direction::Forward, some.to_vec());
            if let Some(error) = self.run(db, plan).await? {
                return Ok(Tried::Failed(Box::new(error)));
            }
            done += some.len();
        }
        Ok(Tried::Applied)
    }

    /// Runs a plan; the failure of a step.
    pub async fn run(&self, db: &mut Database, plan: Plan) -> Result<Option<DryRunError>, Failure> {
        let finished = run_thrown_away(self.target, db, plan, &RunOptions::alone(), &mut (), &self.stop).await?;
        if finished.status == RunStatus::Interrupted {
            verdict(&finished)?;
        }
        Ok(finished.failed.into_iter().next().map(DryRunError::from))
    }

    /// Applies generated changesets.
    pub async fn apply(
        &self,
        db: &mut Database,
        changesets: &[GeneratedChangeset],
        what: &str,
        progress: OnProgress<'_>,
    ) -> Result<Tried, Failure> {
        if changesets.is_empty() {
            return Ok(Tried::Applied);
        }
        let steps = alone(self.target, changesets)?.view()?.steps()?.into_iter().map(|(_, step)| step).collect();
        self.apply_steps(db, steps, what, progress).await
    }

    /// Ends the server.
    pub async fn close(self) -> Result<(), Failure> {
        self.shadow.close().await
    }
}

/// A project of generated changesets, which depend on no other.
pub(super) fn alone(target: &Target, changesets: &[GeneratedChangeset]) -> Result<Target, Failure> {
    let ids: BTreeSet<&str> = changesets.iter().map(|changeset| changeset.id.as_str()).collect();
    let mut own = changesets.to_vec();
    own.iter_mut().for_each(|changeset| changeset.depends_on.retain(|id| ids.contains(id.as_str())));
    let text = yaml(&own);
    let config = serde_yaml::to_string(&serde_json::json!({ "ledger": { "schema": target.ledger().as_str() } }))
        .map_err(|why| Failure::new(FailureKind::Internal, format!("cannot write a project: {why}")))?;
    let files = [("dagmar.yaml", config.as_bytes()), ("plans/generated.yaml", text.as_bytes())];
    let project = Project::unpack(files.map(|(path, text)| (Path::new(path), text)), target.process().clone())?;
    project.target(TargetSpec::default(), target.actor.clone())
}
