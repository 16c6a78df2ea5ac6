//! The dependencies that the SQL of generated changesets has, on each other and on the changesets of the project.

use crate::base::{Failure, FailureKind};
use crate::generate::{Generated, yaml};
use crate::ops::{Project, Target, TargetSpec};
use crate::source::project::FILE;
use std::collections::BTreeMap;
use std::path::Path;

/// The file of the generated changesets.
const GENERATED: &str = "dagmar-generated.yaml";

/// Adds the dependencies that a check of the project with these changesets misses.
///
/// # Errors
/// If the project cannot be compiled.
pub(super) fn with_edges(target: &Target, generated: Generated) -> Result<Generated, Failure> {
    if generated.changesets.is_empty() {
        return Ok(generated);
    }
    let loaded = &target.workspace().loaded;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    if let Ok(view) = target.view() {
        files.extend(view.sources.iter().map(|(_, file)| (file.path.clone(), file.text.clone())));
    }
    files.extend(loaded.templates.iter().map(|template| (template.path.clone(), template.text.clone())));
    files.entry(FILE.to_owned()).or_default();
    let plans = loaded.config.plans.trim_start_matches("./").trim_end_matches('/');
    let text = yaml(&generated.changesets.iter().collect::<Vec<_>>(), "");
    files.insert(format!("{plans}/{GENERATED}"), text);
    let files = files.iter().map(|(path, text)| (Path::new(path), text.as_bytes()));
    let project = Project::unpack(files, target.process().clone())?;
    let spec = TargetSpec { environment: Some(target.environment.clone()), ..target.spec.clone() };
    let whole = project.target(TargetSpec { url: None, ..spec }, target.actor.clone())?;
    let view = whole.view().map_err(|failure| no_project(&failure))?;
    let checked = view.check().map_err(|failure| no_project(&failure))?;
    let id = |position: usize| view.changelog.changesets[position].id.clone();
    let missing: Vec<(String, String)> =
        checked.comparison.missing().map(|(changeset, maker)| (id(changeset), id(maker))).collect();
    Ok(generated.with_dependencies(&missing))
}

/// Whoever wrote the SQL, it was not who runs this.
fn no_project(failure: &Failure) -> Failure {
    let mut wrong = Failure::new(FailureKind::Internal, "the generated changesets cannot be compiled");
    for note in std::iter::once(failure.to_string()).chain(failure.notes.iter().map(ToString::to_string)) {
        wrong = wrong.note(note);
    }
    wrong.help("report this, with the definition of the object that is named")
}
