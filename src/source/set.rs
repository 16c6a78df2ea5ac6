//! The files of a project, as read.

use super::mask;
use super::scalar;
use super::schema::skeleton::HOLE;
use super::spans::Spans;
use crate::base::{Diagnostic, Diagnostics, FileId, Lines, Place, Sources};
use granit_parser::ScalarStyle;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A file: its path relative to the project, and its text.
#[derive(Debug)]
pub struct SourceFile {
    /// With forward slashes, relative to the project's folder.
    pub path: String,
    /// UTF-8; a byte order mark is taken off.
    pub text: String,
    /// Whether variables may stand in it.
    pub has_variables: bool,
    /// Whether something in it is a placeholder that was not replaced.
    pub has_holes: bool,
    lines: OnceLock<Lines>,
    spans: OnceLock<Spans>,
    shown: OnceLock<Option<String>>,
    /// Where the bytes of a scalar stand, by its first byte in the file: of the one that was asked for last.
    map: Mutex<Option<(usize, Arc<scalar::Map>)>>,
}

impl SourceFile {
    /// A file of this path and text.
    #[must_use]
    pub fn new(path: String, text: String) -> Self {
        let (has_variables, has_holes) = (text.contains("${"), text.contains(HOLE));
        let (lines, spans, shown, map) = Default::default();
        Self { path, text, has_variables, has_holes, lines, spans, shown, map }
    }

    /// Where its lines are.
    pub fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::of(&self.text))
    }

    /// Where its nodes are; of a file that is YAML.
    pub fn spans(&self) -> &Spans {
        self.spans.get_or_init(|| Spans::of(&self.text))
    }

    /// The text without its secrets.
    fn shown(&self) -> &str {
        self.shown.get_or_init(|| mask::text(&self.path, &self.text)).as_deref().unwrap_or(&self.text)
    }

    fn map(&self, span: Range<usize>, style: ScalarStyle) -> Arc<scalar::Map> {
        let mut last = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((start, map)) if *start == span.start => map.clone(),
            _ => {
                let map = Arc::new(scalar::Map::of(&self.text, span.clone(), style));
                *last = Some((span.start, map.clone()));
                map
            }
        }
    }

    /// The bytes that a place means.
    #[must_use]
    pub fn find(&self, place: &Place) -> Option<Range<usize>> {
        if let (Some(within), Some((span, style))) = (&place.within, self.spans().scalar(&place.path)) {
            let mut bytes = self.map(span, style).range(within);
            while !self.text.is_char_boundary(bytes.end) {
                bytes.end += 1;
            }
            return Some(bytes);
        }
        self.spans().find(&place.path, place.key)
    }
}

/// The files of a project in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct SourceSet {
    files: Vec<Arc<SourceFile>>,
}

impl SourceSet {
    /// Adds a file.
    pub fn add(&mut self, file: impl Into<Arc<SourceFile>>) -> FileId {
        let id = self.next();
        self.files.push(file.into());
        id
    }

    /// The id that the next file gets.
    #[must_use]
    pub fn next(&self) -> FileId {
        FileId(u32::try_from(self.files.len()).expect("fewer than 4 billion files"))
    }

    /// The file of this id.
    #[must_use]
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file of this path.
    #[must_use]
    pub fn named(&self, path: &str) -> Option<(FileId, &SourceFile)> {
        // templates and files of changes, which are asked for, come last
        let at = self.files.iter().rposition(|file| file.path == path)?;
        Some((FileId(u32::try_from(at).ok()?), &self.files[at]))
    }

    /// Every file with its id.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(self.files.iter().map(Arc::as_ref))
    }

    /// Turns paths into bytes for every problem, takes secrets out of what is said, sorts the
    /// problems by place, and makes one of those that are the same in a file.
    #[must_use]
    pub fn locate(&self, problems: Diagnostics) -> Diagnostics {
        let locate = |problem: &mut Diagnostic| {
            let related = problem.related.iter_mut().map(|(place, _)| place);
            for place in problem.place.iter_mut().chain(related).chain(&mut problem.more) {
                if place.span.is_none() {
                    place.span = self.get(place.file).find(place);
                }
            }
            let about = problem.place.as_ref().map(|place| self.get(place.file));
            mask::problem(problem, about.map(|file| (file.path.as_str(), file.text.as_str())));
        };
        problems.settled(Arc::new(self.clone()), locate)
    }
}

impl Sources for SourceSet {
    fn path(&self, file: FileId) -> &str {
        &self.get(file).path
    }

    fn text(&self, file: FileId) -> &str {
        self.get(file).shown()
    }

    fn lines(&self, file: FileId) -> &Lines {
        self.get(file).lines()
    }
}
