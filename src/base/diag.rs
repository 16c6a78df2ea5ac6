//! A problem as a value: collected by every stage, drawn only at the edge.

use super::Remedy;
use super::code::Code;
use super::lines::Lines;
use schemars::JsonSchema;
use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

/// A source file of the project, by its position in the `SourceSet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// The texts that places point into.
pub trait Sources: Debug + Send + Sync {
    /// The path to show, relative to the project.
    fn path(&self, file: FileId) -> &str;
    /// The whole text as it may be shown: secrets are masked, character for character, so that
    /// places in the real text fit.
    fn text(&self, file: FileId) -> &str;
    /// Where the lines of the text are.
    fn lines(&self, file: FileId) -> &Lines;
}

/// One step of the path from a document's root to a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSeg {
    /// The value under this key of a mapping.
    Key(String),
    /// The element at this position of a sequence, from 0.
    Index(usize),
}

/// A place in the source files. It is stored as a path and converted to bytes only when the problem is shown,
/// so that correct files need no positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The path to the node; empty: the whole document.
    pub path: Vec<PathSeg>,
    /// Whether it is the key (and not the value) of the last step.
    pub key: bool,
    /// The byte range within a text value, without quotes and escapes.
    pub within: Option<Range<usize>>,
    /// The byte range in the file, once known.
    pub span: Option<Range<usize>>,
}

impl Place {
    /// The value at this path.
    #[must_use]
    pub fn value(file: FileId, path: Vec<PathSeg>) -> Self {
        Self { file, path, key: false, within: None, span: None }
    }

    /// The key at this path.
    #[must_use]
    pub fn key(file: FileId, path: Vec<PathSeg>) -> Self {
        Self { key: true, ..Self::value(file, path) }
    }

    /// A byte range of the file.
    #[must_use]
    pub fn bytes(file: FileId, span: Range<usize>) -> Self {
        Self { span: Some(span), ..Self::value(file, Vec::new()) }
    }

    /// The value of a key in this place.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(PathSeg::Key(key.to_owned()));
        Self::value(self.file, path)
    }

    /// An element of this place.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        let mut path = self.path.clone();
        path.push(PathSeg::Index(index));
        Self::value(self.file, path)
    }

    /// The key of this place.
    #[must_use]
    pub fn as_key(mut self) -> Self {
        self.key = true;
        self
    }

    /// A byte range of the text at this place.
    #[must_use]
    pub fn within(mut self, bytes: Range<usize>) -> Self {
        self.within = Some(bytes);
        self
    }

    /// Whether the place is `other` or below it.
    #[must_use]
    pub fn is_in(&self, other: &Place) -> bool {
        self.file == other.file && self.path.starts_with(&other.path)
    }
}

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ProblemSeverity")]
pub enum Severity {
    /// A warning, which refuses nothing.
    Warning,
    /// An error: nothing is compiled or run.
    Error,
}

/// A problem: stable code, message, places, remedy.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The code of the problem; its meaning never changes.
    pub code: Code,
    /// The severity.
    pub severity: Severity,
    /// The message: lower case, names in backticks, no full stop.
    pub message: String,
    /// The main place.
    pub place: Option<Place>,
    /// The text at the main place.
    pub label: Option<String>,
    /// Other places that explain the problem.
    pub related: Vec<(Place, String)>,
    /// The remedy.
    pub help: Option<Remedy>,
    /// The known name that the user probably meant.
    pub meant: Option<String>,
    /// Other places in the same file with the same problem.
    pub more: Vec<Place>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: None,
            meant: None,
            more: Vec::new(),
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Sets the main place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets the text at the main place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a place that explains the problem.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// Sets the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the name that the user probably meant.
    #[must_use]
    pub fn meant(mut self, near: Option<&str>) -> Self {
        if let Some(near) = near {
            self.help = Some(format!("did you mean `{near}`?").into());
            self.meant = Some(near.to_owned());
        }
        self
    }

    /// Sets the remedy, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<impl Into<Remedy>>) -> Self {
        self.help = help.map(Into::into).or(self.help);
        self
    }
}

/// The problems found so far. Stages add problems and continue.
#[derive(Debug, Default, Clone)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    sources: Option<Arc<dyn Sources>>,
}

impl Diagnostics {
    /// Adds a problem.
    pub fn push(&mut self, problem: Diagnostic) {
        self.errors += usize::from(problem.severity == Severity::Error);
        self.list.push(problem);
    }

    /// Whether there is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The number of errors and of warnings.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.errors, self.list.len() - self.errors)
    }

    /// Whether there is no problem.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Takes over all problems of `other`.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.errors += other.errors;
        self.list.append(&mut other.list);
    }

    /// Changes every problem.
    pub fn each(&mut self, change: impl FnMut(&mut Diagnostic)) {
        self.list.iter_mut().for_each(change);
    }

    /// Keeps those problems for which `keep` is true.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
        self.errors = self.list.iter().filter(|d| d.severity == Severity::Error).count();
    }

    /// The texts that the places point into, once they have bytes.
    #[must_use]
    pub fn sources(&self) -> Option<&dyn Sources> {
        self.sources.as_deref()
    }

    /// The problems as they are shown: located by `locate`, sorted by file and position, and merged if a file
    /// has the same problem several times.
    #[must_use]
    pub fn settled(mut self, sources: Arc<dyn Sources>, mut locate: impl FnMut(&mut Diagnostic)) -> Self {
        self.list.iter_mut().for_each(&mut locate);
        self.list.sort_by(|a, b| position(a, &*sources).cmp(&position(b, &*sources)));
        let mut settled = Self { sources: Some(sources), ..Self::default() };
        let mut seen: HashMap<(Code, FileId, String, Option<Remedy>), usize> = HashMap::new();
        for problem in self.list {
            let Some(place) = &problem.place else {
                settled.push(problem);
                continue;
            };
            let same = (problem.code, place.file, problem.message.clone(), problem.help.clone());
            match seen.get(&same) {
                Some(first) => {
                    let first = &mut settled.list[*first];
                    // the same place, looked at twice
                    if first.more.last().or(first.place.as_ref()) != Some(place) {
                        first.more.push(place.clone());
                    }
                }
                None => {
                    seen.insert(same, settled.list.len());
                    settled.push(problem);
                }
            }
        }
        settled
    }
}

/// Problems without a place come first, then the files by their paths.
fn position<'a>(problem: &Diagnostic, sources: &'a dyn Sources) -> Option<(&'a str, usize)> {
    problem.place.as_ref().map(|p| (sources.path(p.file), p.span.as_ref().map_or(0, |s| s.start)))
}

/// The known name that is most similar to `given`, if it is similar enough.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .filter(|k| *k != given)
        .map(|k| (strsim::damerau_levenshtein(given, k), k))
        .filter(|(distance, k)| {
            let shorter = given.len().min(k.len());
            *distance < shorter && *distance <= 1.max(shorter / 3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_suggests_only_what_is_near() {
        assert_eq!(nearest("creatTable", ["createTable", "dropTable"]), Some("createTable"));
        assert_eq!(nearest("zebra", ["createTable", "dropTable"]), None);
        assert_eq!(nearest("ab", ["ab", "ac"]), Some("ac"), "never the same again");
        assert_eq!(nearest("a", ["b"]), None, "nothing of it is the same");
    }
}
