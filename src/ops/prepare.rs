//! Before a run: its plan, what the gates say, what the preflight found, and the digest by which it is confirmed.

use super::digest::digest_of;
use super::gates::{Gates, Judgement, Overrides};
use super::promotion::PromotionSource;
use super::run::RunOptions;
use super::{RunSource, Target, about, preflight};
use crate::base::{Diagnostics, Failure, FailureKind};
use crate::gate::{self, GateVerdict};
use crate::history::History;
use crate::pg::Database;
use crate::pg::ledger::evidence;
use crate::pg::preflight::{Preflight, catalog};
use crate::plan::states::missing;
use crate::plan::{About, Live, Plan, renamed, secrets};
use crate::run::{Finding, Observer};

/// The options of a run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The overrides of gates.
    pub overrides: Overrides,
    /// The options of the run.
    pub run: RunOptions,
    /// Runs even if the preflight reports errors.
    pub skip_preflight: bool,
}

/// Connects, compiles the plan, evaluates the gates and runs the preflight.
///
/// # Errors
/// As [`Planned::new`] and [`Planned::prepare`].
pub async fn prepare<'a>(
    target: &'a Target,
    source: &'a RunSource<'a>,
    options: &'a Options,
    observer: &mut dyn Observer,
) -> Result<Prepared<'a>, Failure> {
    Planned::new(target, source, &options.overrides, None, observer).await?.prepare(options).await
}

/// What a database and the policies of its environment say of a plan at one moment.
#[derive(Debug)]
pub struct Now {
    /// The verdicts of the gates, and their warnings.
    pub judgement: Judgement,
    /// The findings of the preflight, most severe first.
    pub findings: Vec<Finding>,
    /// What is known of each statement.
    pub live: Live,
}

/// A plan and its database.
pub struct Planned<'a> {
    /// The target of the plan.
    pub target: &'a Target,
    /// The database.
    pub db: Database,
    /// The gates of the environment.
    pub gates: Gates<'a>,
    /// The ledger at the time when the plan was made.
    pub history: History,
    /// The plan.
    pub plan: Plan,
}

impl<'a> Planned<'a> {
    /// Connects and compiles the plan; `from`: the source environment of a promotion.
    ///
    /// # Errors
    /// If a server cannot be reached, or there is no plan: problems in the files, edited changesets, or a
    /// sealed plan that does not fit any more.
    pub async fn new(
        target: &'a Target,
        source: &'a RunSource<'a>,
        overrides: &'a Overrides,
        from: Option<Target>,
        observer: &mut dyn Observer,
    ) -> Result<Self, Failure> {
        let from = match from {
            Some(from) => Some(PromotionSource::connect(from, observer).await?),
            None => None,
        };
        let db = target.connect(observer).await?;
        if let Some(from) = &from
            && evidence::identity(&from.database.connection).await? == evidence::identity(&db.connection).await?
        {
            let (from, to) = (&from.target.environment, &target.environment);
            return Err(Failure::new(
                FailureKind::Usage,
                format!("`{from}` and `{to}` are the same database: {}", db.describe()),
            )
            .help("check the URLs in dagmar.yaml and the variables in them"));
        }
        let mut gates = Gates::new(target, source, overrides, from)?;
        let history = db.history().await?;
        let mut plan = gates.compile(&db, &history).await?;
        catalog::resolve(&db.connection, db.server.major(), &mut plan).await;
        Ok(Self { target, db, gates, history, plan })
    }

    /// The applied changesets that are in no file; none if the run is not made from files.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let Some(view) = self.gates.view() else { return Vec::new() };
        let history = self.history.with_new_ids(&renamed(&view.changelog, &self.history)).into_owned();
        missing(&view.graph, &history).into_iter().map(str::to_owned).collect()
    }

    /// Warnings about passwords in the plan's SQL.
    #[must_use]
    pub fn exposed_passwords(&self) -> Diagnostics {
        self.gates.view().map(|view| view.exposed_passwords(&self.plan)).unwrap_or_default()
    }

    /// Whether there is nothing to run and no gate is unmet.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.plan.is_empty() && !self.gates.is_in_doubt()
    }

    /// Notes about the attic entries to purge or restore.
    ///
    /// # Errors
    /// If the attic cannot be read.
    pub async fn notes(&self) -> Result<Vec<String>, Failure> {
        match self.gates.runs() {
            RunSource::Attic(work) => Ok(work.choose(&self.db, &self.history).await?.1),
            RunSource::Files { .. } | RunSource::Sealed(_) | RunSource::Rollback { .. } => Ok(Vec::new()),
        }
    }

    /// The header of the plan: database, time, user.
    pub async fn about(&self) -> About {
        about::online(self.target, &self.db, &self.plan).await
    }

    /// The digest of the plan, its database and the states of its gates.
    #[must_use]
    pub fn digest(&self, verdicts: &[GateVerdict]) -> String {
        digest_of(&self.plan, &self.db.describe(), verdicts)
    }

    /// The result of the gates; none if there is nothing to run.
    async fn judge(&self) -> Result<Judgement, Failure> {
        if self.is_nothing() { Ok(Judgement::default()) } else { self.gates.judge(&self.db, &self.plan).await }
    }

    /// What the database and the policies of the environment say of the plan now. Records nothing.
    ///
    /// # Errors
    /// If a server does not answer.
    pub async fn now(&mut self) -> Result<Now, Failure> {
        let judgement = self.judge().await?;
        let Preflight { findings, locks } = preflight::with_pooler(self.target, &mut self.db, &self.plan).await?;
        let allow = self.target.config().and_then(|environment| environment.allow.clone());
        Ok(Now { judgement, findings, live: Live { locks, allow } })
    }

    /// Evaluates the gates and runs the preflight.
    ///
    /// # Errors
    /// If a server does not answer, or the ledger belongs to another environment.
    pub async fn prepare(self, options: &'a Options) -> Result<Prepared<'a>, Failure> {
        self.target.check_bound(&self.history)?;
        let judgement = self.judge().await?;
        let looks = !options.skip_preflight && !self.plan.steps.is_empty() && self.gates.refusal(&judgement).is_ok();
        let findings = match looks {
            true => preflight::preflight(self.target, &self.db, &self.plan).await?.findings,
            false => Vec::new(),
        };
        Ok(Prepared { planned: self, options, judgement, findings })
    }

    /// Closes the connections.
    ///
    /// # Errors
    /// If a private server cannot be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        self.gates.close().await?;
        self.db.close().await
    }
}

/// A run to be shown to the user before the confirmation.
pub struct Prepared<'a> {
    pub(super) planned: Planned<'a>,
    pub(super) options: &'a Options,
    judgement: Judgement,
    findings: Vec<Finding>,
}

/// A confirmed run.
pub struct Confirmed<'a>(pub(super) Prepared<'a>);

impl<'a> Prepared<'a> {
    /// The plan, its database and its gates.
    #[must_use]
    pub fn planned(&self) -> &Planned<'a> {
        &self.planned
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    /// The verdict of each gate.
    #[must_use]
    pub fn verdicts(&self) -> &[GateVerdict] {
        &self.judgement.verdicts
    }

    /// The verdicts of the gates, and warnings.
    #[must_use]
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The findings of the preflight, most severe first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// True if every gate is met or overridden.
    #[must_use]
    pub fn gates_are_met(&self) -> bool {
        gate::are_met(self.verdicts())
    }

    /// The digest of the plan, its database and the states of its gates.
    #[must_use]
    pub fn digest(&self) -> String {
        self.planned.digest(self.verdicts())
    }

    /// Refuses a run that cannot start, and records an unmet gate in the ledger if there is one.
    ///
    /// # Errors
    /// The most important reason.
    pub async fn check(&self) -> Result<(), Failure> {
        let Planned { target, db, gates, plan, .. } = &self.planned;
        db.check_writable()?;
        self.options.run.granularity(target, plan)?;
        secrets::check(plan, &target.secrets)?;
        gates.refuse(&self.judgement, db, plan, gates.kind().word()).await?;
        preflight::refusal(&self.findings)
    }

    /// Confirms the run with the digest that the user saw.
    ///
    /// # Errors
    /// If the run has another digest, or cannot run.
    pub async fn confirmed(self, digest: &str) -> Result<Confirmed<'a>, Failure> {
        if self.digest() != digest {
            return Err(Failure::new(FailureKind::Drift, "the plan differs from the confirmed plan")
                .note("the files, the database or the gates changed in between; nothing was run")
                .help("review the new plan and confirm it"));
        }
        self.check().await?;
        Ok(Confirmed(self))
    }

    /// Closes the connections without a run.
    ///
    /// # Errors
    /// If a private server cannot be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        self.planned.close().await
    }
}
