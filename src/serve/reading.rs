//! The project as it was read when the service started, or when it was told to read it again.

use crate::base::{Failure, FailureKind};
use crate::ops::{Project, now};
use crate::pg::ProcessEnv;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The project, which can be read again.
pub struct Reading {
    root: PathBuf,
    process: ProcessEnv,
    project: RwLock<(Project, i64)>,
}

impl Reading {
    /// Reads the project in this directory.
    ///
    /// # Errors
    /// If it is not a project. Problems in its files are no error: they may be repaired.
    pub fn open(root: &Path, process: ProcessEnv) -> Result<Arc<Self>, Failure> {
        let project = RwLock::new((Project::open(root, process.clone())?, now()));
        Ok(Arc::new(Self { root: root.to_owned(), process, project }))
    }

    /// Reads it again.
    ///
    /// # Errors
    /// As [`Reading::open`], mistakes in dagmar.yaml, and a default environment that is another one or is gone: requests
    /// that name none would reach another database. All are problems of the files; what was read before stays.
    pub fn again(&self, named: Option<&str>) -> Result<(), Failure> {
        self.read(named).map_err(|failure| match failure.kind {
            FailureKind::Usage => Failure { kind: FailureKind::Source, ..failure },
            _ => failure,
        })
    }

    fn read(&self, named: Option<&str>) -> Result<(), Failure> {
        let project = Project::open(&self.root, self.process.clone())?;
        project.workspace().check_project()?;
        let before = self.project();
        let (old, new) = (&before.workspace().loaded.config, &project.workspace().loaded.config);
        let own = named.unwrap_or_else(|| old.default_environment());
        let is_gone = old.environment(own).is_some() && new.environment(own).is_none();
        if is_gone || named.is_none() && new.default_environment() != own {
            let why = format!("the default environment `{own}` is gone, or is not the first one any more");
            return Err(Failure::new(FailureKind::Usage, why).help("start the service again, or name it at the start"));
        }
        *self.project.write().unwrap_or_else(PoisonError::into_inner) = (project, now());
        Ok(())
    }

    /// The project as it was read last.
    #[must_use]
    pub fn project(&self) -> Project {
        self.project.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// When that was, in milliseconds since 1970.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.project.read().unwrap_or_else(PoisonError::into_inner).1
    }
}
