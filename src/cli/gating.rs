//! Asking the gates before a run, and once more under its lock: what apply, promote and the purge of
//! the attic have in common.

mod shown;

use super::attic;
use super::plan;
use super::running::given;
use super::sealed::Release;
use super::session::{Remote, Session, holder};
use crate::base::{Failure, Kind};
use crate::gate::evidence::{Evidence, Selection, Source, select};
use crate::gate::{self, Status, Verdict};
use crate::ledger::{EventKind, History, schema};
use crate::pg::ledger::evidence::{self, Said};
use crate::pg::ledger::{approvals, audit};
use crate::pipeline::View;
use crate::plan::{Hazard, Plan, decide};
use crate::source::Environment;
use crate::source::policy::Destructive;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Words that go past gates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Words {
    /// Goes on although this gate is not met; needs --reason, stays in the history for ever
    #[arg(long = "override", value_name = "GATE", value_parser = PossibleValuesParser::new(gate::overridable()),
          hide_possible_values = true, requires = "reason")]
    overridden: Vec<String>,
    /// Why a gate is overridden
    #[arg(long, value_name = "TEXT", requires = "overridden")]
    reason: Option<String>,
    /// Allows a destructive kind of step that the environment does not
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Destructive::ALL.map(Destructive::word)))]
    allow: Vec<String>,
}

/// Where a promotion comes from.
pub struct From {
    /// The project, seen from there.
    pub session: Session,
    /// Its server.
    pub remote: Remote,
}

/// What is run.
#[derive(Clone, Copy)]
pub enum What<'a> {
    /// What is pending by the files.
    Files(&'a View<'a>),
    /// A sealed plan.
    Release(&'a Release<'a>),
    /// Entries of the attic.
    Attic(&'a attic::Work<'a>),
}

/// What the gates said.
pub struct Judged {
    /// Each gate that was asked.
    pub verdicts: Vec<Verdict>,
    /// What is odd, and keeps nothing back.
    pub warnings: Vec<String>,
}

/// The gates of an environment, for one run.
pub struct Gating<'a> {
    session: &'a Session,
    what: What<'a>,
    words: &'a Words,
    /// What is run, by position; `None`: all. Of a promotion: what was shown first.
    only: Option<BTreeSet<usize>>,
    narrowed: bool,
    from: Option<From>,
    source: Option<Source>,
    selection: Selection,
    none: Environment,
    /// The version of the ledger when it was read last.
    version: u32,
    /// What its owner demanded of the environment then.
    required: Option<Value>,
}

impl<'a> Gating<'a> {
    /// The gates that hold for these changesets; without `from` those that need no source.
    pub fn new(
        session: &'a Session,
        what: What<'a>,
        words: &'a Words,
        only: Option<BTreeSet<usize>>,
        from: Option<From>,
    ) -> Result<Self, Failure> {
        words.reason.as_deref().map_or(Ok(()), given)?;
        Ok(Self {
            session,
            what,
            version: 0,
            required: None,
            words,
            narrowed: only.is_some(),
            only,
            from,
            source: None,
            selection: Selection::default(),
            none: Environment::default(),
        })
    }

    /// The environment, and the project.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    fn policy(&self) -> &Environment {
        self.session.workspace.loaded.config.environment(&self.session.environment).unwrap_or(&self.none)
    }

    /// The environment that is promoted from.
    pub fn source(&self) -> Option<&str> {
        self.from.as_ref().map(|from| from.session.environment.as_str())
    }

    /// What was selected of the files, by position; `None`: all.
    pub fn selected(&self) -> Option<&BTreeSet<usize>> {
        self.only.as_ref()
    }

    /// The files, where they are what runs.
    pub fn view(&self) -> Option<&'a View<'a>> {
        match self.what {
            What::Files(view) => Some(view),
            What::Release(_) | What::Attic(_) => None,
        }
    }

    /// The sealed plan, where one is what runs.
    pub fn release(&self) -> Option<&'a Release<'a>> {
        match self.what {
            What::Files(_) | What::Attic(_) => None,
            What::Release(release) => Some(release),
        }
    }

    /// Whether what is run depends on more than the files and the ledger.
    pub fn is_bound(&self) -> bool {
        self.from.is_some() || self.release().is_some()
    }

    /// What is said where nothing is to be done.
    pub fn nothing(&self) -> String {
        let to = &self.session.environment;
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

    /// Compiles what is to run; of a promotion with what the source has now.
    pub async fn compile(&mut self, remote: &Remote, history: &History) -> Result<Plan, Failure> {
        let plan = self.compile_any(remote, history).await?;
        if let (What::Files(view), schema::CHAINED..) = (self.what, history.version) {
            // what waited for the time of a row rests on it
            let steps = plan.steps.iter().filter_map(|step| view.graph.position(&step.changeset));
            let soaked = steps.flat_map(|at| view.graph.dependencies(at)).filter(|edge| edge.soak.millis > 0);
            let ids: Vec<String> = soaked.map(|edge| view.changelog.changesets[edge.to].id.clone()).collect();
            audit::check_recorded(&remote.connection, self.session.ledger(), &ids).await?;
        }
        Ok(plan)
    }

    async fn compile_any(&mut self, remote: &Remote, history: &History) -> Result<Plan, Failure> {
        self.version = history.version;
        self.required = history.policies.get(&self.session.environment).cloned();
        let Some(from) = &self.from else {
            return match self.what {
                What::Files(view) => plan::compile_of(view, remote, history, self.only.as_ref()).await,
                What::Release(release) => release.compile(self.session, remote, history).await,
                What::Attic(work) => work.compile(remote, history).await,
            };
        };
        let name = from.session.environment.clone();
        let ledger = self.session.ledger();
        let of = |failure: Failure| Failure { message: format!("`{name}`: {}", failure.message), ..failure };
        let Remote { connection, server, .. } = &from.remote;
        let mut source = evidence::source(connection, server, ledger, &name).await.map_err(of)?;
        let (plan, selection, only) = match self.what {
            What::Files(view) => {
                let (plan, selection) = self.taken(view, &mut source, remote, history).await?;
                // what is looked at again under the lock is never more than what was shown
                let only = selection.ids.iter().filter_map(|id| view.graph.position(id)).collect();
                (plan, selection, Some(only))
            }
            What::Release(release) => {
                let plan = release.compile(self.session, remote, history).await?;
                // it is what it is: the gates say whether the source has all of it
                let never = plan.steps.iter().filter(|s| !s.environments.is_empty() && !s.environments.contains(&name));
                source.never_gets = never.map(|s| s.changeset.clone()).collect();
                (plan, Selection::default(), None)
            }
            What::Attic(work) => (work.compile(remote, history).await?, Selection::default(), None),
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

    /// What the source has and this environment has not, as a plan out of the files.
    async fn taken(
        &self,
        view: &View<'_>,
        source: &mut Source,
        remote: &Remote,
        history: &History,
    ) -> Result<(Plan, Selection), Failure> {
        let name = source.environment.clone();
        let never = view.changelog.changesets.iter();
        let never = never.filter(|c| !c.is_for(&name) && source.history.status(&c.id).is_none());
        source.never_gets = never.map(|c| c.id.clone()).collect();
        let (here, only) = (self.session.environment.as_str(), self.only.as_ref());
        let selection = select(&view.changelog, &view.graph, (&name, &source.history), (here, history), only);
        let mut compiled: BTreeSet<usize> = selection.ids.iter().filter_map(|id| view.graph.position(id)).collect();
        if self.only.is_none() {
            // what both have and was edited since is refused as by apply
            let decision = decide(&view.changelog, &view.graph, history, here, None);
            compiled.extend(decision.edited.iter().map(|e| e.position));
        }
        let plan = plan::compile_of(view, remote, history, Some(&compiled)).await?;
        Ok((plan, selection))
    }

    /// Asks the gates.
    pub async fn judge(&self, remote: &Remote, plan: &Plan) -> Result<Judged, Failure> {
        let policy = self.policy();
        let ids: Vec<&str> = match self.what {
            What::Files(_) | What::Attic(_) => Vec::new(),
            What::Release(_) => plan.steps.iter().map(|step| step.changeset.as_str()).collect(),
        };
        let Remote { connection, server, .. } = remote;
        let target = evidence::target(connection, server, self.session.ledger(), policy, &ids, &holder()).await?;
        let allowed: Vec<Destructive> =
            self.words.allow.iter().filter_map(|word| Destructive::from_word(word)).collect();
        let digest = self.release().map(Release::digest);
        let said = match digest {
            Some(_) => approvals::read(connection, server, self.version, self.session.ledger(), digest).await?,
            None => Vec::new(),
        };
        let evidence = Evidence {
            environment: &self.session.environment,
            policy,
            plan,
            sealed: self.release().map(Release::evidence),
            required: self.required.as_ref(),
            here: &self.session.policy(),
            trusted: &self.session.trusted_keys(),
            target: &target,
            source: self.source.as_ref(),
            missing: &self.selection.missing,
            differing: &self.selection.differing,
            approvals: &said,
            allowed: &allowed,
        };
        let verdicts = gate::judge(&evidence, &self.words.overridden);
        let clocks = self.source.as_ref().and_then(|s| evidence::clocks(s, &target, &self.session.environment));
        Ok(Judged { verdicts, warnings: clocks.into_iter().collect() })
    }

    /// Refuses what a gate is against, and keeps that in the ledger where there is one.
    pub async fn refuse(&self, judged: &Judged, remote: &Remote, plan: &Plan, command: &str) -> Result<(), Failure> {
        let Err(failure) = self.refusal(judged) else { return Ok(()) };
        let mut recorded = false;
        if remote.server.has_ledger && remote.server.check_writable(self.session.ledger()).is_ok() {
            let unmet = judged.verdicts.iter().filter(|v| v.status == Status::Unmet);
            let gates: Vec<Value> = unmet.map(|v| json!({ "gate": v.gate, "reason": v.reason })).collect();
            let mut detail = self.circumstances(plan, command);
            detail["gates"] = json!(gates);
            let said = [Said { kind: EventKind::Refused, detail }];
            // who may only read is refused all the same
            recorded = evidence::say(&remote.connection, self.session.ledger(), &holder(), None, &said).await.is_ok();
        }
        Err(Failure { recorded, ..failure })
    }

    /// Gates that are not met as a failure.
    pub fn refusal(&self, judged: &Judged) -> Result<(), Failure> {
        let unmet: Vec<&Verdict> = judged.verdicts.iter().filter(|v| v.status == Status::Unmet).collect();
        let (number, name) = (unmet.len(), &self.session.environment);
        let what = match number {
            0 => return Ok(()),
            1 => format!("a gate of `{name}` is not met"),
            n => format!("{n} gates of `{name}` are not met"),
        };
        let mut failure = Failure::new(Kind::Refused, format!("{what}; nothing was run"));
        for verdict in unmet {
            failure.notes.push(format!("[{}] {}", verdict.gate, verdict.reason));
            failure.notes.push(format!("    {}", verdict.remedy.as_deref().unwrap_or_default()));
        }
        Err(failure.help("in an emergency `--override GATE --reason TEXT` goes past a gate, and stays in the history"))
    }

    /// Keeps in the ledger which gates a run goes past, and why.
    pub async fn note(
        &self,
        judged: &Judged,
        remote: &Remote,
        plan: &Plan,
        run: Option<&str>,
        command: &str,
    ) -> Result<(), Failure> {
        let mut said = Vec::new();
        for verdict in judged.verdicts.iter().filter(|v| v.status == Status::Overridden) {
            let mut detail = self.circumstances(plan, command);
            detail["gate"] = json!(verdict.gate);
            detail["unmet"] = json!(verdict.reason);
            detail["reason"] = json!(self.words.reason);
            said.push(Said { kind: EventKind::GateOverridden, detail });
        }
        let policy = self.policy().allow.as_deref();
        for hazard in self.words.allow.iter().filter_map(|word| Destructive::from_word(word)) {
            let having = plan.having(Hazard::Destructive(hazard));
            if policy.is_some_and(|allow| !allow.contains(&hazard)) && !having.is_empty() {
                let mut detail = self.circumstances(plan, command);
                detail["hazard"] = json!(hazard);
                detail["changesets"] = json!(having);
                said.push(Said { kind: EventKind::HazardAllowed, detail });
            }
        }
        evidence::say(&remote.connection, self.session.ledger(), &holder(), run, &said).await
    }

    fn circumstances(&self, plan: &Plan, command: &str) -> Value {
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.changeset.as_str()).collect();
        let mut detail = json!({ "command": command, "environment": self.session.environment, "changesets": ids });
        if let Some(from) = self.source() {
            detail["from"] = json!(from);
        }
        detail
    }

    /// Ends the session with the source.
    pub async fn close(self) -> Result<(), Failure> {
        match self.from {
            Some(from) => from.remote.close().await,
            None => Ok(()),
        }
    }
}
