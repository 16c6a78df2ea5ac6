//! What a run is made from: the files, a sealed plan, or entries of the attic.

use super::Target;
use super::attic::AtticWork;
use super::release::Release;
use crate::base::Failure;
use crate::pipeline::View;
use crate::plan::rollback::Target as Which;
use crate::plan::sealed::Sealed;
use std::collections::BTreeSet;

/// The source of a run.
pub enum RunSource<'a> {
    /// The pending changesets of the files.
    Files {
        /// The files.
        view: Box<View<'a>>,
        /// The positions of the selected changesets; `None`: all.
        selected: Option<BTreeSet<usize>>,
    },
    /// A sealed plan.
    Sealed(Box<Release<'a>>),
    /// A rollback with the SQL that the ledger stored when the changesets were applied.
    Rollback {
        /// The changesets.
        which: Which,
        /// Whether to roll back dependents too.
        cascade: bool,
    },
    /// Entries of the attic.
    Attic(AtticWork<'a>),
}

impl<'a> RunSource<'a> {
    /// The project's files; with selectors only the matching changesets.
    ///
    /// # Errors
    /// All problems in the files, or a selector that matches nothing.
    pub fn files(target: &'a Target, selectors: &[String]) -> Result<Self, Failure> {
        let view = Box::new(target.view()?);
        let selected = view.select(selectors)?;
        Ok(Self::Files { view, selected })
    }

    /// A sealed plan; `check_render`: the files must render to the same plan.
    ///
    /// # Errors
    /// Problems in dagmar.yaml and, with `check_render`, in the files.
    pub fn sealed(target: &'a Target, plan: Sealed, check_render: bool) -> Result<Self, Failure> {
        // its gates come from there
        target.workspace().check_project()?;
        let check = check_render.then(|| target.view()).transpose()?;
        Ok(Self::Sealed(Box::new(Release { plan, check })))
    }

    /// The positions of the selected changesets in the files; `None`: all.
    #[must_use]
    pub fn selected(&self) -> Option<&BTreeSet<usize>> {
        match self {
            Self::Files { selected, .. } => selected.as_ref(),
            Self::Sealed(_) | Self::Rollback { .. } | Self::Attic(_) => None,
        }
    }

    /// Selects changesets of the files by position.
    pub fn select(&mut self, positions: BTreeSet<usize>) {
        if let Self::Files { selected, .. } = self {
            *selected = Some(positions);
        }
    }

    /// The files, if the run is made from files.
    #[must_use]
    pub fn view(&self) -> Option<&View<'a>> {
        match self {
            Self::Files { view, .. } => Some(view),
            Self::Sealed(_) | Self::Rollback { .. } | Self::Attic(_) => None,
        }
    }

    /// The sealed plan, if the run is made from one.
    #[must_use]
    pub fn release(&self) -> Option<&Release<'a>> {
        match self {
            Self::Sealed(release) => Some(release),
            Self::Files { .. } | Self::Rollback { .. } | Self::Attic(_) => None,
        }
    }

    /// The digest of the sealed plan.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.release().map(Release::digest)
    }
}
