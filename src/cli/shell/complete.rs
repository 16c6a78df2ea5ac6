//! What a shell completes: names of environments, ids of changesets, change types and formats as the project
//! has them; files only where a file is meant. Asked by the shell's function, see `dagmar completions`.

use crate::base::Diagnostics;
use crate::report::{GraphFormat, Line, MatrixFormat, PlanFormat, Style};
use crate::source::SourceSet;
use crate::source::load::{self, Loaded};
use crate::source::schema::Custom;
use crate::source::schema::catalogue::Catalogue;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Names of environments.
pub fn environments() -> ArgValueCompleter {
    completer(|loaded| loaded.config.environment_list.iter().map(|(name, _)| (name.clone(), None)).collect())
}

/// Ids of changesets.
pub fn changesets() -> ArgValueCompleter {
    completer(ids)
}

/// Selectors: ids, with a `+` in front as well, and labels.
pub fn selectors() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let text = current.to_string_lossy();
        let (list, last) = text.rsplit_once(',').map_or(("", &*text), |(before, last)| (&text[..=before.len()], last));
        let (plus, beginning) = last.strip_prefix('+').map_or(("", last), |rest| ("+", rest));
        let found = project().map_or_else(Vec::new, |loaded| ids(&loaded));
        let labels = project().map_or_else(Vec::new, |loaded| labels(&loaded));
        let labels = labels.into_iter().filter(|_| plus.is_empty()).map(|label| (format!("label:{label}"), None));
        let all = found.into_iter().chain(labels).filter(|(name, _)| name.starts_with(beginning));
        candidates(all.map(|(name, help)| (format!("{list}{plus}{name}"), help)))
    })
}

/// Change types, those of the project with them.
pub fn change_types() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let custom: Custom = project().map_or_else(Custom::new, |loaded| loaded.custom);
        let types = Catalogue::new(&custom).change_types();
        let named = types.into_iter().map(|entry| (entry.name.clone(), Some(entry.description.clone())));
        beginning(current, named)
    })
}

/// Formats of results; each command knows some of them.
pub fn formats() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut names: Vec<&str> = vec!["text", "json", "csv"];
        names.extend(PlanFormat::ALL.iter().map(|format| format.name()));
        names.extend(GraphFormat::ALL.iter().map(|format| format.name()));
        names.extend(MatrixFormat::ALL.iter().map(|format| format.name()));
        names.sort_unstable();
        names.dedup();
        beginning(current, names.into_iter().map(|name| (name.to_owned(), None)))
    })
}

/// Files of tests.
pub fn test_files() -> ArgValueCompleter {
    completer(|loaded| {
        let mut sources = SourceSet::default();
        let files = load::tests(loaded, &mut sources, &mut Diagnostics::default());
        files.iter().map(|(id, _)| (sources.get(*id).path.clone(), None)).collect()
    })
}

type Named = (String, Option<String>);

fn completer(names: fn(&Loaded) -> Vec<Named>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        // of a list the last one is completed
        let text = current.to_string_lossy();
        let list = text.rfind(',').map_or("", |at| &text[..=at]);
        let found = project().map_or_else(Vec::new, |loaded| names(&loaded));
        beginning(current, found.into_iter().map(|(name, help)| (format!("{list}{name}"), help)))
    })
}

fn beginning(current: &OsStr, names: impl Iterator<Item = Named>) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    candidates(names.filter(|(name, _)| name.starts_with(&*current)))
}

/// Only what a shell shows and takes as it is: no white space, nothing that a terminal acts on.
fn candidates(names: impl Iterator<Item = Named>) -> Vec<CompletionCandidate> {
    let plain = |name: &str| name.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"'\"\\$`".contains(c));
    let of = |(name, help): Named| {
        let first = help.as_deref().and_then(|help| help.lines().next()).unwrap_or_default();
        let help = Line::from(first.split(". ").next().unwrap_or_default()).write(Style::PLAIN, None);
        CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
    };
    names.filter(|(name, _)| plain(name)).map(of).collect()
}

/// The project that the command line is about, as far as it can be read.
fn project() -> Option<Loaded> {
    let mut words = std::env::args_os().skip_while(|arg| arg != "--project").skip(1);
    let named = words.next().or_else(|| std::env::var_os("DAGMAR_PROJECT")).map(PathBuf::from);
    let root = match named {
        Some(root) => root,
        None => load::find_root(&std::env::current_dir().ok()?)?,
    };
    load::load(&root).ok()
}

/// The entries of all changesets as they stand in the files.
fn entries(loaded: &Loaded) -> impl Iterator<Item = Value> {
    loaded.documents.iter().flat_map(|(_, document)| document.values())
}

fn ids(loaded: &Loaded) -> Vec<Named> {
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    entries(loaded).filter_map(|entry| Some((text(&entry, "id")?, text(&entry, "description")))).collect()
}

fn labels(loaded: &Loaded) -> Vec<String> {
    let lists = entries(loaded).filter_map(|entry| entry.get("labels")?.as_array().cloned());
    let mut labels: Vec<String> = lists.flatten().filter_map(|label| label.as_str().map(str::to_owned)).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}
