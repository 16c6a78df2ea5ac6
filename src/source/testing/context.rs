//! What test files are read for.

use crate::base::Place;
use crate::change::ReadFile;
use crate::source::{Changelog, SourceSet, Variables};
use serde_json::Value;

/// What test files are read for.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The environments of the project; none: it names none.
    pub environments: &'a [String],
    /// The variables of the environment.
    pub variables: &'a Variables,
    /// The changesets.
    pub changelog: &'a Changelog,
    /// Reads files of SQL.
    pub files: &'a dyn ReadFile,
    /// The texts of the test files.
    pub sources: &'a SourceSet,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// A value as it is written, before variables are filled in.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    /// The value as it is written.
    pub written: &'a Value,
    /// Its place.
    pub place: &'a Place,
}
