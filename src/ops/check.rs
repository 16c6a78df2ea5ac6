//! A check of the files: what it comes to, and what it can mend.

use super::Target;
use crate::base::{Diagnostics, Failure, FailureKind, Wording};
use crate::graph::Graph;
use crate::pg::known;
use crate::pipeline::{self, Comparison, View};
use crate::report::diag::{self, Problem};
use crate::source::edit::{NewDependencies, with_dependencies};
use crate::sql::Object;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

/// The result of a check without errors.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The warnings.
    pub diagnostics: Vec<Problem>,
    /// The environment that the files were compiled for.
    pub environment: String,
    /// The number of changesets.
    pub changesets: usize,
    /// The number of changesets for this environment.
    pub for_this_environment: usize,
    /// The number of those that cannot be rolled back.
    pub irreversible: usize,
    /// The number of those that have several transactions, or cannot run in one.
    pub not_one_transaction: usize,
    /// Declared dependencies that follow from others.
    pub redundant_dependencies: Vec<Redundant>,
    /// Changesets whose dependencies could not be compared with all of their SQL.
    pub unchecked: Vec<Unchecked>,
    /// The dependencies that were added to the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_dependencies: Vec<Added>,
}

/// A declared dependency that follows from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RedundantDependency")]
pub struct Redundant {
    /// The changeset.
    pub changeset: String,
    /// The dependency.
    pub dependency: String,
    /// Another dependency of the changeset, which comes after it.
    pub through: String,
}

/// A changeset whose SQL does not tell all objects that it uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UncheckedChangeset")]
pub struct Unchecked {
    /// The changeset.
    pub changeset: String,
    /// The part of its SQL that does not tell.
    pub reason: String,
}

/// A dependency that was added to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AddedDependency")]
pub struct Added {
    /// The changeset.
    pub changeset: String,
    /// The dependency.
    pub dependency: String,
    /// The file, relative to the project.
    pub file: String,
}

impl Checked {
    /// Counts the changesets that were compiled for an empty database.
    #[must_use]
    pub fn of(
        target: &Target,
        view: &View<'_>,
        checked: &pipeline::Checked,
        warnings: &Diagnostics,
        added_dependencies: Vec<Added>,
        wording: Wording,
    ) -> Self {
        let id = |position: usize| view.changelog.changesets[position].id.clone();
        let redundant = |(changeset, dependency, through): &(usize, usize, usize)| Redundant {
            changeset: id(*changeset),
            dependency: id(*dependency),
            through: id(*through),
        };
        let unchecked =
            |(changeset, reason): &(usize, String)| Unchecked { changeset: id(*changeset), reason: reason.clone() };
        Self {
            diagnostics: diag::entries(warnings, wording),
            environment: target.environment.clone(),
            changesets: view.changelog.changesets.len(),
            for_this_environment: checked.compiled.for_here,
            irreversible: checked.compiled.irreversible,
            not_one_transaction: checked.compiled.not_one_transaction,
            redundant_dependencies: checked.comparison.redundant.iter().map(redundant).collect(),
            unchecked: checked.comparison.unknown.iter().map(unchecked).collect(),
            added_dependencies,
        }
    }
}

/// Checks the files of an environment without a database.
///
/// # Errors
/// All problems in the files.
pub fn check(target: &Target, wording: Wording) -> Result<Checked, Failure> {
    let view = target.view()?;
    let found = view.check()?;
    view.fixtures()?;
    whole(target, &view, &found, None, Vec::new(), wording).map(|(checked, _)| checked)
}

/// What a check comes to, with its warnings; `there`: the objects that a database has of those that no changeset makes.
///
/// # Errors
/// All problems in the files.
pub fn whole(
    target: &Target,
    view: &View<'_>,
    found: &pipeline::Checked,
    there: Option<&BTreeSet<Object>>,
    added: Vec<Added>,
    wording: Wording,
) -> Result<(Checked, Diagnostics), Failure> {
    let problems = view.problems(found, there);
    if problems.has_errors() {
        return Err(Failure::source(problems));
    }
    Ok((Checked::of(target, view, found, &problems, added, wording), problems))
}

/// A file of changesets with dependencies that were missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The file.
    pub path: PathBuf,
    /// The text that was read, without a byte order mark.
    pub before: String,
    /// Its new text.
    pub text: String,
    /// What is added.
    pub added: Vec<Added>,
}

/// Adds the dependencies that are missing to the texts of the files: layout and comments stay. Those that would make a
/// cycle are left out.
///
/// # Errors
/// If a file has `dependsOn` in a form that cannot be extended: nothing is changed then.
pub fn fixes(view: &View<'_>, comparison: &Comparison) -> Result<Vec<Fix>, Failure> {
    let changesets = &view.changelog.changesets;
    let mut more: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut by_file: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
    for (user, maker) in comparison.missing() {
        if !leads_to(&view.graph, &more, maker, user) {
            more.entry(user).or_default().push(maker);
            by_file.entry(changesets[user].file.0).or_default().push((user, maker));
        }
    }
    let mut fixes = Vec::new();
    for pairs in by_file.into_values() {
        let mut new: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (user, maker) in &pairs {
            new.entry(*user).or_default().push(changesets[*maker].id.clone());
        }
        let Some((user, _)) = pairs.first() else { continue };
        let file = view.sources.get(changesets[*user].file);
        let asked: Vec<NewDependencies> = new
            .into_iter()
            .map(|(user, ids)| NewDependencies { path: changesets[user].place.path.clone(), ids })
            .collect();
        let text = with_dependencies(file, &asked).ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("cannot add dependencies to `{}`", file.path)).help(
                "write `dependsOn` of each changeset as a list of its own, not as an alias or a single value; nothing was changed",
            )
        })?;
        let added = |(user, maker): &(usize, usize)| Added {
            changeset: changesets[*user].id.clone(),
            dependency: changesets[*maker].id.clone(),
            file: file.path.clone(),
        };
        let path = view.workspace.loaded.root.join(&file.path);
        fixes.push(Fix { path, before: file.text.clone(), text, added: pairs.iter().map(added).collect() });
    }
    Ok(fixes)
}

/// Whether `from` comes after `to`, with the dependencies that are added.
fn leads_to(graph: &Graph, more: &HashMap<usize, Vec<usize>>, from: usize, to: usize) -> bool {
    let (mut open, mut seen) = (vec![from], HashSet::new());
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(graph.dependencies(next).map(|edge| edge.to));
            open.extend(more.get(&next).into_iter().flatten());
        }
    }
    false
}

/// Which of the objects that no changeset makes the database of the target has.
///
/// # Errors
/// If the server cannot be reached, or does not answer.
pub async fn there(
    target: &Target,
    comparison: &Comparison,
    observer: &mut dyn crate::run::Observer,
) -> Result<BTreeSet<Object>, Failure> {
    let asked = comparison.unmade();
    let db = target.connect(observer).await?;
    let found = known::of(&db.connection, &asked).await?;
    db.close().await?;
    Ok(found)
}
