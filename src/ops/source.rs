//! What a run is made from: the files, a sealed plan, or entries of the attic.

use super::Target;
use super::attic::AtticWork;
use super::release::Release;
use crate::base::Failure;
use crate::pipeline::View;
use crate::plan::rollback::Target as Which;
use crate::plan::sealed::Sealed;
use std::collections::BTreeSet;

/// What a run is made from.
pub enum RunSource<'a> {
    /// What is pending by the files.
    Files {
        /// The files.
        view: Box<View<'a>>,
        /// What is selected, by position; `None`: all.
        selected: Option<BTreeSet<usize>>,
    },
    /// A sealed plan.
    Sealed(Box<Release<'a>>),
    /// What is taken back, by the SQL that was stored when it was applied.
    Rollback {
        /// Which changesets.
        which: Which,
        /// Whether what depends on them comes along.
        cascade: bool,
    },
    /// Entries of the attic.
    Attic(AtticWork<'a>),
}

impl<'a> RunSource<'a> {
    /// The project's files, as far as selectors name them; without selectors all.
    ///
    /// # Errors
    /// Every mistake in the files, or a selector that names nothing.
    pub fn files(target: &'a Target, selectors: &[String]) -> Result<Self, Failure> {
        let view = Box::new(target.view()?);
        let selected = view.select(selectors)?;
        Ok(Self::Files { view, selected })
    }

    /// A sealed plan; `check_render`: the files must give the same plan now.
    ///
    /// # Errors
    /// Mistakes in dagmar.yaml, and where the files are looked at in them.
    pub fn sealed(target: &'a Target, plan: Sealed, check_render: bool) -> Result<Self, Failure> {
        // its gates come from there
        target.workspace().check_project()?;
        let check = check_render.then(|| target.view()).transpose()?;
        Ok(Self::Sealed(Box::new(Release { plan, check })))
    }

    /// What is selected of the files, by position; `None`: all.
    #[must_use]
    pub fn selected(&self) -> Option<&BTreeSet<usize>> {
        match self {
            Self::Files { selected, .. } => selected.as_ref(),
            Self::Sealed(_) | Self::Rollback { .. } | Self::Attic(_) => None,
        }
    }

    /// Selects of the files, by position.
    pub fn select(&mut self, positions: BTreeSet<usize>) {
        if let Self::Files { selected, .. } = self {
            *selected = Some(positions);
        }
    }

    /// The files, where they are what runs.
    #[must_use]
    pub fn view(&self) -> Option<&View<'a>> {
        match self {
            Self::Files { view, .. } => Some(view),
            Self::Sealed(_) | Self::Rollback { .. } | Self::Attic(_) => None,
        }
    }

    /// The sealed plan, where one is what runs.
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
