//! Before a run: its plan, what the gates say, what the preflight found, and the digest of all that.

use super::gates::{Gates, Judgement, Overrides};
use super::promotion::PromotionSource;
use super::run::RunOptions;
use super::{RunSource, Target, about, preflight};
use crate::base::{Diagnostics, Failure, FailureKind, checksum};
use crate::gate::{GateStatus, GateVerdict};
use crate::history::History;
use crate::pg::Database;
use crate::pg::ledger::evidence;
use crate::plan::states::missing;
use crate::plan::{About, Plan, renamed, secrets};
use crate::run::{Finding, Observer};

/// How a run is prepared and run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What somebody says to go past gates.
    pub overrides: Overrides,
    /// How it runs.
    pub run: RunOptions,
    /// Runs also what the preflight has errors against.
    pub skip_preflight: bool,
}

/// Connects, compiles, asks the gates and looks for what would keep the plan from running.
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

/// A plan, and the database that it is for.
pub struct Planned<'a> {
    /// What it is about.
    pub target: &'a Target,
    /// The database.
    pub db: Database,
    /// The gates of the environment.
    pub gates: Gates<'a>,
    /// What the ledger said when the plan was made.
    pub history: History,
    /// The plan.
    pub plan: Plan,
}

impl<'a> Planned<'a> {
    /// Connects and compiles; `from`: the environment that is promoted from.
    ///
    /// # Errors
    /// When a server is not reached, or there is no plan: mistakes in files, edited changesets, a sealed
    /// plan that does not fit any more.
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
            .help("look at the URLs in dagmar.yaml, and at the variables in them"));
        }
        let mut gates = Gates::new(target, source, overrides, from)?;
        let history = db.history().await?;
        let plan = gates.compile(&db, &history).await?;
        Ok(Self { target, db, gates, history, plan })
    }

    /// Applied changesets that no file has any more; none where the files are not what runs.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let Some(view) = self.gates.view() else { return Vec::new() };
        let history = self.history.with_new_ids(&renamed(&view.changelog, &self.history)).into_owned();
        missing(&view.graph, &history).into_iter().map(str::to_owned).collect()
    }

    /// Passwords that stand in the plan's SQL.
    #[must_use]
    pub fn exposed_passwords(&self) -> Diagnostics {
        self.gates.view().map(|view| view.exposed_passwords(&self.plan)).unwrap_or_default()
    }

    /// Whether nothing is to be run, and no gate has anything against that.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.plan.is_empty() && !self.gates.is_in_doubt()
    }

    /// What is to be said of entries of the attic that are purged or put back.
    ///
    /// # Errors
    /// When the attic cannot be read.
    pub async fn notes(&self) -> Result<Vec<String>, Failure> {
        match self.gates.runs() {
            RunSource::Attic(work) => Ok(work.choose(&self.db, &self.history).await?.1),
            RunSource::Files { .. } | RunSource::Sealed(_) | RunSource::Rollback { .. } => Ok(Vec::new()),
        }
    }

    /// What stands on top of the plan: which database, when, who.
    pub async fn about(&self) -> About {
        about::online(self.target, &self.db, &self.plan).await
    }

    /// Asks the gates and looks for what would keep the plan from running.
    ///
    /// # Errors
    /// When a server does not answer, or the ledger belongs to another environment.
    pub async fn prepare(self, options: &'a Options) -> Result<Prepared<'a>, Failure> {
        self.target.check_bound(&self.history)?;
        let judgement = match self.is_nothing() {
            true => Judgement::default(),
            false => self.gates.judge(&self.db, &self.plan).await?,
        };
        let looks = !options.skip_preflight && !self.plan.steps.is_empty() && self.gates.refusal(&judgement).is_ok();
        let findings = match looks {
            true => preflight::findings(self.target, &self.db, &self.plan).await?,
            false => Vec::new(),
        };
        Ok(Prepared { planned: self, options, judgement, findings })
    }

    /// Ends the sessions.
    ///
    /// # Errors
    /// When a private server cannot be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        self.gates.close().await?;
        self.db.close().await
    }
}

/// A run that somebody may look at before he confirms it.
pub struct Prepared<'a> {
    pub(super) planned: Planned<'a>,
    pub(super) options: &'a Options,
    judgement: Judgement,
    findings: Vec<Finding>,
}

/// A run that was looked at and confirmed.
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

    /// What each gate says.
    #[must_use]
    pub fn verdicts(&self) -> &[GateVerdict] {
        &self.judgement.verdicts
    }

    /// What the gates say, and what is odd.
    #[must_use]
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// What the preflight found, what weighs most first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether every gate is met or overridden.
    #[must_use]
    pub fn gates_are_met(&self) -> bool {
        self.judgement.verdicts.iter().all(|verdict| verdict.status != GateStatus::Unmet)
    }

    /// The digest of what can be seen here: what would run, where, and what the gates say.
    #[must_use]
    pub fn digest(&self) -> String {
        let plan = &self.planned.plan;
        let mut text = format!(
            "{}\n{}\n{}\n{}\n",
            plan.environment,
            plan.ledger_schema,
            plan.direction.word(),
            self.planned.db.describe()
        );
        for renamed in &plan.renamed {
            text += &format!("rename {} {}\n", renamed.from, renamed.to);
        }
        for step in &plan.steps {
            text += &format!("step {} {} {}\n", step.changeset, step.direction.word(), step.checksum);
            for segment in &step.segments {
                text += &format!("{:?}\n", segment.progress);
                for statement in &segment.statements {
                    text += &format!("{} {}\n", statement.sql.len(), statement.sql);
                }
            }
        }
        for verdict in &self.judgement.verdicts {
            text += &format!("gate {} {:?}\n", verdict.gate, verdict.status);
        }
        format!("p1:{}", checksum::sha256_hex(text.as_bytes()))
    }

    /// Refuses what can be known before anything runs, in the order of what weighs most. What a gate is
    /// against is kept in the ledger, where there is one.
    ///
    /// # Errors
    /// Why it cannot run.
    pub async fn check(&self) -> Result<(), Failure> {
        let Planned { target, db, gates, plan, .. } = &self.planned;
        db.check_writable()?;
        self.options.run.granularity(target, plan)?;
        secrets::check(plan, &target.secrets)?;
        gates.refuse(&self.judgement, db, plan, gates.kind().word()).await?;
        preflight::refusal(&self.findings)
    }

    /// Confirms what was seen; `digest` is that of what was seen.
    ///
    /// # Errors
    /// When it is another run than the one that was seen, or it cannot run.
    pub async fn confirmed(self, digest: &str) -> Result<Confirmed<'a>, Failure> {
        if self.digest() != digest {
            return Err(Failure::new(FailureKind::Drift, "the plan is another one than the one that was confirmed")
                .note("files, database or gates have changed in between; nothing was run")
                .help("look at the plan as it is now, and confirm that"));
        }
        self.check().await?;
        Ok(Confirmed(self))
    }

    /// Gives it up: nothing is run.
    ///
    /// # Errors
    /// When a private server cannot be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        self.planned.close().await
    }
}
