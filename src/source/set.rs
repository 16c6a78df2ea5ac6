//! The files of a project, as read.

use super::spans::Spans;
use crate::base::{Diagnostics, FileId, Place};
use std::collections::HashMap;

/// A file: its path relative to the project, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// With forward slashes, relative to the project's folder.
    pub path: String,
    /// UTF-8; a byte order mark is taken off.
    pub text: String,
    /// Whether variables may stand in it.
    pub has_variables: bool,
}

impl SourceFile {
    /// A file of this path and text.
    #[must_use]
    pub fn new(path: String, text: String) -> Self {
        let has_variables = text.contains("${");
        Self { path, text, has_variables }
    }
}

/// The files of a project in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct SourceSet {
    files: Vec<SourceFile>,
}

impl SourceSet {
    /// Adds a file.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = u32::try_from(self.files.len()).expect("fewer than 4 billion files");
        self.files.push(file);
        FileId(id)
    }

    /// The file of this id.
    #[must_use]
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Every file with its id.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Turns paths into bytes for every problem, and sorts the problems by place.
    pub fn locate(&self, problems: &mut Diagnostics) {
        let mut known: HashMap<FileId, Spans> = HashMap::new();
        let mut fill = |place: &mut Place| {
            if place.span.is_none() {
                let spans = known.entry(place.file).or_insert_with(|| Spans::of(&self.get(place.file).text));
                place.span = spans.find(&place.path, place.key);
            }
        };
        for problem in problems.iter_mut() {
            problem.place.iter_mut().for_each(&mut fill);
            problem.related.iter_mut().for_each(|(place, _)| fill(place));
        }
        problems.sort();
    }
}
