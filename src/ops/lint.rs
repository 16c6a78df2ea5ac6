//! The review of the files: of all changesets, or of those that are new or changed since a commit.

use super::git::{self, Revision};
use super::{RunSource, Target};
use crate::base::{Failure, FailureKind, Level, Sources, count};
use crate::lint::{self as review, Finding, Review, Verdict};
use crate::pipeline::{View, Workspace};
use crate::plan::{Direction, Plan, Step};
use crate::render::ProjectTemplate;
use crate::report::LintAnswer;
use crate::source::project::FILE;
use crate::source::{Changeset, RollbackSource};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a review is asked for.
#[derive(Debug, Clone, Default)]
pub struct LintOptions {
    /// The changesets to review; empty: all.
    pub selectors: Vec<String>,
    /// Only changesets that are new or changed since this commit, branch or tag.
    pub base: Option<String>,
    /// The severity from which on the review fails; `None`: it never fails.
    pub fail_on: Option<Level>,
}

/// A review with the texts that its places point into.
#[derive(Debug)]
pub struct Linted {
    /// The findings.
    pub answer: LintAnswer,
    /// The texts, without secrets.
    pub sources: Arc<dyn Sources>,
}

impl Linted {
    /// The failure of the review, if a finding is as severe as `fail_on`.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let LintAnswer { counts, fail_on, verdict, .. } = &self.answer;
        let number = counts.at_least((*fail_on)?);
        (*verdict == Verdict::DoNotMerge).then(|| {
            let word = fail_on.map_or("", Level::word);
            let or_above = if *fail_on == Some(Level::Blocking) { "" } else { " or higher" };
            let message = format!("the review has {} of severity {word}{or_above}", count(number, "finding"));
            Failure::new(FailureKind::Findings, message)
        })
    }
}

/// Reviews the files of a project.
///
/// # Errors
/// Problems in the files, a selector that matches nothing, or a revision that git does not have.
pub fn lint(target: &Target, options: &LintOptions) -> Result<Linted, Failure> {
    let view = target.view()?;
    let mut selected = view.select(&options.selectors)?;
    if let Some(base) = &options.base {
        let changed = changed(target, &view, base)?;
        selected = Some(match selected {
            Some(selected) => selected.intersection(&changed).copied().collect(),
            None => changed,
        });
    }
    let review = view.lint(selected.as_ref())?;
    let prefix = git::prefix(&target.workspace().loaded.root);
    let sources: Arc<dyn Sources> = Arc::new(view.sources.clone());
    let answer = LintAnswer::of(&review, &*sources, &target.environment, prefix, options.base.clone(), options.fail_on);
    Ok(Linted { answer, sources })
}

/// The changesets that are new or changed since a commit, by position.
fn changed(target: &Target, view: &View<'_>, base: &str) -> Result<BTreeSet<usize>, Failure> {
    let loaded = &target.workspace().loaded;
    let revision = Revision::find(&loaded.root, base)?;
    let folder = tempfile::tempdir()
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot create a temporary folder: {e}")))?;
    let (plans, templates) = (folder_of(&loaded.config.plans), folder_of(&loaded.config.templates));
    let read: BTreeSet<&str> = view.sources.iter().map(|(_, file)| file.path.as_str()).collect();
    revision.write(folder.path(), |path| {
        path == FILE
            || path.starts_with(&plans)
            || path.starts_with(&templates)
            || path.ends_with(".sql")
            || read.contains(path)
    })?;
    let changesets = view.changelog.changesets.iter().enumerate();
    if !folder.path().join(FILE).exists() {
        // the project is new
        return Ok(changesets.map(|(position, _)| position).collect());
    }
    let before = Workspace::open(folder.path())?;
    let checksums = view.checksums_of(&before);
    let kinds = other_templates(&before.loaded.templates, &loaded.templates);
    let uses = |changeset: &Changeset| {
        let back = match &changeset.rollback {
            RollbackSource::Changes(changes) => changes.as_slice(),
            RollbackSource::Derived | RollbackSource::Irreversible(_) => &[],
        };
        changeset.changes.iter().chain(back).any(|change| kinds.contains(change.change.kind()))
    };
    let changed = changesets
        .filter(|(_, changeset)| checksums.get(&changeset.id) != Some(&changeset.checksum) || uses(changeset));
    Ok(changed.map(|(position, _)| position).collect())
}

/// The change types whose template of the project is new, changed or gone: their changesets have the same checksum and
/// other SQL.
fn other_templates<'a>(before: &'a [ProjectTemplate], now: &'a [ProjectTemplate]) -> BTreeSet<&'a str> {
    let is_in = |all: &[ProjectTemplate], one: &ProjectTemplate| {
        all.iter().any(|other| other.kind == one.kind && other.text == one.text)
    };
    let gone = before.iter().filter(|template| !is_in(now, template));
    gone.chain(now.iter().filter(|template| !is_in(before, template))).map(|template| template.kind.as_str()).collect()
}

/// A folder as paths begin with it.
fn folder_of(path: &str) -> String {
    format!("{}/", path.trim_start_matches("./").trim_end_matches('/'))
}

/// The findings for the gate, if the environment refuses some, and from which severity on.
///
/// # Errors
/// Problems in the files.
pub fn of_plan(target: &Target, source: &RunSource<'_>, plan: &Plan) -> Result<Option<(Level, Vec<Finding>)>, Failure> {
    let Some(refuse) = target.workspace().lint_policy(&target.environment).refuse else { return Ok(None) };
    Ok(reviewed(target, source, plan)?.map(|findings| (refuse, findings)))
}

/// The review of the steps of a plan, for its preview; `None` for a rollback.
///
/// # Errors
/// Problems in the files.
pub fn answer(target: &Target, source: &RunSource<'_>, plan: &Plan) -> Result<Option<LintAnswer>, Failure> {
    let RunSource::Files { view, .. } = source else { return Ok(None) };
    let Some(findings) = reviewed(target, source, plan)? else { return Ok(None) };
    let review = Review { findings, changesets: plan.steps.len() };
    let refuse = target.workspace().lint_policy(&target.environment).refuse;
    let prefix = git::prefix(&target.workspace().loaded.root);
    Ok(Some(LintAnswer::of(&review, &view.sources, &target.environment, prefix, None, refuse)))
}

/// The findings about the steps of a plan. Those of a sealed plan are reviewed with their files where these are the
/// same, and else by their statements alone.
fn reviewed(target: &Target, source: &RunSource<'_>, plan: &Plan) -> Result<Option<Vec<Finding>>, Failure> {
    if plan.direction != Direction::Forward {
        return Ok(None);
    }
    let made;
    let view = match source {
        RunSource::Files { view, .. } => Some(&**view),
        RunSource::Sealed(_) => {
            made = target.view().ok();
            made.as_ref()
        }
        RunSource::Rollback { .. } | RunSource::Attic(_) => return Ok(None),
    };
    let position = |step: &Step| {
        let at = view?.graph.position(&step.changeset)?;
        (view?.changelog.changesets[at].checksum == step.checksum).then_some(at)
    };
    let (mut known, mut others) = (BTreeSet::new(), Vec::new());
    for step in &plan.steps {
        match position(step) {
            Some(at) => drop(known.insert(at)),
            None => others.push(step.clone()),
        }
    }
    let mut findings = match view.filter(|_| !known.is_empty()) {
        Some(view) => view.lint(Some(&known))?.findings,
        None => Vec::new(),
    };
    findings.extend(review::of_steps(&others, &target.workspace().lint_policy(&target.environment).rules));
    Ok(Some(findings))
}
