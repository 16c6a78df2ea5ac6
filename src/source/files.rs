//! The files of a project that changes refer to, each read once.

use super::load::{inside, read_text};
use super::set::{SourceFile, SourceSet};
use super::variables::Variables;
use crate::base::{Code, Diagnostic, Diagnostics, FileId, PathSeg, Place, diag::nearest};
use crate::change::{FileText, ReadFile};
use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

/// Reads files below the project's folder for one environment.
#[derive(Debug)]
pub struct ProjectFiles<'a> {
    root: &'a Path,
    variables: &'a Variables,
    first: FileId,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    files: Vec<Arc<SourceFile>>,
    /// By path: the position in `files`, and what is wrong with it.
    known: HashMap<String, (usize, Option<ContentError>)>,
}

/// Why a file is of no use.
#[derive(Debug, Clone)]
struct ContentError {
    message: String,
    help: Option<String>,
    /// The byte at which its text is wrong; `None`: there is no text.
    at: Option<usize>,
}

impl<'a> ProjectFiles<'a> {
    /// The files of the project at `root`; those of `sources` are known already.
    #[must_use]
    pub fn new(root: &'a Path, variables: &'a Variables, sources: &SourceSet) -> Self {
        Self { root, variables, first: sources.next(), read: Mutex::default() }
    }

    /// The sources with all files that were read.
    #[must_use]
    pub fn with(self, sources: &SourceSet) -> SourceSet {
        let mut all = sources.clone();
        for file in self.read.into_inner().expect("no reader panics").files {
            all.add(file);
        }
        all
    }

    /// The file of this path, with what is wrong with it.
    fn file(&self, path: &str) -> (FileId, Arc<SourceFile>, Option<ContentError>) {
        let mut read = self.read.lock().expect("no reader panics");
        let (number, wrong) = match read.known.get(path) {
            Some(known) => known.clone(),
            None => {
                let (text, wrong) = self.text(path);
                let number = read.files.len();
                read.files.push(Arc::new(SourceFile::new(path.to_owned(), text)));
                read.known.insert(path.to_owned(), (number, wrong.clone()));
                (number, wrong)
            }
        };
        let id = FileId(self.first.0 + u32::try_from(number).expect("fewer than 4 billion files"));
        (id, Arc::clone(&read.files[number]), wrong)
    }

    fn text(&self, path: &str) -> (String, Option<ContentError>) {
        const HELP: &str = "the path starts at the project's folder, where `dagmar.yaml` is";
        let wrong = |message: String, help: Option<String>| {
            (String::new(), Some(ContentError { message, help: help.or(Some(HELP.to_owned())), at: None }))
        };
        let relative = Path::new(path);
        if relative.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir)) {
            return wrong("it is not a path inside the project".to_owned(), None);
        }
        let real = match inside(self.root, relative) {
            Ok(real) => real,
            Err(why) => return wrong(format!("it {why}"), self.near(relative)),
        };
        match read_text(&real) {
            Ok(text) => (text, None),
            Err(e) => match e.shown {
                Some((text, at)) => {
                    (text, Some(ContentError { message: format!("it {}", e.message), help: e.help, at: Some(at) }))
                }
                None => wrong(format!("it {}", e.message), e.help),
            },
        }
    }

    /// A file of the same folder that may be meant.
    fn near(&self, path: &Path) -> Option<String> {
        let folder = path.parent()?;
        let names: Vec<String> = fs::read_dir(self.root.join(folder))
            .ok()?
            .flatten()
            .map(|entry| folder.join(entry.file_name()).to_string_lossy().into_owned())
            .collect();
        nearest(path.to_str()?, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"))
    }
}

impl ReadFile for ProjectFiles<'_> {
    fn read(&self, path: &str, place: &Place, out: &mut Diagnostics) -> Option<FileText> {
        let parts: Vec<String> =
            Path::new(path).components().filter(|c| *c != Component::CurDir).map(text_of).collect();
        let path = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        let (id, file, wrong) = self.file(&path);
        let here = match place.path.last() {
            Some(PathSeg::Key(key)) => format!("read as `{key}` of this change"),
            _ => "read by this change".to_owned(),
        };
        if let Some(wrong) = wrong {
            let problem =
                Diagnostic::error(Code::UnreadableSqlFile, format!("cannot read `{path}`: {}", wrong.message));
            out.push(
                match wrong.at {
                    Some(at) => problem.at(Place::bytes(id, at..at)).related(place.clone(), here),
                    None => problem.at(place.clone()),
                }
                .maybe_help(wrong.help),
            );
            return None;
        }
        let mut problems = Diagnostics::default();
        let filled = self.variables.fill_file(&file, id, &mut problems);
        for problem in problems.iter() {
            out.push(problem.clone().related(place.clone(), here.clone()));
        }
        Some(FileText { id, raw: file.text.clone(), filled })
    }
}

fn text_of(component: Component<'_>) -> String {
    match component {
        Component::RootDir => String::new(),
        other => other.as_os_str().to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_inside_of_the_project() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        let root = dir.path().join("project").canonicalize().unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        fs::write(root.join("good.sql"), "\u{feff}SELECT 1").unwrap();
        fs::write(root.join("bad.sql"), b"a\n\xff").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link.sql")).unwrap();
        let (variables, sources) = (Variables::default(), SourceSet::default());
        let files = ProjectFiles::new(&root, &variables, &sources);
        let place = Place::value(FileId(7), vec![PathSeg::Key("path".to_owned())]);
        let mut out = Diagnostics::default();
        assert_eq!(files.read("./good.sql", &place, &mut out).unwrap().filled, "SELECT 1");
        assert!(out.is_empty());
        for (path, why, help) in [
            ("../secret", "not a path inside", "the path starts at"),
            ("/etc/passwd", "not a path inside", "the path starts at"),
            ("link.sql", "leads out of the project", "the path starts at"),
            ("bad.sql", "number 3 in line 2", "save it as UTF-8"),
            ("god.sql", "does not exist", "did you mean `good.sql`?"),
            ("nothing/at/all.sql", "does not exist", "the path starts at"),
            (".", "is a folder, and not a regular file", "write it to a file"),
        ] {
            let mut out = Diagnostics::default();
            assert!(files.read(path, &place, &mut out).is_none(), "{path}");
            let said = out.iter().next().unwrap();
            assert!(
                said.message.contains(why) && said.help.as_ref().unwrap().to_string().contains(help),
                "{path}: {said:?}"
            );
        }
        let all = files.with(&sources);
        let paths: Vec<&str> = all.iter().map(|(_, f)| f.path.as_str()).collect();
        assert_eq!(paths[..2], ["good.sql", "../secret"]);
    }
}
