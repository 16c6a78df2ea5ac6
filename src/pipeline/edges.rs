//! Declared dependencies compared with the SQL, as problems in the project's files.

use super::View;
use crate::base::{Code, Diagnostic, Diagnostics, Operation, Remedy, Setting};
use crate::edges::{self, Compared, Finding, Kind, Reason, Scope, Spot, Summary};
use crate::plan::step::{self, Examined};
use crate::source::project::LimitsSpec;
use crate::sql::{Mistake, Object, UNPARSED_MARK};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Changes that are rendered again to look up the places of problems.
const MOST_RENDERED: usize = 500;

/// Objects that nobody makes which are named one by one.
const MOST_UNMADE: usize = 10;

/// A problem at bytes of a change's SQL, with its number among all.
type Numbered = (usize, (Range<usize>, Diagnostic));

/// What the SQL of a changeset says.
#[derive(Debug)]
pub struct Looked {
    /// The position of the changeset in the changelog.
    pub position: usize,
    /// What it does to objects.
    pub summary: Summary,
    /// Where its SQL is not SQL, with the position of the change.
    mistakes: Vec<(usize, Mistake)>,
}

/// The dependencies of a project, compared with its SQL.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// What was found, by positions in the changelog.
    pub findings: Vec<Finding>,
    /// Edges that the SQL has, whether they are declared or not.
    pub reasons: Vec<Reason>,
    /// Declared dependencies that follow from others: the changeset, the dependency, and one that leads to it.
    pub redundant: Vec<(usize, usize, usize)>,
    /// Changesets whose objects are not all known, with what is not.
    pub unknown: Vec<(usize, String)>,
}

impl Comparison {
    /// The objects that no changeset makes.
    #[must_use]
    pub fn unmade(&self) -> BTreeSet<Object> {
        let unmade = self.findings.iter().filter(|finding| finding.kind == Kind::Unmade);
        unmade.map(|finding| finding.object.clone()).collect()
    }

    /// Changesets that both define an object, or of which one drops what the other uses, in any order.
    pub fn unordered(&self) -> impl Iterator<Item = (usize, usize)> {
        self.findings.iter().filter_map(|finding| match finding.kind {
            Kind::BothDefine { other, .. } | Kind::DroppedBy { other, .. } => Some((finding.changeset, other)),
            _ => None,
        })
    }

    /// The dependencies that the SQL asks for and that go the other way: the changeset, and the one that it uses.
    pub fn reversed(&self) -> impl Iterator<Item = (usize, usize)> {
        self.findings.iter().filter_map(|finding| match finding.kind {
            Kind::Reversed { maker, .. } => Some((finding.changeset, maker)),
            _ => None,
        })
    }

    /// The dependencies that are missing: the changeset, and the one that it has to depend on. Those without which a run
    /// can fail come first.
    pub fn missing(&self) -> impl Iterator<Item = (usize, usize)> {
        let (certain, likely): (Vec<_>, Vec<_>) = self.findings.iter().partition(|finding| finding.certain);
        certain.into_iter().chain(likely).filter_map(|finding| match finding.kind {
            Kind::Missing { maker, .. } => Some((finding.changeset, maker)),
            _ => None,
        })
    }
}

impl View<'_> {
    /// What a changeset's SQL says, summed up.
    pub(super) fn look(&self, position: usize, examined: &Examined) -> Looked {
        let mistakes = examined.said.iter().enumerate().flat_map(|(change, said)| {
            said.iter().flat_map(move |objects| {
                objects.mistakes.iter().filter(|m| !m.expected).map(move |m| (change, m.clone()))
            })
        });
        let ledger = &self.workspace.loaded.config.ledger.schema;
        Looked { position, summary: Summary::of(examined, ledger), mistakes: mistakes.collect() }
    }

    /// Compares the declared dependencies of these changesets with their SQL. `complete`: they are all that the
    /// environment gets.
    pub(super) fn compare(&self, looked: Vec<Looked>, complete: bool) -> Comparison {
        let changesets: Vec<(usize, Summary)> = looked.into_iter().map(|l| (l.position, l.summary)).collect();
        let scope = Scope { graph: &self.graph, changesets: &changesets, complete };
        let Compared { findings, reasons, unknown } = edges::check(scope);
        let redundant = if complete { edges::redundant(&self.graph) } else { Vec::new() };
        Comparison { findings, reasons, redundant, unknown }
    }

    /// Statements that are not SQL, as problems.
    pub(super) fn mistakes(&self, looked: &[Looked]) -> Diagnostics {
        let all = looked.iter().flat_map(|l| l.mistakes.iter().map(|(change, mistake)| (l.position, *change, mistake)));
        let problems = all.map(|(position, change, mistake)| {
            let message = format!("this is not in PostgreSQL's grammar: {}", mistake.message);
            let problem = Diagnostic::error(Code::Syntax, message).help(format!(
                "correct the statement; where PostgreSQL accepts it and the parser does not, write the comment \
                 `{UNPARSED_MARK}` on the line before it"
            ));
            (position, Spot { change, at: mistake.at.start..mistake.at.end.max(mistake.at.start + 1) }, problem)
        });
        let mut out = Diagnostics::default();
        self.located(problems.collect()).into_iter().for_each(|problem| out.push(problem));
        out
    }

    /// Problems at the places where the SQL of changesets has these bytes, in the same order.
    fn located(&self, problems: Vec<(usize, Spot, Diagnostic)>) -> Vec<Diagnostic> {
        // each change is rendered once
        let mut by_change: BTreeMap<(usize, usize), Vec<Numbered>> = BTreeMap::new();
        let mut located: Vec<(usize, Diagnostic)> = Vec::with_capacity(problems.len());
        for (n, (position, spot, problem)) in problems.into_iter().enumerate() {
            let key = (position, spot.change);
            if by_change.len() >= MOST_RENDERED && !by_change.contains_key(&key) {
                located.push((n, problem.at(self.changelog.changesets[position].place.child("id"))));
                continue;
            }
            by_change.entry(key).or_default().push((n, (spot.at, problem)));
        }
        let setting =
            self.workspace.setting(&self.environment, LimitsSpec::default(), self.writing(super::Origins::Parts));
        for ((position, change), problems) in by_change {
            let (order, problems): (Vec<usize>, Vec<_>) = problems.into_iter().unzip();
            let changeset = &self.changelog.changesets[position];
            located.extend(order.into_iter().zip(step::locate(changeset, setting, change, problems)));
        }
        located.sort_by_key(|(n, _)| *n);
        located.into_iter().map(|(_, problem)| problem).collect()
    }

    /// The findings as problems: those that let a run fail are errors. `there`: of the objects that no changeset makes
    /// those that a database has.
    pub(super) fn edge_problems(&self, comparison: &Comparison, there: Option<&BTreeSet<Object>>) -> Diagnostics {
        let id = |position: usize| self.changelog.changesets[position].id.as_str();
        let (unmade, others): (Vec<&Finding>, Vec<&Finding>) =
            comparison.findings.iter().partition(|finding| finding.kind == Kind::Unmade);
        let related = others.iter().filter_map(|finding| match &finding.kind {
            Kind::Missing { maker, made } | Kind::Reversed { maker, made } => Some((*maker, made.clone())),
            Kind::BothDefine { other, at } | Kind::DroppedBy { other, at } => Some((*other, at.clone())),
            Kind::Unmade => None,
        });
        let related = related.map(|(at, spot)| (at, spot, Diagnostic::warning(Code::UnmadeObject, ""))).collect();
        let mut problems = Vec::with_capacity(others.len());
        for (finding, related) in others.into_iter().zip(self.located(related)) {
            let object = named(finding);
            let user = id(finding.changeset);
            let new = |code, message: String| match finding.certain {
                true => Diagnostic::error(code, message),
                false => Diagnostic::warning(code, message),
            };
            let (problem, label) = match &finding.kind {
                Kind::Missing { maker, .. } => {
                    let maker_id = id(*maker);
                    let message =
                        format!("`{user}` uses {object}, which `{maker_id}` makes, and does not come after it");
                    let help = Remedy::from(format!("add `- {maker_id}` to `dependsOn` of `{user}`; "))
                        + Operation::Check.with(Setting::Fix)
                        + " does it";
                    (new(Code::MissingDependency, message).help(help), format!("`{maker_id}` makes it here"))
                }
                Kind::Reversed { maker, .. } => {
                    let maker_id = id(*maker);
                    let message = format!(
                        "`{user}` uses {object}, which `{maker_id}` makes, and `{maker_id}` comes after `{user}`"
                    );
                    let help = format!(
                        "let `{user}` depend on `{maker_id}`, and remove what makes `{maker_id}` come after it: its own \
                         `dependsOn`, or that of a changeset in between"
                    );
                    (new(Code::ReversedDependency, message).help(help), format!("`{maker_id}` makes it here"))
                }
                Kind::BothDefine { other, .. } => {
                    let other_id = id(*other);
                    let message =
                        format!("`{other_id}` and `{user}` both define {object}, and neither comes after the other");
                    let help =
                        format!("the last one wins: add `- {other_id}` to `dependsOn` of `{user}`, or the reverse");
                    (new(Code::UnorderedChanges, message).help(help), format!("`{other_id}` defines it here"))
                }
                Kind::DroppedBy { other, .. } => {
                    let other_id = id(*other);
                    let message = format!(
                        "`{other_id}` drops {object}, which `{user}` makes or uses, and neither comes after the other"
                    );
                    let help = format!("if `{user}` comes first, add `- {user}` to `dependsOn` of `{other_id}`");
                    (new(Code::UnorderedChanges, message).help(help), format!("`{other_id}` drops it here"))
                }
                Kind::Unmade => continue,
            };
            let problem = match related.place {
                Some(place) => problem.related(place, label),
                None => problem,
            };
            problems.push((finding.changeset, finding.spot.clone(), problem));
        }
        let mut out = Diagnostics::default();
        self.located(problems).into_iter().for_each(|problem| out.push(problem));
        self.unmade(&unmade, there, &mut out);
        out
    }

    fn unmade(&self, findings: &[&Finding], there: Option<&BTreeSet<Object>>, out: &mut Diagnostics) {
        let mut seen: BTreeSet<&Object> = there.into_iter().flatten().collect();
        let first: Vec<&Finding> = findings.iter().copied().filter(|finding| seen.insert(&finding.object)).collect();
        let help = "if it is there before the first changeset, "
            + Operation::Check.with(Setting::Against)
            + " asks the database; else a changeset that makes it is missing";
        if there.is_none() && first.len() > MOST_UNMADE {
            let names: Vec<String> = first.iter().take(MOST_UNMADE).map(|finding| finding.object.to_string()).collect();
            let message = format!("no changeset makes {} objects that are used: {}, …", first.len(), names.join(", "));
            out.push(Diagnostic::warning(Code::UnmadeObject, message).help(help));
            return;
        }
        let problems = first.into_iter().map(|first| {
            let user = &self.changelog.changesets[first.changeset].id;
            let message = format!("`{user}` uses {}, which no changeset makes", first.object);
            let problem = match there {
                None => Diagnostic::warning(Code::UnmadeObject, message).help(help.clone()),
                Some(_) => Diagnostic::error(Code::UnmadeObject, message + " and the database does not have")
                    .help("correct the name, or write a changeset that makes it"),
            };
            (first.changeset, first.spot.clone(), problem)
        });
        self.located(problems.collect()).into_iter().for_each(|problem| out.push(problem));
    }
}

/// The object of a finding, and how many others tell the same.
fn named(finding: &Finding) -> String {
    let object = match &finding.object {
        Object::Relation(name) => format!("`{name}`"),
        Object::Column(table, name) => format!("the column `{table}.{name}`"),
        other => format!("the {other}"),
    };
    match finding.more {
        0 => object,
        more => format!("{object} and {more} more"),
    }
}
