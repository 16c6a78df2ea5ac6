//! The project's files, read from disk: the only part of the front end that does I/O.

use super::config::TESTS;
use super::document::Document;
use super::project::{self, ProjectConfig};
use super::set::{SourceFile, SourceSet};
use super::yaml;
use crate::base::{
    Code, Diagnostic, Diagnostics, Failure, FailureKind, FileId, Operation, Place, Setting, file, on_all_cores,
    typed::typed,
};
use crate::change;
use crate::change::custom::{CustomKind, Manifest};
use crate::render::{ProjectTemplate, Sections};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that is read, in bytes: parsing YAML needs some 17 times its size.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Folders below `templates/` that hold no change type of their own.
const RESERVED: [&str; 4] = ["sql", "partials", "html", "init"];

/// A project as it lies on disk.
#[derive(Debug)]
pub struct Loaded {
    /// The project's folder, with links resolved.
    pub root: PathBuf,
    /// `dagmar.yaml`, without what is wrong in it.
    pub config: ProjectConfig,
    /// Whether a mistake in `dagmar.yaml` hides variables: one without a value is no mistake then.
    pub hides_variables: bool,
    /// All files.
    pub sources: SourceSet,
    /// The changelog files as values, in the order of their paths.
    pub documents: Vec<(FileId, Document)>,
    /// Changelog files that could not be read: what is declared there is not known.
    pub unread: Vec<FileId>,
    /// Files below the folder of the changesets that look like migrations and are no YAML.
    pub ignored: Vec<String>,
    /// The project's own change types.
    pub custom: BTreeMap<String, Arc<CustomKind>>,
    /// Own change types with a mistake of their own: that they are used is none.
    pub broken: BTreeSet<String>,
    /// The project's templates.
    pub templates: Vec<ProjectTemplate>,
    /// What is wrong so far.
    pub problems: Diagnostics,
}

/// The folder of the nearest `dagmar.yaml` at or above `start`.
#[must_use]
pub fn find_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|dir| dir.join(project::FILE).is_file()).map(Path::to_path_buf)
}

/// Reads a project.
///
/// # Errors
/// When the folder has no `dagmar.yaml` or cannot be read at all. What is wrong inside of
/// files is in [`Loaded::problems`].
pub fn load(root: &Path) -> Result<Loaded, Failure> {
    let root = root
        .canonicalize()
        .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot open the project `{}`: {e}", root.display())))?;
    let mut loader = Loader { root: root.clone(), sources: SourceSet::default(), problems: Diagnostics::default() };
    if !root.join(project::FILE).is_file() {
        return Err(Failure::new(
            FailureKind::Usage,
            format!("`{}` is not a project: it has no dagmar.yaml", root.display()),
        )
        .help("run " + Operation::Init + " there, or name the project's folder with " + Setting::Project));
    }
    let document = loader.document(Path::new(project::FILE));
    let whole = document.as_ref().map(|(file, _)| Place::value(*file, Vec::new()));
    let config =
        document.zip(whole).and_then(|((_, value), whole)| ProjectConfig::parse(&value, &whole, &mut loader.problems));
    let hides_variables = config.is_none() || loader.problems.iter().any(project::hides_variables);
    let is_read = !loader.problems.has_errors();
    let config = config.unwrap_or_default();
    let plans = loader.plans(&config.plans, is_read);
    let (custom, broken, templates) = loader.templates(&config.templates);
    let Loader { sources, problems, .. } = loader;
    let Plans { documents, unread, ignored } = plans;
    Ok(Loaded {
        root,
        config,
        hides_variables,
        sources,
        documents,
        unread,
        ignored,
        custom,
        broken,
        templates,
        problems,
    })
}

/// The test files of a project as values, by their paths. Their texts are added to `sources`.
pub fn tests(loaded: &Loaded, sources: &mut SourceSet, out: &mut Diagnostics) -> Vec<(FileId, Value)> {
    let folder = &loaded.config.tests;
    // a project need not have tests
    if folder == TESTS && !loaded.root.join(folder).exists() {
        return Vec::new();
    }
    let mut loader =
        Loader { root: loaded.root.clone(), sources: std::mem::take(sources), problems: Diagnostics::default() };
    let mut found = Found::default();
    if let Err(problem) = walk(&loaded.root, Path::new(folder), "tests", &mut BTreeMap::new(), &mut found) {
        loader.problems.push(problem);
    }
    found.yaml.sort();
    let files = found.yaml.iter().filter_map(|path| loader.document(path)).collect();
    *sources = loader.sources;
    out.append(loader.problems);
    files
}

/// What is below the folder of the changesets.
#[derive(Default)]
struct Plans {
    documents: Vec<(FileId, Document)>,
    unread: Vec<FileId>,
    ignored: Vec<String>,
}

struct Loader {
    root: PathBuf,
    sources: SourceSet,
    problems: Diagnostics,
}

impl Loader {
    /// Reads one file as text; what is wrong with it becomes a problem.
    fn read(&mut self, path: &Path) -> Option<FileId> {
        let shown = shown(path);
        match read_text(&self.root.join(path)) {
            Ok(text) => Some(self.sources.add(SourceFile::new(shown, text))),
            Err(wrong) => {
                let problem = Diagnostic::error(Code::UnreadableFile, format!("`{shown}` {}", wrong.message));
                let (text, at) = wrong.shown.unwrap_or_default();
                let id = self.sources.add(SourceFile::new(shown, text));
                self.problems.push(problem.at(Place::bytes(id, at..at)).maybe_help(wrong.help));
                None
            }
        }
    }

    fn document(&mut self, path: &Path) -> Option<(FileId, Value)> {
        let id = self.read(path)?;
        let value = yaml::parse(id, &self.sources.get(id).text, &mut self.problems)?;
        Some((id, value))
    }

    /// `is_read`: the folder is the one that the project names.
    fn plans(&mut self, folder: &str, is_read: bool) -> Plans {
        let mut found = Found::default();
        if let Err(problem) = walk(&self.root, Path::new(folder), "plans", &mut BTreeMap::new(), &mut found)
            && (is_read || self.root.join(folder).exists())
        {
            self.problems.push(problem);
        }
        found.yaml.sort();
        found.ignored.sort();
        let mut plans = Plans { ignored: found.ignored.iter().map(|path| shown(path)).collect(), ..Plans::default() };
        let mut ids = Vec::with_capacity(found.yaml.len());
        for path in &found.yaml {
            let next = self.sources.next();
            match self.read(path) {
                Some(id) => ids.push(id),
                None => plans.unread.push(next),
            }
        }
        let sources = &self.sources;
        // files are independent of each other
        let (parsed, problems) =
            on_all_cores(&ids, 1, |id, out| Some((*id, yaml::document(*id, &sources.get(*id).text, out))));
        self.problems.append(problems);
        for (id, document) in parsed {
            match document {
                Some(document) => plans.documents.push((id, document)),
                None => plans.unread.push(id),
            }
        }
        plans
    }

    fn templates(
        &mut self,
        folder: &str,
    ) -> (BTreeMap<String, Arc<CustomKind>>, BTreeSet<String>, Vec<ProjectTemplate>) {
        let mut custom = BTreeMap::new();
        let mut broken = BTreeSet::new();
        let mut templates = Vec::new();
        for kind in change::KINDS {
            let path = Path::new(folder).join("sql").join(format!("{}.sql.hbs", kind.stem));
            if self.root.join(&path).is_file()
                && let Some(id) = self.read(&path)
            {
                let file = self.sources.get(id);
                // the same text is no override
                if file.text != kind.template {
                    let (path, text) = (file.path.clone(), file.text.clone());
                    templates.push(ProjectTemplate { kind: kind.name.to_owned(), path, text });
                }
            }
        }
        let mut names: Vec<String> = fs::read_dir(self.root.join(folder))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !RESERVED.contains(&name.as_str()))
            .collect();
        names.sort();
        for name in names {
            if let Some((kind, template)) = self.custom_kind(folder, &name) {
                custom.insert(name, Arc::new(kind));
                templates.push(template);
            } else {
                broken.insert(name);
            }
        }
        (custom, broken, templates)
    }

    fn custom_kind(&mut self, folder: &str, name: &str) -> Option<(CustomKind, ProjectTemplate)> {
        let dir = Path::new(folder).join(name);
        for part in ["manifest.yaml", "template.sql.hbs"] {
            if !self.root.join(&dir).join(part).exists() {
                let message = format!("the change type `{name}` has no `{}`", dir.join(part).display());
                self.problems.push(Diagnostic::error(Code::UnreadableFile, message).help(
                    "a folder below `templates/` is a change type of the project: `manifest.yaml` says what it takes, \
                     `template.sql.hbs` what it runs",
                ));
                return None;
            }
        }
        let (manifest_id, value) = self.document(&dir.join("manifest.yaml"))?;
        let place = Place::value(manifest_id, Vec::new());
        let template_id = self.read(&dir.join("template.sql.hbs"))?;
        if change::find(name).is_some() || !is_kind_name(name) {
            let problem = if is_kind_name(name) {
                Diagnostic::error(Code::TypeName, format!("`{name}` is a built-in change type"))
                    .help("give yours another name, or override the built-in template in templates/sql")
            } else {
                Diagnostic::error(Code::TypeName, format!("`{name}` is not a valid change type name"))
                    .help("use letters and digits, starting with a small letter: updatedAtTrigger")
            };
            self.problems.push(problem.at(place));
            return None;
        }
        let manifest: Manifest = typed(&value, &place, &mut self.problems)?;
        let template = self.sources.get(template_id);
        let has_rollback = Sections::split(&template.text).is_ok_and(|s| s.rollback.is_some());
        if has_rollback == manifest.irreversible.is_some() {
            let (message, help) = if has_rollback {
                ("the manifest says `irreversible`, but the template has a rollback section", "remove one of them")
            } else {
                (
                    "the template has no rollback section",
                    "add `-- rollback` with its SQL, or write `irreversible: reason` in the manifest",
                )
            };
            self.problems
                .push(Diagnostic::error(Code::RollbackSection, message).at(Place::bytes(template_id, 0..0)).help(help));
            return None;
        }
        let template =
            ProjectTemplate { kind: name.to_owned(), path: template.path.clone(), text: template.text.clone() };
        match CustomKind::new(name.to_owned(), manifest, has_rollback) {
            Ok(kind) => Some((kind, template)),
            Err(why) => {
                self.problems.push(Diagnostic::error(Code::Manifest, why).at(place.child("parameters")));
                None
            }
        }
    }
}

fn is_kind_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A path as it is shown and compared.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Endings of files that other tools take for migrations, or that are meant to be YAML.
const ENDINGS: [&str; 9] = ["sql", "json", "xml", "toml", "yaml", "yml", "ddl", "psql", "pgsql"];

/// The files below a folder.
#[derive(Default)]
struct Found {
    yaml: Vec<PathBuf>,
    ignored: Vec<PathBuf>,
}

/// Collects the files below `folder`, relative to `root`. Each folder is read once: links
/// may lead to one in so many ways that there would be no end. `seen` has those that are read,
/// by their real paths. `key` is that of the folder in dagmar.yaml.
fn walk(
    root: &Path,
    folder: &Path,
    key: &str,
    seen: &mut BTreeMap<PathBuf, PathBuf>,
    out: &mut Found,
) -> Result<(), Diagnostic> {
    let full = root.join(folder);
    let problem = |message: String| Diagnostic::error(Code::UnreadableFile, message);
    if let Ok(real) = full.canonicalize()
        && let Some(first) = seen.insert(real, folder.to_owned())
    {
        let message =
            format!("`{}` leads to the folder `{}`, which is read already", folder.display(), first.display());
        return Err(problem(message).help("remove the link: each changeset has one file"));
    }
    let entries = fs::read_dir(&full).map_err(|e| {
        problem(format!("cannot read the folder `{}`: {e}", folder.display()))
            .help(format!("create it, or set `{key}:` in dagmar.yaml"))
    })?;
    for entry in entries {
        let entry = entry.map_err(|e| problem(format!("cannot read the folder `{}`: {e}", folder.display())))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = folder.join(&name);
        let kind = entry.file_type().map_err(|e| problem(format!("cannot read `{}`: {e}", path.display())))?;
        if kind.is_symlink() {
            inside(root, &path).map_err(|why| problem(format!("`{}` {why}", path.display())))?;
        }
        if entry.path().is_dir() {
            walk(root, &path, key, seen, out)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            out.yaml.push(path);
        } else if path.extension().is_some_and(|e| ENDINGS.contains(&&*e.to_string_lossy().to_ascii_lowercase())) {
            out.ignored.push(path);
        }
    }
    Ok(())
}

/// The real path of a file of the project.
pub(super) fn inside(root: &Path, path: &Path) -> Result<PathBuf, String> {
    let real = root.join(path).canonicalize().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {e}"),
    })?;
    if real.starts_with(root) { Ok(real) } else { Err("leads out of the project".to_owned()) }
}

/// Why a file cannot be read.
pub(super) struct TextError {
    /// In words that follow on its name.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The text as far as it can be shown, and the byte at which it is wrong.
    pub shown: Option<(String, usize)>,
}

/// The text of a file, without a byte order mark.
pub(super) fn read_text(path: &Path) -> Result<String, TextError> {
    let bytes = file::read(path, MAX_BYTES).map(|content| content.bytes).map_err(|e| TextError {
        message: e.to_string(),
        help: match e {
            file::FileError::TooLarge(_) => Some("divide it into several files".to_owned()),
            other => other.help().map(str::to_owned),
        },
        shown: None,
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count() + 1;
        TextError {
            message: format!("is not UTF-8: the first bad byte is number {} in line {line}", good + 1),
            help: Some("save it as UTF-8".to_owned()),
            shown: Some((String::from_utf8_lossy(e.as_bytes()).into_owned(), good)),
        }
    })?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}
