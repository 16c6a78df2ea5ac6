//! The tests of a project, read for an environment.

use super::View;
use crate::base::{Diagnostics, Failure, Location, Place, Sources};
use crate::source::testing::{self, Context, SqlText, Test};
use crate::source::{ProjectFiles, SourceSet, Variables, load};

/// The tests of a project with the texts that their places point into.
#[derive(Debug)]
pub struct TestSet {
    /// The tests, by file and position.
    pub tests: Vec<Test>,
    /// The source texts: those of the view, and the test files with theirs.
    pub sources: SourceSet,
    /// The problems of the test files, without bytes.
    problems: Diagnostics,
    variables: Variables,
}

impl View<'_> {
    /// Reads the tests of the project.
    #[must_use]
    pub fn tests(&self) -> TestSet {
        let loaded = &self.workspace.loaded;
        let (mut sources, mut problems) = (self.sources.clone(), Diagnostics::default());
        let documents = load::tests(loaded, &mut sources, &mut problems);
        let environments: Vec<String> = loaded.config.environment_list.iter().map(|(name, _)| name.clone()).collect();
        let files = ProjectFiles::new(&loaded.root, &self.variables, &sources);
        let context = Context {
            environment: &self.environment,
            environments: &environments,
            variables: &self.variables,
            changelog: &self.changelog,
            files: &files,
            sources: &sources,
        };
        let tests =
            documents.iter().flat_map(|(id, value)| testing::tests(*id, value, context, &mut problems)).collect();
        let sources = files.with(&sources);
        TestSet { tests, sources, problems, variables: self.variables.clone() }
    }
}

impl TestSet {
    /// The tests without mistakes.
    ///
    /// # Errors
    /// All problems of all test files.
    pub fn check(&self) -> Result<(), Failure> {
        if self.problems.has_errors() { Err(Failure::source(self.located(Diagnostics::default()))) } else { Ok(()) }
    }

    /// The problems of the test files with those of other files of the same view, as they are shown.
    #[must_use]
    pub fn located(&self, others: Diagnostics) -> Diagnostics {
        let mut all = others;
        all.append(self.problems.clone());
        self.sources.locate(all)
    }

    /// Where a place is.
    #[must_use]
    pub fn location(&self, place: &Place) -> Location {
        let file = self.sources.get(place.file);
        let span = place.span.clone().or_else(|| file.find(place));
        let (line, column) = file.lines().line_column(self.sources.text(place.file), span.map_or(0, |span| span.start));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location { file: file.path.clone(), line: number(line), column: number(column), as_applied: false }
    }

    /// The place of a character of SQL, from 1, in the file that it is written in.
    #[must_use]
    pub fn place_in(&self, text: &SqlText, character: usize) -> Place {
        let at = text.sql.char_indices().nth(character.saturating_sub(1)).map_or(text.sql.len(), |(at, _)| at);
        let written = self.variables.written(&text.written, &(at..at));
        match text.place.span {
            Some(_) => Place::bytes(text.place.file, written),
            None => text.place.clone().within(written),
        }
    }
}
