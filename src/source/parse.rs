//! Values to changesets. Collects every mistake, and none that only follows from another one.

use super::advice;
use super::aka;
use super::body;
use super::changeset::{
    Alias, Changelog, Changeset, ChangesetHeader, Dependency, MAX_ID, ParsedChange, RollbackSource, RollbackSpec, is_id,
};
use super::document::Document;
use super::follow_up;
use super::schema::skeleton::HOLE;
use super::set::SourceSet;
use super::shape;
use super::variables::Variables;
use crate::base::{
    BATCH, Code, Content, Diagnostic, Diagnostics, FileId, Operation, Place, Remedy, Setting, diag::nearest,
    on_all_cores, typed::partly,
};
use crate::change::custom::CustomKind;
use crate::change::{self, Change, ReadFile, elsewhere};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// What the parser needs besides the documents.
pub struct Context<'a> {
    /// The project's own change types.
    pub custom: &'a BTreeMap<String, Arc<CustomKind>>,
    /// Those of them that have a mistake, which is reported already.
    pub broken: &'a BTreeSet<String>,
    /// Reads files of the project.
    pub files: &'a (dyn ReadFile + Sync),
    /// The names of the project's environments; empty: none are declared.
    pub environments: &'a [String],
    /// The values of the environment that is compiled for.
    pub variables: &'a Variables,
    /// Whether there may be other variables, which a mistake elsewhere hides.
    pub hides_variables: bool,
    /// Changelog files that could not be read.
    pub unread: &'a [FileId],
    /// The files' texts.
    pub sources: &'a SourceSet,
}

/// An entry of a list of changesets.
struct Entry<'a> {
    place: Place,
    content: &'a Content,
}

/// The same when it was read.
struct Read {
    /// Its id, as it stands there.
    id: Option<String>,
    changeset: Option<Changeset>,
}

/// Reads the changesets of all documents, in the order of the files. Each is independent of
/// the others, so the work is spread over the cores.
pub fn changelog(documents: &[(FileId, Document)], context: &Context<'_>, out: &mut Diagnostics) -> Changelog {
    let mut changelog = Changelog::default();
    for file in context.unread {
        let text = &context.sources.get(*file).text;
        changelog.unread.extend(shape::ids(text).into_iter().map(str::to_owned));
        changelog.unseen |= text.is_empty();
    }
    let mut entries = Vec::new();
    for (file, document) in documents {
        let places = place_of_list(*file, document, out);
        let of_list = places.iter().flat_map(|list| document.entries.iter().enumerate().map(|(i, e)| (list.at(i), e)));
        entries.extend(of_list.map(|(place, content)| Entry { place, content }));
    }
    let (all, problems) = on_all_cores(&entries, BATCH, |entry, out| Some(read(entry, context, out)));
    let mut seen: HashMap<String, &Place> = HashMap::new();
    for (Read { id, changeset }, entry) in all.into_iter().zip(&entries) {
        if let Some(first) = id.as_ref().and_then(|id| seen.get(id)) {
            let id = id.unwrap_or_default();
            out.push(
                Diagnostic::error(Code::IdTwice, format!("the id `{id}` occurs twice"))
                    .at(entry.place.child("id"))
                    .related(first.child("id"), "first here")
                    .help("an id is never reused: give the new changeset another one"),
            );
            continue;
        }
        seen.extend(id.clone().map(|id| (id, &entry.place)));
        match changeset {
            Some(changeset) => changelog.changesets.push(changeset),
            None => changelog.unread.extend(id),
        }
    }
    out.append(problems);
    aka::check(&changelog, out);
    changelog
}

/// Reads one entry; its tree is gone afterwards.
fn read(entry: &Entry<'_>, context: &Context<'_>, out: &mut Diagnostics) -> Read {
    let value = entry.content.value();
    let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
    Read { id, changeset: changeset(&value, &entry.place, context, out) }
}

/// Where the list under `changesets:` of a document stands; `None`: it has none.
fn place_of_list(file: FileId, document: &Document, out: &mut Diagnostics) -> Option<Place> {
    let root = Place::value(file, Vec::new());
    let nothing = |message: &str, place: Place| {
        Diagnostic::error(Code::NothingInFile, message)
            .at(place)
            .help("write `changesets:` with a list below it, or delete the file")
    };
    let map = match &document.rest {
        Value::Null => {
            out.push(nothing("the file is empty", root));
            return None;
        }
        Value::Object(map) => map,
        _ => {
            out.push(
                Diagnostic::error(Code::WrongValue, "expected a mapping with the key `changesets`")
                    .at(root)
                    .help("write `changesets:` with a list below it"),
            );
            return None;
        }
    };
    for key in map.keys().filter(|key| *key != "changesets") {
        let near = nearest(key, ["changesets"]);
        out.push(
            Diagnostic::error(Code::UnknownKey, format!("unknown key `{key}`"))
                .at(root.child(key).as_key())
                .help(near.map_or("supported here: changesets".to_owned(), |n| format!("did you mean `{n}`?"))),
        );
    }
    match map.get("changesets") {
        Some(Value::Array(_)) => Some(root.child("changesets")),
        Some(Value::Null) => {
            out.push(nothing("`changesets:` is empty", root.child("changesets").as_key()));
            None
        }
        Some(_) => {
            out.push(Diagnostic::error(Code::WrongValue, "`changesets` is not a list").at(root.child("changesets")));
            None
        }
        None if map.is_empty() || map.keys().any(|k| nearest(k, ["changesets"]).is_some()) => None,
        None => {
            out.push(
                Diagnostic::error(Code::MissingKey, "the key `changesets` is missing")
                    .at(root)
                    .help("add `changesets:`"),
            );
            None
        }
    }
}

fn changeset(raw: &Value, place: &Place, context: &Context<'_>, out: &mut Diagnostics) -> Option<Changeset> {
    let mut problems = Diagnostics::default();
    let source = context.sources.get(place.file);
    let filled = if source.has_variables { fill(raw, place, context, &mut problems) } else { Cow::Borrowed(raw) };
    let filled = filled.as_ref();
    if source.has_holes {
        holes(filled, place, &mut problems);
    }
    let header: Option<ChangesetHeader> = partly(filled, place, &mut problems);
    if header.is_none() {
        // the header's mistakes must not hide those of the changes
        for key in ["changes", "rollback"] {
            if let Some(Value::Array(list)) = filled.get(key) {
                changes(list, &place.child(key), context, &mut problems);
            }
        }
    }
    let mut parsed = header.map(|header| finish(header, raw, place, context, &mut problems));
    if source.has_variables {
        follow_up::as_written(raw, place, context.variables, &mut problems);
    }
    follow_up::remove(&mut problems);
    if let Some(changeset) = &mut parsed {
        changeset.leave_out_wrong(&problems);
    }
    if context.hides_variables {
        problems.retain(|problem| problem.code != super::variables::UNDEFINED);
    }
    out.append(problems);
    parsed
}

/// The changeset with its variables filled in; an id names the same in every environment.
fn fill<'a>(raw: &'a Value, place: &Place, context: &Context<'_>, out: &mut Diagnostics) -> Cow<'a, Value> {
    let mut filled = raw.clone();
    let id = filled.get("id").cloned();
    if let Value::Object(map) = &mut filled {
        map.shift_remove("id");
    }
    context.variables.fill_value(&mut filled, place, context.sources.get(place.file), out);
    if let (Some(id), Value::Object(map)) = (id, &mut filled) {
        map.insert("id".to_owned(), id);
    }
    Cow::Owned(filled)
}

/// Finds what `dagmar new` has left to be filled in.
fn holes(value: &Value, place: &Place, out: &mut Diagnostics) {
    let problem = |place: Place| {
        Diagnostic::error(follow_up::HOLE_CODE, format!("`{HOLE}` is a placeholder that was not replaced"))
            .at(place)
            .help(
                "replace it with a value; "
                    + Operation::Schema.with(Setting::Type.open())
                    + " says what each key of a change takes",
            )
    };
    match value {
        Value::String(text) => {
            if let Some(at) = text.find(HOLE) {
                out.push(problem(place.clone().within(at..at + HOLE.len())));
            }
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(i, item)| holes(item, &place.at(i), out)),
        Value::Object(map) => {
            for (key, item) in map {
                if key.contains(HOLE) {
                    out.push(problem(place.child(key).as_key()));
                }
                holes(item, &place.child(key), out);
            }
        }
        _ => {}
    }
}

fn finish(
    header: ChangesetHeader,
    raw: &Value,
    place: &Place,
    context: &Context<'_>,
    out: &mut Diagnostics,
) -> Changeset {
    if !is_id(&header.id) {
        let shown: String = header.id.chars().take(60).collect();
        out.push(Diagnostic::error(Code::BadId, format!("`{shown}` is not a valid id")).at(place.child("id")).help(
            format!("use letters, digits, `-`, `_`, `.` and `/`, at most {MAX_ID}, starting with a letter or digit"),
        ));
    }
    for (i, name) in header.environments.iter().enumerate() {
        if !context.environments.is_empty() && !context.environments.contains(name) {
            let near = nearest(name, context.environments.iter().map(String::as_str));
            out.push(
                Diagnostic::error(Code::UnknownEnvironment, format!("the environment `{name}` does not exist"))
                    .at(place.child("environments").at(i))
                    .help(near.map_or_else(
                        || format!("dagmar.yaml has: {}", context.environments.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    )),
            );
        }
    }
    header.limits.backfill.check(&place.child("limits").child("backfill"), out);
    if header.changes.is_empty() {
        out.push(
            Diagnostic::error(Code::NoChanges, format!("the changeset `{}` has no changes", header.id))
                .at(place.child("changes"))
                .help("add one, or delete the changeset"),
        );
    }
    let parsed = changes(&header.changes, &place.child("changes"), context, out);
    let rollback = match header.rollback {
        None => RollbackSource::Derived,
        Some(RollbackSpec::Irreversible(reason)) => RollbackSource::Irreversible(reason),
        Some(RollbackSpec::Changes(list)) => {
            RollbackSource::Changes(changes(&list, &place.child("rollback"), context, out))
        }
    };
    let (checksum, body) = body::of(raw, &parsed);
    let edges = place.child("dependsOn");
    let names = place.child("aka");
    Changeset {
        gaps: parsed.len() < header.changes.len(),
        header_is_read: true,
        checksum,
        body,
        tree: OnceLock::new(),
        depends_on: header
            .depends_on
            .into_iter()
            .enumerate()
            .map(|(i, edge)| Dependency { id: edge.id, soak: edge.soak, place: edges.at(i) })
            .collect(),
        aka: header.aka.into_iter().enumerate().map(|(i, id)| Alias { id, place: names.at(i) }).collect(),
        id: header.id,
        file: place.file,
        place: place.clone(),
        author: header.author,
        description: header.description,
        environments: header.environments,
        labels: header.labels,
        phase: header.phase,
        repeatable: header.repeatable,
        preconditions: header.preconditions,
        changes: parsed,
        verify: header.verify,
        rollback,
        limits: header.limits,
        lint: header.lint,
    }
}

fn changes(list: &[Value], place: &Place, context: &Context<'_>, out: &mut Diagnostics) -> Vec<ParsedChange> {
    list.iter()
        .enumerate()
        .filter_map(|(i, value)| {
            let place = place.at(i);
            let change = one_change(value, &place, context, out)?;
            Some(ParsedChange { change, place })
        })
        .collect()
}

fn one_change(value: &Value, place: &Place, context: &Context<'_>, out: &mut Diagnostics) -> Option<Box<dyn Change>> {
    let Some((name, parameters)) = value.as_object().filter(|m| m.len() == 1).and_then(|m| m.iter().next()) else {
        let message = match value.as_object() {
            Some(map) if map.len() > 1 => {
                let keys: Vec<String> = map.keys().map(|k| format!("`{k}`")).collect();
                format!("one change has several keys: {}", keys.join(", "))
            }
            _ => "a change is a change type with its parameters".to_owned(),
        };
        out.push(
            Diagnostic::error(Code::NotOneChange, message)
                .at(place.clone())
                .help("write `- createTable:` with the parameters indented below it"),
        );
        return None;
    };
    let here = place.child(name);
    let mut change = if let Some(kind) = context.custom.get(name) {
        kind.parse(parameters, &here, out)
    } else if let Some(kind) = change::find(name) {
        (kind.parse)(parameters, &here, out)
    } else if context.broken.contains(name) {
        return None;
    } else {
        let known = change::KINDS.iter().map(|k| k.name).chain(context.custom.keys().map(String::as_str));
        let near = || nearest(name, known).map(|near| format!("did you mean `{near}`?"));
        let help = elsewhere::help(name).or_else(near).map(Remedy::from);
        let help = help.unwrap_or_else(|| Operation::Schema.with(Setting::List) + " shows all change types");
        out.push(
            Diagnostic::error(Code::UnknownChangeType, format!("unknown change type `{name}`"))
                .at(here.as_key())
                .help(help),
        );
        return None;
    }?;
    change.attach(context.files, &here, out);
    change.check(&here, out);
    advice::names(name, parameters, &here, out);
    Some(change)
}
