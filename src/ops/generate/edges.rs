//! The dependencies that the SQL of generated changesets has, on each other and on the changesets of the project.

use super::shadow::alone;
use crate::base::{Failure, FailureKind};
use crate::generate::{Generated, GeneratedChangeset, Request, generate, yaml};
use crate::inspect::ObjectKind;
use crate::ops::{Project, Target, TargetSpec};
use crate::source::project::FILE;
use std::collections::BTreeMap;
use std::path::Path;

/// The file of the generated changesets.
const GENERATED: &str = "dagmar-generated.yaml";

/// How often new dependencies of functions are looked for.
const ROUNDS: usize = 4;

/// The changesets with the dependencies that a check of the project with them misses.
///
/// # Errors
/// If the project cannot be compiled.
pub(super) fn generated(
    target: &Target,
    request: Request<'_>,
    before: &[GeneratedChangeset],
) -> Result<Generated, Failure> {
    with_edges(target, request, Some(before))
}

/// The same, without the changesets of the project.
///
/// # Errors
/// If they cannot be compiled.
pub(super) fn generated_alone(target: &Target, request: Request<'_>) -> Result<Generated, Failure> {
    with_edges(target, request, None)
}

fn with_edges(
    target: &Target,
    mut request: Request<'_>,
    project: Option<&[GeneratedChangeset]>,
) -> Result<Generated, Failure> {
    let mut found = generate(&request);
    let mut missing = Vec::new();
    for _ in 0..ROUNDS {
        missing = missing_edges(target, &found, project)?;
        let object = |id: &str| found.changesets.iter().find(|changeset| changeset.id == id).map(|c| &c.object);
        let known = request.uses.len();
        for (from, to) in &missing {
            if let (Some(from), Some(to)) = (object(from), object(to))
                && matches!(from.kind, ObjectKind::Function | ObjectKind::Procedure)
            {
                request.uses.insert((from.clone(), to.clone()));
            }
        }
        if request.uses.len() == known {
            break;
        }
        found = generate(&request);
    }
    // some are only seen when others are there
    for _ in 0..ROUNDS {
        if missing.is_empty() {
            break;
        }
        found = found.with_dependencies(&missing);
        missing = missing_edges(target, &found, project)?;
    }
    Ok(found)
}

/// The dependencies that a check of the project with these changesets misses, as pairs of ids.
fn missing_edges(
    target: &Target,
    generated: &Generated,
    project: Option<&[GeneratedChangeset]>,
) -> Result<Vec<(String, String)>, Failure> {
    if generated.changesets.is_empty() {
        return Ok(Vec::new());
    }
    let whole = match project {
        Some(before) => together(target, generated, before)?,
        None => alone(target, &generated.changesets)?,
    };
    let view = whole.view().map_err(no_project)?;
    let checked = view.check().map_err(no_project)?;
    let id = |position: usize| view.changelog.changesets[position].id.clone();
    let pairs = checked.comparison.missing().chain(checked.comparison.reversed());
    let mut pairs: Vec<(String, String)> = pairs.map(|(changeset, maker)| (id(changeset), id(maker))).collect();
    // the new one comes after the one that is there, the later one after the earlier one
    let place = |id: &str| generated.changesets.iter().position(|changeset| changeset.id == id);
    for (one, other) in checked.comparison.unordered().map(|(one, other)| (id(one), id(other))) {
        pairs.push(if place(&one) > place(&other) { (one, other) } else { (other, one) });
    }
    Ok(pairs)
}

/// The project with the changesets, and those that come before them.
fn together(target: &Target, generated: &Generated, before: &[GeneratedChangeset]) -> Result<Target, Failure> {
    let loaded = &target.workspace().loaded;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let view = target.view()?;
    files.extend(view.sources.iter().map(|(_, file)| (file.path.clone(), file.text.clone())));
    files.extend(loaded.templates.iter().map(|template| (template.path.clone(), template.text.clone())));
    files.entry(FILE.to_owned()).or_default();
    let plans = loaded.config.plans.trim_start_matches("./").trim_end_matches('/');
    let text = yaml(before.iter().chain(&generated.changesets));
    files.insert(format!("{plans}/{GENERATED}"), text);
    let files = files.iter().map(|(path, text)| (Path::new(path), text.as_bytes()));
    let project = Project::unpack(files, target.process().clone())?;
    let spec = TargetSpec { environment: Some(target.environment.clone()), url: None, ..target.spec.clone() };
    project.target(spec, target.actor.clone())
}

/// Whoever wrote the SQL, it was not who runs this.
fn no_project(failure: Failure) -> Failure {
    let message = format!("the generated changesets cannot be compiled: {}", failure.message);
    Failure { kind: FailureKind::Internal, message, ..failure }
        .help("report this, with the definition of the object that is named")
}
