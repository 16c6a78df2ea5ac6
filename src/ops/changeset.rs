//! The changesets of an environment, as a list and one by one.

use super::Target;
use super::status::{files, of_files};
use crate::base::{Content, Failure, FailureKind, Wording};
use crate::pg::ledger::read;
use crate::pipeline::View;
use crate::plan::rollback::Stored;
use crate::plan::states::{State, StateRow};
use crate::plan::{Rollback, Segment, Step};
use crate::report::FailureAnswer;
use crate::run::Observer;
use crate::source::Changeset;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Which changesets are listed; each condition that is there must hold.
#[derive(Debug, Clone, Default)]
pub struct ChangesetFilter {
    /// In one of these states; empty: in any.
    pub states: Vec<State>,
    /// With this label.
    pub label: Option<String>,
    /// With this text in the id, the description, the author or a label, in upper or lower case.
    pub text: Option<String>,
    /// Behind this changeset.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A page of changesets.
pub struct ChangesetPage {
    environment: String,
    changesets: Vec<ListedChangeset>,
    total: usize,
    has_more: bool,
    broken: Option<Failure>,
}

/// The changesets of an environment, in order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Changesets")]
pub struct ChangesetsAnswer<'a> {
    /// The environment.
    environment: &'a str,
    /// The changesets, in order.
    changesets: &'a [ListedChangeset],
    /// The number of changesets that match, on all pages.
    total: usize,
    /// The id after which the next page begins; null: this is the last page.
    next: Option<&'a str>,
    /// What is wrong with the files, so that only the ledger could be asked.
    #[serde(flatten)]
    broken: Option<FailureAnswer<'a>>,
}

/// A changeset of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ListedChangeset {
    /// The changeset and its state.
    #[serde(flatten)]
    row: StateRow,
    /// The labels.
    labels: Vec<String>,
    /// The author.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// The phase: expand, migrate or contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
}

impl ListedChangeset {
    fn new(row: StateRow, changeset: Option<&Changeset>) -> Self {
        Self {
            row,
            labels: changeset.map(|c| c.labels.clone()).unwrap_or_default(),
            author: changeset.and_then(|c| c.author.clone()),
            phase: changeset.and_then(|c| c.phase).map(|phase| phase.word()),
        }
    }

    fn has(&self, text: &str) -> bool {
        let texts = [Some(&self.row.id), self.row.description.as_ref(), self.author.as_ref()];
        texts.into_iter().flatten().chain(&self.labels).any(|own| own.to_lowercase().contains(text))
    }
}

impl ChangesetPage {
    /// For programs.
    #[must_use]
    pub fn answer(&self, wording: Wording) -> ChangesetsAnswer<'_> {
        ChangesetsAnswer {
            environment: &self.environment,
            changesets: &self.changesets,
            total: self.total,
            next: self.next(),
            broken: self.broken.as_ref().map(|failure| FailureAnswer::of(failure, wording)),
        }
    }

    /// The id after which the next page begins.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        let shown = self.changesets.last()?;
        self.has_more.then_some(shown.row.id.as_str())
    }
}

/// The changesets of an environment that match, in order.
///
/// # Errors
/// If the server cannot be reached, or the page begins behind an unknown changeset. Problems in the files are in the
/// answer.
pub async fn list(
    target: &Target,
    filter: &ChangesetFilter,
    observer: &mut dyn Observer,
) -> Result<ChangesetPage, Failure> {
    let files = files(target)?;
    let status = of_files(target, files.as_ref().map_err(Clone::clone), observer).await?;
    let known = files.iter().flat_map(|view| &view.changelog.changesets);
    let known: HashMap<&str, &Changeset> = known.map(|changeset| (changeset.id.as_str(), changeset)).collect();
    let text = filter.text.as_ref().map(|text| text.to_lowercase());
    let rows = status.changesets.into_iter().map(|row| {
        let changeset = known.get(row.id.as_str()).copied();
        ListedChangeset::new(row, changeset)
    });
    let mut rows: Vec<ListedChangeset> = rows.collect();
    let begin = match &filter.after {
        None => 0,
        Some(after) => {
            let at = rows.iter().position(|listed| listed.row.id == *after);
            at.ok_or_else(|| Failure::new(FailureKind::Usage, format!("the changeset `{after}` does not exist")))? + 1
        }
    };
    let matches = |listed: &ListedChangeset| {
        (filter.states.is_empty() || filter.states.contains(&listed.row.state))
            && filter.label.as_ref().is_none_or(|label| listed.labels.contains(label))
            && text.as_ref().is_none_or(|text| listed.has(text))
    };
    let total = rows.iter().filter(|listed| matches(listed)).count();
    let mut rest = rows.drain(begin..).filter(matches);
    let changesets: Vec<ListedChangeset> = rest.by_ref().take(filter.limit).collect();
    let has_more = rest.next().is_some();
    Ok(ChangesetPage { environment: status.environment, changesets, total, has_more, broken: status.broken })
}

/// A changeset in an environment.
pub struct ChangesetDetail {
    environment: String,
    listed: ListedChangeset,
    aka: Vec<String>,
    depends_on: Vec<NeededChangeset>,
    dependents: Vec<String>,
    step: Option<Step>,
    stored: Option<Stored>,
    broken: Option<Failure>,
}

/// A changeset in an environment: what it is in the files, and what the ledger stored.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChangesetDetail")]
pub struct ChangesetAnswer<'a> {
    /// The environment.
    environment: &'a str,
    /// The changeset and its state.
    #[serde(flatten)]
    listed: &'a ListedChangeset,
    /// The ids that it had before.
    aka: &'a [String],
    /// What must be applied before.
    depends_on: &'a [NeededChangeset],
    /// The changesets that depend on it.
    dependents: &'a [String],
    /// Its SQL in both directions, from the files; null: no file contains it.
    step: Option<&'a Step>,
    /// What the ledger stored when it was applied; null: nothing.
    stored: Option<StoredAnswer<'a>>,
    /// What is wrong with the files, so that only the ledger could be asked.
    #[serde(flatten)]
    broken: Option<FailureAnswer<'a>>,
}

/// A changeset that must be applied before another one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct NeededChangeset {
    /// The id.
    id: String,
    /// The minimum time since it was applied (`30d`).
    #[serde(skip_serializing_if = "Option::is_none")]
    soak: Option<String>,
}

/// What the ledger stored of a changeset.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredChangeset")]
struct StoredAnswer<'a> {
    /// The file that contained it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// The author.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    /// The labels.
    labels: &'a [String],
    /// The normalised changeset.
    body: &'a Content,
    /// What was run.
    segments: &'a [Segment],
    /// What rolls it back.
    rollback: &'a Rollback,
}

impl ChangesetDetail {
    /// Its SQL and what rolls it back: from the files, or as it was stored when it was applied.
    #[must_use]
    pub fn both_ways(&self) -> Option<(&[Segment], &Rollback)> {
        let of_files = self.step.as_ref().map(|step| (step.segments.as_slice(), &step.rollback));
        of_files.or_else(|| self.stored.as_ref().map(|stored| (stored.forward.segments.as_slice(), &stored.rollback)))
    }

    /// For programs.
    #[must_use]
    pub fn answer(&self, wording: Wording) -> ChangesetAnswer<'_> {
        ChangesetAnswer {
            environment: &self.environment,
            listed: &self.listed,
            aka: &self.aka,
            depends_on: &self.depends_on,
            dependents: &self.dependents,
            step: self.step.as_ref(),
            stored: self.stored.as_ref().map(StoredAnswer::of),
            broken: self.broken.as_ref().map(|failure| FailureAnswer::of(failure, wording)),
        }
    }
}

impl<'a> StoredAnswer<'a> {
    fn of(stored: &'a Stored) -> Self {
        Self {
            file: stored.file.as_deref(),
            author: stored.author.as_deref(),
            labels: &stored.labels,
            body: &stored.body,
            segments: &stored.forward.segments,
            rollback: &stored.rollback,
        }
    }
}

/// A changeset by its id, or by one that it had before; `None`: neither the files nor the ledger have it.
///
/// # Errors
/// If the server cannot be reached, or the changeset's templates have errors. Other problems in the files are in the
/// answer.
pub async fn changeset(
    target: &Target,
    id: &str,
    observer: &mut dyn Observer,
) -> Result<Option<ChangesetDetail>, Failure> {
    let files = files(target)?;
    let status = of_files(target, files.as_ref().map_err(Clone::clone), observer).await?;
    let found = files.as_ref().ok().and_then(|view| Some((view, find(view, id)?)));
    let own = found.map(|(view, at)| &view.changelog.changesets[at]);
    let id = own.map_or(id, |changeset| &changeset.id);
    let Some(row) = status.changesets.into_iter().find(|row| row.id == id) else { return Ok(None) };
    let aka: Vec<String> = own.iter().flat_map(|c| &c.aka).map(|alias| alias.id.clone()).collect();
    let ids: Vec<String> = [id.to_owned()].into_iter().chain(aka.clone()).collect();
    let db = target.connect(observer).await?;
    let mut stored =
        if db.server.has_ledger { read::stored(&db.connection, target.ledger(), &ids).await? } else { BTreeMap::new() };
    db.close().await?;
    let needed = own.into_iter().flat_map(|c| &c.depends_on).map(|edge| NeededChangeset {
        id: edge.id.clone(),
        soak: (edge.soak.millis > 0).then(|| edge.soak.to_string()),
    });
    let dependents = found
        .into_iter()
        .flat_map(|(view, at)| view.graph.dependents(at).map(|at| view.changelog.changesets[at].id.clone()));
    Ok(Some(ChangesetDetail {
        environment: status.environment,
        depends_on: needed.collect(),
        dependents: dependents.collect(),
        step: found.map(|(view, _)| view.render_one(id)).transpose()?,
        stored: ids.iter().find_map(|id| stored.remove(id)),
        broken: status.broken,
        listed: ListedChangeset::new(row, own),
        aka,
    }))
}

/// The position of the changeset of this id, or of the one that had it before.
pub fn find(view: &View<'_>, id: &str) -> Option<usize> {
    let changesets = &view.changelog.changesets;
    let renamed = || changesets.iter().position(|c| c.aka.iter().any(|old| old.id == id));
    view.graph.position(id).or_else(renamed)
}
