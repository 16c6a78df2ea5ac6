//! The review of a project: every changeset is compiled and looked at by itself, on all cores; then all together.

use super::finding::{Finding, Review};
use super::ignore::{self, Ignores};
use super::place::{Finder, Spot};
use super::project::{self, Record};
use super::rules;
use super::schema::Schema;
use super::subject::{At, Draft, Subject};
use crate::base::rule::RuleLevels;
use crate::base::{BATCH, Code, Diagnostics, Level, Place, Rule, on_all_cores};
use crate::graph::Graph;
use crate::plan::writing::Origins;
use crate::plan::{Direction, FORMAT, Plan, Step, step, step::RenderContext};
use crate::source::changeset::Phase;
use crate::source::policy::Destructive;
use crate::source::{Changelog, SourceSet, masked_text};
use std::collections::BTreeSet;

/// What a review is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The environment.
    pub environment: &'a str,
    /// What to render with.
    pub setting: RenderContext<'a>,
    /// The changesets to review, by position; `None`: all. The others are only known.
    pub selected: Option<&'a BTreeSet<usize>>,
    /// The levels of rules, where they are not those of the rules.
    pub levels: &'a RuleLevels,
    /// The kinds of steps that the environment allows; `None`: all.
    pub allow: Option<&'a [Destructive]>,
}

impl Request<'_> {
    fn is_reviewed(&self, position: usize) -> bool {
        self.selected.is_none_or(|selected| selected.contains(&position))
    }
}

/// Reviews the changesets of a project, also those that the environment never gets.
///
/// # Errors
/// Problems in the sources other than a missing rollback, which is a finding; and rules that are ignored without a
/// reason.
pub fn review(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    request: &Request<'_>,
) -> Result<Review, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut ignores = ignore::all(changelog, sources, &mut problems);
    let order: Vec<usize> = graph.order().to_vec();
    let compile = |position: usize, origins: Origins, out: &mut Diagnostics| {
        let changeset = &changelog.changesets[position];
        let mut setting = request.setting;
        setting.writing.origins = origins;
        setting.accepts_missing_rollback = true;
        setting.limits = changeset.limits.over(setting.limits);
        step::compile(changeset, &sources.get(changeset.file).path, setting, out)
    };
    let first = on_all_cores(&order, BATCH, |&position, out| {
        let mut found = Diagnostics::default();
        let step = compile(position, Origins::None, &mut found);
        let no_way_back = places_of(&found, Code::NoWayBack);
        found.retain(|problem| problem.code != Code::NoWayBack);
        out.append(found);
        let step = step?;
        let is_reviewed = request.is_reviewed(position);
        let changeset = &changelog.changesets[position];
        let mut subject = Subject::new(Some(changeset), &step, is_reviewed);
        let mut drafts = Vec::new();
        if is_reviewed {
            subject.no_way_back = no_way_back;
            if changeset.is_for(request.environment) {
                subject.allow = request.allow;
                subject.hazards = hazards(request, &step);
            }
            if changeset.phase == Some(Phase::Contract) {
                subject.after_expand = is_after_expand(position, changelog, graph);
            }
            drafts = rules::of_changeset(&subject);
        }
        Some(record(position, subject, drafts, is_reviewed))
    });
    let (mut records, found) = first;
    problems.append(found);
    if problems.has_errors() {
        return Err(problems);
    }
    project::settle(&mut records);
    let with_findings: Vec<usize> = (0..records.len()).filter(|at| !records[*at].drafts.is_empty()).collect();
    let (mut found, _) = on_all_cores(&with_findings, BATCH, |&at, _| {
        let record = &records[at];
        let mut ignored = Diagnostics::default();
        let step = compile(record.position, Origins::Changes, &mut ignored)?;
        let changeset = &changelog.changesets[record.position];
        let mut finder = Finder::new(changeset, &step, sources);
        let located = |draft: &Draft| (record.position, draft.clone(), finder.find(&draft.at));
        Some(record.drafts.iter().map(located).collect::<Vec<_>>())
    });
    let mut findings = Vec::new();
    for (position, draft, spot) in found.drain(..).flatten() {
        if !ignores.hide(draft.rule, position, spot.as_ref()) {
            let id = &changelog.changesets[position].id;
            findings.extend(finding(id, draft, spot, request.levels));
        }
    }
    findings.extend(unused(&ignores, changelog, sources, request));
    findings.sort_by(|a, b| position(a, sources).cmp(&position(b, sources)));
    let changesets = order.iter().filter(|position| request.is_reviewed(**position)).count();
    Ok(Review { findings, changesets })
}

/// Reviews the steps of a plan whose files are not there: what the project as a whole says is not known.
#[must_use]
pub fn of_steps(steps: &[Step], levels: &RuleLevels) -> Vec<Finding> {
    let needs_project = [Rule::ForeignKeyWithoutIndex, Rule::KeyValueWithoutUnique, Rule::TableWithoutPrimaryKey];
    let mut records: Vec<Record> = steps
        .iter()
        .enumerate()
        .map(|(position, step)| {
            let subject = Subject::new(None, step, true);
            let drafts = rules::of_changeset(&subject);
            record(position, subject, drafts, true)
        })
        .collect();
    project::settle(&mut records);
    let of = |record: Record| {
        let id = &steps[record.position].changeset;
        let drafts = record.drafts.into_iter().filter(|draft| !needs_project.contains(&draft.rule));
        drafts.filter_map(|draft| finding(id, draft, None, levels)).collect::<Vec<_>>()
    };
    records.into_iter().flat_map(of).collect()
}

fn record(position: usize, subject: Subject<'_>, drafts: Vec<Draft>, is_reviewed: bool) -> Record {
    let forward = subject.units.into_iter().filter(|unit| !unit.back);
    let actions = forward.flat_map(|unit| unit.actions.into_iter().map(move |action| (unit.number, action)));
    Record { position, actions: actions.filter(|(_, action)| Schema::wants(action)).collect(), drafts, is_reviewed }
}

fn finding(id: &str, draft: Draft, spot: Option<Spot>, levels: &RuleLevels) -> Option<Finding> {
    let level = levels.get(&draft.rule).copied().unwrap_or(draft.rule.level());
    let rollback = matches!(draft.at, At::Statement { back: true, .. });
    (level != Level::Off).then(|| Finding {
        rule: draft.rule,
        severity: level,
        changeset: id.to_owned(),
        rollback,
        place: spot.map(|spot| spot.place()),
        message: masked_text(&draft.message),
        remedy: draft.remedy,
        safe: draft.safe.as_deref().map(masked_text),
    })
}

/// Ignored rules that hide nothing, in reviewed changesets.
fn unused(ignores: &Ignores, changelog: &Changelog, sources: &SourceSet, request: &Request<'_>) -> Vec<Finding> {
    let reviewed = ignores.unused().filter(|ignore| match ignore.changeset {
        Some(position) => request.is_reviewed(position),
        None => request.selected.is_none(),
    });
    let found = reviewed.filter_map(|ignore| {
        let message = format!("`{}` is ignored here, and finds nothing", ignore.rule);
        let draft = Draft::at_key(Rule::UnusedIgnore, "lint", message).remedy("remove it");
        let id = ignore.changeset.map_or("", |position| changelog.changesets[position].id.as_str());
        let mut place = ignore.place.clone();
        if place.span.is_none() {
            place.span = sources.get(place.file).find(&place);
        }
        let finding = finding(id, draft, None, request.levels)?;
        Some(Finding { place: Some(place), ..finding })
    });
    found.collect()
}

fn position<'a>(finding: &'a Finding, sources: &'a SourceSet) -> (Option<(&'a str, usize)>, Rule) {
    let place = finding.place.as_ref();
    let at = place.map(|p| (sources.get(p.file).path.as_str(), p.span.as_ref().map_or(0, |span| span.start)));
    (at, finding.rule)
}

fn places_of(problems: &Diagnostics, code: Code) -> Vec<Place> {
    problems.iter().filter(|problem| problem.code == code).filter_map(|problem| problem.place.clone()).collect()
}

/// What may hurt in a step, as the plan of the environment says it.
fn hazards(request: &Request<'_>, step: &Step) -> Vec<crate::plan::Hazard> {
    if request.allow.is_none() {
        return Vec::new();
    }
    let kinds = step.segments.iter().flat_map(|segment| &segment.statements).map(|statement| statement.kind.as_str());
    let renderer = request.setting.renderer;
    let plan = Plan {
        format: FORMAT,
        environment: request.environment.to_owned(),
        direction: Direction::Forward,
        ledger_schema: request.setting.ledger.as_str().to_owned(),
        renamed: Vec::new(),
        steps: Vec::new(),
        waiting: Vec::new(),
        blocked: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: kinds.filter(|kind| renderer.is_overridden(kind)).map(str::to_owned).collect(),
    };
    plan.hazards(step)
}

/// Whether a changeset that it depends on, directly or not, expands or migrates.
fn is_after_expand(position: usize, changelog: &Changelog, graph: &Graph) -> bool {
    let mut before = graph.with_ancestors([position]);
    before.remove(&position);
    before.into_iter().any(|at| matches!(changelog.changesets[at].phase, Some(Phase::Expand | Phase::Migrate)))
}
