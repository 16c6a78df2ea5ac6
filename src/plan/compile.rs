//! What is pending, in order, complete.

use super::model::{Blocked, Direction, FORMAT, Mode, Plan, Renamed, Rollback, Step, StepReason, Waiting};
use super::secrets;
use super::step::{self, Examined, RenderContext};
use super::waves;
use super::writing::Origins;
use crate::base::{BATCH, Diagnostics, on_all_cores, time};
use crate::graph::Graph;
use crate::history::{History, Recorded, RecordedStatus};
use crate::render::Renderer;
use crate::source::{Changelog, Changeset, SourceSet};
use std::collections::{BTreeSet, HashSet};

/// Steps of a plan whose statements know the places of all their parts; those of more steps know
/// the place of their change.
const MOST_IN_PARTS: usize = 500;

/// What a plan is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The environment.
    pub environment: &'a str,
    /// What to render with.
    pub setting: RenderContext<'a>,
    /// The changesets to take, by position; `None`: all.
    pub selected: Option<&'a BTreeSet<usize>>,
}

/// An applied changeset whose file says something else now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The changeset.
    pub id: String,
    /// Its position in the changelog.
    pub position: usize,
    /// What is recorded.
    pub recorded: String,
    /// What the file has.
    pub current: String,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum CompileError {
    /// The sources are wrong.
    Source(Diagnostics),
    /// Applied changesets were edited.
    Edited(Vec<Edited>),
}

/// What is to be done with every changeset, before anything is rendered.
#[derive(Debug, Default)]
pub struct Decision {
    /// What is recorded under an earlier id.
    pub renamed: Vec<Renamed>,
    /// What runs, in order: position and reason.
    pub planned: Vec<(usize, StepReason)>,
    /// Changesets that wait for a soak time.
    pub waiting: Vec<Waiting>,
    /// What cannot run.
    pub blocked: Vec<Blocked>,
    /// What this environment never gets.
    pub excluded: Vec<String>,
    /// What was applied and edited since.
    pub edited: Vec<Edited>,
}

/// Decides about every changeset, in order.
#[must_use]
pub fn decide(
    changelog: &Changelog,
    graph: &Graph,
    history: &History,
    environment: &str,
    selected: Option<&BTreeSet<usize>>,
) -> Decision {
    let renamed = renamed(changelog, history);
    let mut choice = Choice {
        changelog,
        graph,
        history: &history.with_new_ids(&renamed),
        environment,
        selected,
        taken: HashSet::new(),
        decision: Decision::default(),
    };
    for &position in graph.order() {
        choice.consider(position);
    }
    Decision { renamed, ..choice.decision }
}

/// What is recorded under an earlier id, and not under its own.
#[must_use]
pub fn renamed(changelog: &Changelog, history: &History) -> Vec<Renamed> {
    let mut found = Vec::new();
    for changeset in changelog.changesets.iter().filter(|c| !history.changesets.contains_key(&c.id)) {
        if let Some(old) = changeset.aka.iter().find(|old| history.changesets.contains_key(&old.id)) {
            found.push(Renamed { from: old.id.clone(), to: changeset.id.clone() });
        }
    }
    found
}

/// A plan with what is said of each of its changesets.
pub type Looked<T> = (Plan, Vec<T>, Diagnostics);

/// Compiles what is pending; with what `look` says of each changeset, by its position, and what is odd in them.
///
/// # Errors
/// When sources are wrong, or applied changesets were edited.
pub fn forward<T: Send>(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    history: &History,
    request: &Request<'_>,
    look: impl Fn(usize, &Examined) -> T + Sync,
) -> Result<Looked<T>, CompileError> {
    let decision = decide(changelog, graph, history, request.environment, request.selected);
    if !decision.edited.is_empty() {
        return Err(CompileError::Edited(decision.edited));
    }
    let history = history.with_new_ids(&decision.renamed);
    let keep = |position: usize, examined: Examined| (look(position, &examined), examined.step);
    let (all, warnings) =
        render(changelog, sources, &history, request, &decision.planned, keep).map_err(CompileError::Source)?;
    let (looked, mut steps): (Vec<T>, Vec<Step>) = all.into_iter().unzip();
    waves::number(&mut steps);
    let plan = Plan {
        format: FORMAT,
        environment: request.environment.to_owned(),
        direction: Direction::Forward,
        ledger_schema: request.setting.ledger.as_str().to_owned(),
        overridden_templates: overridden(request.setting.renderer, &steps),
        renamed: decision.renamed,
        steps,
        waiting: decision.waiting,
        blocked: decision.blocked,
        excluded: decision.excluded,
    };
    Ok((plan, looked, warnings))
}

/// What `look` says of changesets that are pending and not selected, in order. Nothing of them runs, so that their
/// problems are none here.
pub fn others<T: Send>(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    history: &History,
    request: &Request<'_>,
    look: impl Fn(usize, &Examined) -> T + Sync,
) -> Vec<T> {
    let Some(selected) = request.selected else { return Vec::new() };
    let mut decision = decide(changelog, graph, history, request.environment, None);
    decision.planned.retain(|(position, _)| !selected.contains(position));
    let history = history.with_new_ids(&decision.renamed);
    let keep = |position: usize, examined: Examined| look(position, &examined);
    render(changelog, sources, &history, request, &decision.planned, keep).map_or_else(|_| Vec::new(), |(all, _)| all)
}

/// Every changeset of the environment as a step, in order, with its position, as if none was applied and no soak time was
/// to be waited for.
///
/// # Errors
/// When sources are wrong.
pub fn all(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    request: &Request<'_>,
) -> Result<Vec<(usize, Step)>, Diagnostics> {
    let is_here = |position: &usize| changelog.changesets[*position].is_for(request.environment);
    let planned: Vec<_> = graph.order().iter().copied().filter(is_here).map(|at| (at, StepReason::Pending)).collect();
    let keep = |position: usize, examined: Examined| (position, examined.step);
    render(changelog, sources, &History::default(), request, &planned, keep).map(|(steps, _)| steps)
}

/// What is known of a project when every changeset was compiled as if none was applied.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Changesets that this environment gets.
    pub for_here: usize,
    /// What this environment never gets.
    pub excluded: Vec<String>,
    /// Changesets that cannot be taken back.
    pub irreversible: usize,
    /// Changesets that are not one transaction.
    pub not_one_transaction: usize,
    /// Changesets with a password in their SQL.
    pub exposed: Vec<String>,
}

/// Compiles every changeset as if none was applied, and keeps nothing of it but what `look` says; with what is odd.
///
/// # Errors
/// When sources are wrong.
pub fn check<T: Send>(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    request: &Request<'_>,
    look: impl Fn(usize, &Examined) -> T + Sync,
) -> Result<(Compiled, Vec<T>, Diagnostics), Diagnostics> {
    let none = History::default();
    let decision = decide(changelog, graph, &none, request.environment, request.selected);
    let keep = |position: usize, examined: Examined| {
        let looked = look(position, &examined);
        let step = examined.step;
        let back = matches!(step.rollback, Rollback::Irreversible { .. });
        let several = step.segments.iter().any(|segment| segment.mode != Mode::Transaction);
        ((back, several, secrets::is_exposed(&step).then_some(step.changeset)), looked)
    };
    let (all, warnings) = render(changelog, sources, &none, request, &decision.planned, keep)?;
    let (all, looked): (Vec<_>, Vec<T>) = all.into_iter().unzip();
    let compiled = Compiled {
        for_here: all.len() + decision.waiting.len() + decision.blocked.len(),
        excluded: decision.excluded,
        irreversible: all.iter().filter(|(irreversible, ..)| *irreversible).count(),
        not_one_transaction: all.iter().filter(|(_, several, _)| *several).count(),
        exposed: all.into_iter().filter_map(|(.., exposed)| exposed).collect(),
    };
    Ok((compiled, looked, warnings))
}

struct Choice<'a> {
    changelog: &'a Changelog,
    graph: &'a Graph,
    history: &'a History,
    environment: &'a str,
    selected: Option<&'a BTreeSet<usize>>,
    taken: HashSet<usize>,
    decision: Decision,
}

impl Choice<'_> {
    fn consider(&mut self, position: usize) {
        let changeset = &self.changelog.changesets[position];
        let id = &changeset.id;
        let recorded = self.history.changesets.get(id);
        if !changeset.is_for(self.environment) && recorded.is_none() {
            self.decision.excluded.push(id.clone());
            return;
        }
        if self.selected.is_some_and(|s| !s.contains(&position)) {
            return;
        }
        let Some(why) = self.why(changeset, position, recorded) else { return };
        if let Some(recorded) = recorded
            && recorded.is_rollback_begun()
        {
            let reason = "its rollback is not finished: finish it first".to_owned();
            self.decision.blocked.push(Blocked { changeset: id.clone(), reason });
            return;
        }
        for (edge, dependency) in self.graph.dependencies(position).map(|e| (e, &self.changelog.changesets[e.to])) {
            if !dependency.is_for(self.environment) && self.history.status(&dependency.id).is_none() {
                continue;
            }
            let state = self.history.changesets.get(&dependency.id).filter(|r| r.status.satisfies());
            if state.is_none() && !self.taken.contains(&edge.to) {
                self.decision.blocked.push(Blocked { changeset: id.clone(), reason: self.reason(&dependency.id) });
                return;
            }
            if edge.soak.millis == 0 {
                continue;
            }
            let over = state.map(|r| r.applied_at + i64::try_from(edge.soak.millis).unwrap_or(i64::MAX / 2));
            if over.is_none_or(|over| over > self.history.now) {
                self.decision.waiting.push(Waiting {
                    changeset: id.clone(),
                    on: dependency.id.clone(),
                    soak: edge.soak,
                    until: over.map(time::rfc3339),
                });
                return;
            }
        }
        self.taken.insert(position);
        self.decision.planned.push((position, why));
    }

    /// Why this changeset is to be run; `None`: it is not.
    fn why(&mut self, changeset: &Changeset, position: usize, recorded: Option<&Recorded>) -> Option<StepReason> {
        let Some(recorded) = recorded else { return Some(StepReason::Pending) };
        let same = recorded.checksum == changeset.checksum;
        match recorded.status {
            RecordedStatus::Skipped | RecordedStatus::Held => None,
            RecordedStatus::Failed => Some(StepReason::Pending),
            RecordedStatus::Applied if same => None,
            RecordedStatus::Applied if changeset.repeatable => Some(StepReason::Changed),
            RecordedStatus::Partly if same => Some(StepReason::Resumed),
            RecordedStatus::Applied | RecordedStatus::Partly => {
                self.decision.edited.push(Edited {
                    id: changeset.id.clone(),
                    position,
                    recorded: recorded.checksum.clone(),
                    current: changeset.checksum.clone(),
                });
                None
            }
        }
    }

    /// Why a dependency is not there.
    fn reason(&self, dependency: &str) -> String {
        if self.decision.waiting.iter().any(|w| w.changeset == dependency) {
            return format!("needs `{dependency}`, which waits");
        }
        if self.decision.blocked.iter().any(|b| b.changeset == dependency) {
            return format!("needs `{dependency}`, which is blocked");
        }
        match self.history.status(dependency) {
            Some(RecordedStatus::Held) => {
                let why = self.history.changesets.get(dependency).and_then(|r| r.reason.as_deref());
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                format!("needs `{dependency}`, which is held{why}")
            }
            _ => format!("needs `{dependency}`, which is not applied and not selected"),
        }
    }
}

/// Renders the steps, spread over the cores: each is independent of the others. Of each only what
/// `keep` makes of it stays.
fn render<T: Send>(
    changelog: &Changelog,
    sources: &SourceSet,
    history: &History,
    request: &Request<'_>,
    planned: &[(usize, StepReason)],
    keep: impl Fn(usize, Examined) -> T + Sync,
) -> Result<(Vec<T>, Diagnostics), Diagnostics> {
    let mut setting = request.setting;
    if setting.writing.origins == Origins::Parts && planned.len() > MOST_IN_PARTS {
        setting.writing.origins = Origins::Changes;
    }
    let (steps, problems) = on_all_cores(planned, BATCH, |(position, why), out| {
        let changeset = &changelog.changesets[*position];
        let file = &sources.get(changeset.file).path;
        let mut setting = setting;
        setting.limits = changeset.limits.over(setting.limits);
        setting.pace = changeset.limits.backfill.or(setting.pace);
        let mut examined = step::examine(changeset, file, setting, out)?;
        examined.step.why = *why;
        let begun = history.changesets.get(&changeset.id).filter(|_| *why == StepReason::Resumed);
        begun.into_iter().for_each(|recorded| examined.step.take_progress(recorded));
        Some(keep(*position, examined))
    });
    if problems.has_errors() { Err(problems) } else { Ok((steps, problems)) }
}

fn overridden(renderer: &Renderer, steps: &[Step]) -> Vec<String> {
    let used: BTreeSet<&str> =
        steps.iter().flat_map(|s| &s.segments).flat_map(|s| &s.statements).map(|s| s.kind.as_str()).collect();
    used.into_iter().filter(|kind| renderer.is_overridden(kind)).map(str::to_owned).collect()
}
