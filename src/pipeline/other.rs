//! The project at another time, with the variables of now.

use super::{View, Workspace};
use crate::base::Failure;
use std::collections::BTreeMap;

impl View<'_> {
    /// The checksums of the changesets of another project, with the variables of this one.
    #[must_use]
    pub fn checksums_of(&self, other: &Workspace) -> BTreeMap<String, String> {
        other.checksums(&self.variables)
    }

    /// Parses the changesets of another project for the same environment, with the variables of this one.
    ///
    /// # Errors
    /// All problems of all files.
    pub fn of<'o>(&self, other: &'o Workspace) -> Result<View<'o>, Failure> {
        other.view(&self.environment, &self.variables)
    }
}
