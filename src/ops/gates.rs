//! Asking the gates before a run, and once more under its lock: what apply, promote and the purge of
//! the attic have in common.

use super::Target;
use super::compile::compile;
use super::lint;
use super::promotion::PromotionSource;
use super::release::Release;
use super::rollback;
use super::run::check_reason;
use super::source::RunSource;
use crate::base::{Failure, FailureKind, Remedy, Setting};
use crate::gate::evidence::{Evidence, Reviewed, Selection, Source, select};
use crate::gate::{self, GateStatus, GateVerdict};
use crate::history::{EventKind, History, RunKind};
use crate::ledger::schema;
use crate::pg::Database;
use crate::pg::ledger::events::{self, NewEvent};
use crate::pg::ledger::{approvals, audit, evidence};
use crate::pipeline::View;
use crate::plan::{Direction, Hazard, Plan, decide};
use crate::source::Environment;
use crate::source::policy::Destructive;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Overrides of gates, and allowed hazards.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The gates to override.
    pub gates: Vec<String>,
    /// The reason; the history keeps it.
    pub reason: Option<String>,
    /// The hazards to allow, in addition to those that the environment allows.
    pub allow: Vec<Destructive>,
}

/// The result of all gates.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// The verdicts of all checked gates.
    pub verdicts: Vec<GateVerdict>,
    /// Warnings that do not stop the run.
    pub warnings: Vec<String>,
}

/// The gates of an environment, for one run.
pub struct Gates<'a> {
    target: &'a Target,
    what: &'a RunSource<'a>,
    overrides: &'a Overrides,
    /// The positions of the changesets to run; `None`: all. For a promotion: those that were shown first.
    only: Option<BTreeSet<usize>>,
    narrowed: bool,
    from: Option<PromotionSource>,
    source: Option<Source>,
    selection: Selection,
    none: Environment,
    /// The version of the ledger when it was read last.
    version: u32,
    /// The policy that the ledger's owner required at that time.
    required: Option<Value>,
}

impl<'a> Gates<'a> {
    /// The gates for a run; without `from` those that need no source.
    ///
    /// # Errors
    /// An empty reason.
    pub fn new(
        target: &'a Target,
        what: &'a RunSource<'a>,
        overrides: &'a Overrides,
        from: Option<PromotionSource>,
    ) -> Result<Self, Failure> {
        overrides.reason.as_deref().map_or(Ok(()), check_reason)?;
        let only = what.selected().cloned();
        Ok(Self {
            target,
            what,
            version: 0,
            required: None,
            overrides,
            narrowed: only.is_some(),
            only,
            from,
            source: None,
            selection: Selection::default(),
            none: Environment::default(),
        })
    }

    /// The environment and its project.
    pub fn target(&self) -> &'a Target {
        self.target
    }

    fn policy(&self) -> &Environment {
        self.target.config().unwrap_or(&self.none)
    }

    /// The source environment of a promotion.
    pub fn source(&self) -> Option<&str> {
        self.from.as_ref().map(|from| from.target.environment.as_str())
    }

    /// The positions of the selected changesets in the files; `None`: all.
    pub fn selected(&self) -> Option<&BTreeSet<usize>> {
        self.only.as_ref()
    }

    /// The files, if the run is made from files.
    #[must_use]
    pub fn view(&self) -> Option<&'a View<'a>> {
        self.what.view()
    }

    /// The sealed plan, if the run is made from one.
    #[must_use]
    pub fn release(&self) -> Option<&'a Release<'a>> {
        self.what.release()
    }

    /// The kind of the run.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        match self.what {
            RunSource::Files { .. } | RunSource::Sealed(_) if self.from.is_some() => RunKind::Promote,
            RunSource::Files { .. } | RunSource::Sealed(_) => RunKind::Apply,
            RunSource::Rollback { .. } => RunKind::Rollback,
            RunSource::Attic(work) if work.direction == Direction::Purge => RunKind::Purge,
            RunSource::Attic(_) => RunKind::Restore,
        }
    }

    /// Whether gates apply to the run; they do not apply to a rollback, which must not have to wait.
    #[must_use]
    pub fn hold(&self) -> bool {
        match self.what {
            RunSource::Files { .. } | RunSource::Sealed(_) => true,
            RunSource::Rollback { .. } => false,
            RunSource::Attic(work) => work.direction == Direction::Purge,
        }
    }

    /// The source of the run.
    #[must_use]
    pub fn runs(&self) -> &'a RunSource<'a> {
        self.what
    }

    /// The overrides.
    #[must_use]
    pub fn overrides(&self) -> &'a Overrides {
        self.overrides
    }

    /// Whether the run depends on more than the files and the ledger.
    pub fn is_bound(&self) -> bool {
        self.from.is_some() || self.release().is_some()
    }

    /// The message if there is nothing to do.
    pub fn nothing(&self) -> String {
        let to = &self.target.environment;
        match self.source() {
            None => format!("nothing to do: {to} is up to date"),
            Some(_) if self.release().is_some() => format!("nothing to promote: {to} has all of the plan"),
            Some(from) if self.narrowed => format!("nothing to promote: {from} has nothing of it that {to} has not"),
            Some(from) => format!("nothing to promote: {to} has what {from} has"),
        }
    }

    /// Whether the source has something that cannot be part of a plan.
    pub fn is_in_doubt(&self) -> bool {
        !self.selection.differing.is_empty() || !self.selection.missing.is_empty()
    }

    /// Compiles the run; for a promotion with the current state of the source.
    pub async fn compile(&mut self, db: &Database, history: &History) -> Result<Plan, Failure> {
        let plan = self.compile_any(db, history).await?;
        if let (RunSource::Files { view, .. }, schema::CHAINED..) = (self.what, history.version) {
            // what waited for the time of a row rests on it
            let steps = plan.steps.iter().filter_map(|step| view.graph.position(&step.changeset));
            let soaked = steps.flat_map(|at| view.graph.dependencies(at)).filter(|edge| edge.soak.millis > 0);
            let ids: Vec<String> = soaked.map(|edge| view.changelog.changesets[edge.to].id.clone()).collect();
            audit::check_recorded(&db.connection, self.target.ledger(), &ids).await?;
        }
        Ok(plan)
    }

    async fn compile_any(&mut self, db: &Database, history: &History) -> Result<Plan, Failure> {
        self.version = history.version;
        self.required = history.policies.get(&self.target.environment).cloned();
        let Some(from) = &self.from else {
            return match self.what {
                RunSource::Files { view, .. } => compile(view, db, history, self.only.as_ref()).await,
                RunSource::Sealed(release) => release.compile(self.target, db, history).await,
                RunSource::Attic(work) => work.compile(db, history).await,
                RunSource::Rollback { which, cascade } => {
                    rollback::compile(self.target, db, history, which, *cascade).await
                }
            };
        };
        let name = from.target.environment.clone();
        let ledger = self.target.ledger();
        let of = |failure: Failure| Failure { message: format!("`{name}`: {}", failure.message), ..failure };
        let Database { connection, server, .. } = &from.database;
        let mut source = evidence::source(connection, server, ledger, &name).await.map_err(of)?;
        let (plan, selection, only) = match self.what {
            RunSource::Files { view, .. } => {
                let (plan, selection) = self.taken(view, &mut source, db, history).await?;
                // what is looked at again under the lock is never more than what was shown
                let only = selection.ids.iter().filter_map(|id| view.graph.position(id)).collect();
                (plan, selection, Some(only))
            }
            RunSource::Sealed(release) => {
                let plan = release.compile(self.target, db, history).await?;
                // it is what it is: the gates say whether the source has all of it
                let never = plan.steps.iter().filter(|s| !s.environments.is_empty() && !s.environments.contains(&name));
                source.never_gets = never.map(|s| s.changeset.clone()).collect();
                (plan, Selection::default(), None)
            }
            RunSource::Attic(_) | RunSource::Rollback { .. } => {
                return Err(Failure::new(FailureKind::Internal, "only files and sealed plans are promoted"));
            }
        };
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.changeset.as_str()).collect();
        evidence::follow(connection, ledger, &mut source, &ids).await.map_err(of)?;
        if source.history.version >= schema::CHAINED {
            // gates rest on what it says
            let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
            audit::check_recorded(connection, ledger, &ids).await.map_err(of)?;
        }
        (self.source, self.selection, self.only) = (Some(source), selection, only);
        Ok(plan)
    }

    /// The plan, from the files, of changesets that the source has and the target does not have.
    async fn taken(
        &self,
        view: &View<'_>,
        source: &mut Source,
        db: &Database,
        history: &History,
    ) -> Result<(Plan, Selection), Failure> {
        let name = source.environment.clone();
        let never = view.changelog.changesets.iter();
        let never = never.filter(|c| !c.is_for(&name) && source.history.status(&c.id).is_none());
        source.never_gets = never.map(|c| c.id.clone()).collect();
        let (here, only) = (self.target.environment.as_str(), self.only.as_ref());
        let selection = select(&view.changelog, &view.graph, (&name, &source.history), (here, history), only);
        let mut compiled: BTreeSet<usize> = selection.ids.iter().filter_map(|id| view.graph.position(id)).collect();
        if self.only.is_none() {
            // what both have and was edited since is refused as by apply
            let decision = decide(&view.changelog, &view.graph, history, here, None);
            compiled.extend(decision.edited.iter().map(|e| e.position));
        }
        let plan = compile(view, db, history, Some(&compiled)).await?;
        Ok((plan, selection))
    }

    /// Evaluates the gates with the current state of the databases; none if no gate applies.
    ///
    /// # Errors
    /// If a server does not answer.
    pub async fn judge(&self, db: &Database, plan: &Plan) -> Result<Judgement, Failure> {
        if !self.hold() {
            return Ok(Judgement::default());
        }
        let policy = self.policy();
        let sealed = self.release().map(|_| plan.steps.iter().map(|step| step.changeset.as_str()).collect::<Vec<_>>());
        let ids = sealed.unwrap_or_default();
        let Database { connection, server, .. } = db;
        let (ledger, actor) = (self.target.ledger(), &self.target.actor);
        let target = evidence::target(connection, server, ledger, policy, &ids, actor).await?;
        let findings = lint::of_plan(self.target, self.what, plan)?;
        let said = match self.release().map(Release::digest) {
            digest @ Some(_) => approvals::read(connection, server, self.version, ledger, digest).await?,
            None => Vec::new(),
        };
        let mut proofs = evidence::proofs(db, self.from.as_ref().map(|from| &from.database), policy, plan).await?;
        proofs.extend(self.release().map(|sealed| sealed.proofs(self.target, target.now)).unwrap_or_default());
        let evidence = Evidence {
            environment: &self.target.environment,
            policy,
            plan,
            sealed: self.release().map(Release::evidence),
            required: self.required.as_ref(),
            here: &self.target.policy(),
            trusted: &self.target.trusted_keys(),
            target: &target,
            source: self.source.as_ref(),
            missing: &self.selection.missing,
            differing: &self.selection.differing,
            approvals: &said,
            allowed: &self.overrides.allow,
            reviewed: findings.as_ref().map(|(refuse, findings)| Reviewed { refuse: *refuse, findings }),
            proofs: &proofs,
        };
        let verdicts = gate::judge(&evidence, &self.overrides.gates);
        let clocks = self.source.as_ref().and_then(|s| evidence::clocks(s, &target, &self.target.environment));
        Ok(Judgement { verdicts, warnings: clocks.into_iter().collect() })
    }

    /// Refuses a run with an unmet gate, and records the refusal in the ledger if there is one.
    pub async fn refuse(
        &self,
        judgement: &Judgement,
        db: &Database,
        plan: &Plan,
        command: &str,
    ) -> Result<(), Failure> {
        let Err(failure) = self.refusal(judgement) else { return Ok(()) };
        let mut recorded = false;
        if db.server.has_ledger && db.check_writable().is_ok() {
            let unmet = judgement.verdicts.iter().filter(|v| v.status == GateStatus::Unmet);
            let gates: Vec<Value> = unmet.map(|v| json!({ "gate": v.gate, "reason": v.reason })).collect();
            let mut detail = self.circumstances(plan, command);
            detail["gates"] = json!(gates);
            let events = [NewEvent { kind: EventKind::Refused, detail }];
            // who may only read is refused all the same
            recorded =
                events::insert(&db.connection, self.target.ledger(), &self.target.actor, None, &events).await.is_ok();
        }
        Err(Failure { recorded, ..failure })
    }

    /// The unmet gates as a failure.
    pub fn refusal(&self, judgement: &Judgement) -> Result<(), Failure> {
        let unmet: Vec<&GateVerdict> = judgement.verdicts.iter().filter(|v| v.status == GateStatus::Unmet).collect();
        let (number, name) = (unmet.len(), &self.target.environment);
        let what = match number {
            0 => return Ok(()),
            1 => format!("a gate of `{name}` is not met"),
            n => format!("{n} gates of `{name}` are not met"),
        };
        let mut failure = Failure::new(FailureKind::Refused, format!("{what}; nothing was run"));
        for verdict in unmet {
            failure = failure
                .note(format!("[{}] {}", verdict.gate, verdict.reason))
                .note(Remedy::from("    ") + verdict.remedy.clone().unwrap_or_default());
        }
        Err(failure.help(
            Remedy::from("in an emergency, ")
                + vec![Setting::Override.open(), Setting::Reason.open()]
                + " overrides a gate and is recorded in the history",
        ))
    }

    /// Records the overridden gates and the reason in the ledger.
    pub async fn note(
        &self,
        judgement: &Judgement,
        db: &Database,
        plan: &Plan,
        run: Option<&str>,
        command: &str,
    ) -> Result<(), Failure> {
        let mut said = Vec::new();
        for verdict in judgement.verdicts.iter().filter(|v| v.status == GateStatus::Overridden) {
            let mut detail = self.circumstances(plan, command);
            detail["gate"] = json!(verdict.gate);
            detail["unmet"] = json!(verdict.reason);
            detail["reason"] = json!(self.overrides.reason);
            said.push(NewEvent { kind: EventKind::GateOverridden, detail });
        }
        let policy = self.policy().allow.as_deref();
        for hazard in self.overrides.allow.iter().copied() {
            let having = plan.having(Hazard::Destructive(hazard));
            if policy.is_some_and(|allow| !allow.contains(&hazard)) && !having.is_empty() {
                let mut detail = self.circumstances(plan, command);
                detail["hazard"] = json!(hazard);
                detail["changesets"] = json!(having);
                said.push(NewEvent { kind: EventKind::HazardAllowed, detail });
            }
        }
        events::insert(&db.connection, self.target.ledger(), &self.target.actor, run, &said).await
    }

    /// The details of this run for an event of the ledger.
    #[must_use]
    pub fn circumstances(&self, plan: &Plan, command: &str) -> Value {
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.changeset.as_str()).collect();
        let mut detail = json!({ "command": command, "environment": self.target.environment, "changesets": ids });
        if let Some(from) = self.source() {
            detail["from"] = json!(from);
        }
        detail
    }

    /// Closes the connection to the source.
    pub async fn close(self) -> Result<(), Failure> {
        match self.from {
            Some(from) => from.database.close().await,
            None => Ok(()),
        }
    }
}
