//! What is new or changed since a commit.

use super::Target;
use super::git::Revision;
use crate::base::{Failure, FailureKind};
use crate::pipeline::{View, Workspace};
use crate::plan::Step;
use crate::render::ProjectTemplate;
use crate::source::project::FILE;
use crate::source::{Changeset, RollbackSource};
use std::collections::{BTreeMap, BTreeSet};

/// The project at a commit.
#[derive(Debug)]
pub(super) struct Base {
    /// `None`: there was none.
    before: Option<Workspace>,
    /// Its files, as long as they are needed.
    _folder: tempfile::TempDir,
}

impl Base {
    /// Reads the files of the project at a commit.
    ///
    /// # Errors
    /// A revision that git does not have, or that is no project.
    pub(super) fn open(target: &Target, view: &View<'_>, base: &str) -> Result<Self, Failure> {
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
        let is_there = folder.path().join(FILE).exists();
        Ok(Self { before: is_there.then(|| Workspace::open(folder.path())).transpose()?, _folder: folder })
    }

    /// The changesets that are new or changed since then, by position.
    pub(super) fn changed(&self, target: &Target, view: &View<'_>) -> BTreeSet<usize> {
        let changesets = view.changelog.changesets.iter().enumerate();
        let Some(before) = &self.before else {
            // the project is new
            return changesets.map(|(position, _)| position).collect();
        };
        let checksums = view.checksums_of(before);
        let kinds = other_templates(&before.loaded.templates, &target.workspace().loaded.templates);
        let uses = |changeset: &Changeset| {
            let back = match &changeset.rollback {
                RollbackSource::Changes(changes) => changes.as_slice(),
                RollbackSource::Derived | RollbackSource::Irreversible(_) => &[],
            };
            changeset.changes.iter().chain(back).any(|change| kinds.contains(change.change.kind()))
        };
        let changed = changesets
            .filter(|(_, changeset)| checksums.get(&changeset.id) != Some(&changeset.checksum) || uses(changeset));
        changed.map(|(position, _)| position).collect()
    }

    /// Changesets as they were then, by id. Those that cannot be rendered with the variables of today are not in it.
    pub(super) fn versions<'i>(&self, view: &View<'_>, ids: impl Iterator<Item = &'i str>) -> BTreeMap<String, Step> {
        let before = self.before.as_ref().and_then(|before| view.of(before).ok());
        let render = |before: &View<'_>, id: &str| Some((id.to_owned(), before.render_one(id).ok()?));
        before.map(|before| ids.filter_map(|id| render(&before, id)).collect()).unwrap_or_default()
    }
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
