//! The review of the files: of all changesets, or of those that are new or changed since a commit.

use super::since::Base;
use super::{RunSource, Target, git};
use crate::base::{Failure, FailureKind, Level, Sources, count};
use crate::lint::{self as review, Finding, Review, Verdict};
use crate::plan::{Direction, Plan, Step};
use crate::report::LintAnswer;
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
        let changed = Base::open(target, &view, base)?.changed(target, &view);
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
