//! The options that say what runs: the files, or a sealed plan.

use super::complete;
use super::global::Global;
use super::open;
use super::output::Output;
use crate::base::{Failure, FailureKind};
use crate::cli::shell::task::block_on;
use crate::ops::keys::open_plan;
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{RunSource, Target};
use crate::plan::sealed::Sealed;
use crate::report;
use std::path::{Path, PathBuf};

/// The options that say what runs.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// A sealed plan: runs exactly this plan, only where and as long as it is valid
    #[arg(value_name = "FILE", conflicts_with = "select")]
    pub plan: Option<PathBuf>,
    /// The sealed plan must be signed with this key; KEYFILE is its public half
    #[arg(long, value_name = "KEYFILE", requires = "plan")]
    key: Option<PathBuf>,
    /// Refuses the sealed plan if the files now compile to a different one
    #[arg(long, requires = "plan")]
    check_render: bool,
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
}

impl Chosen {
    /// Opens the sealed plan, where one is named.
    pub fn open(&self, command: &'static str, global: &Global, out: &mut Output) -> Result<Option<Sealed>, Failure> {
        let open = |file: &PathBuf| open_for(command, file, self.key.as_deref(), global, out);
        self.plan.as_ref().map(open).transpose()
    }

    /// What runs: the sealed plan, or else the files as far as they are selected.
    pub fn source<'a>(
        &self,
        target: &'a Target,
        plan: Option<Sealed>,
        out: &mut Output,
    ) -> Result<RunSource<'a>, Failure> {
        if let Some(plan) = plan {
            return RunSource::sealed(target, plan, self.check_render);
        }
        let source = RunSource::files(target, &self.select)?;
        hint(&source, out);
        Ok(source)
    }
}

/// The options with the environment of a plan that is sealed for one alone.
pub fn environment(global: &Global, sealed: Option<&Sealed>) -> Result<Global, Failure> {
    let mut global = global.clone();
    if let (Some(sealed), None) = (sealed, &global.env) {
        match sealed.environments().as_slice() {
            [one] => global.env = Some((*one).to_owned()),
            several => {
                return Err(Failure::new(FailureKind::Usage, "the plan is sealed for several environments")
                    .help(format!("name one with `--env`: {}", several.join(", "))));
            }
        }
    }
    Ok(global)
}

/// Tells that there are warnings, where they are not shown.
pub fn hint(source: &RunSource<'_>, out: &mut Output) {
    if let Some(view) = source.view().filter(|view| !view.warnings.is_empty()) {
        out.warn(&format!("{} in the project's files: see `dagmar check`", report::diag::summary(&view.warnings)));
    }
}

/// Opens a sealed plan for a command that changes something: what is refused leaves an event, where it
/// was said which database it is about.
pub fn open_for(
    command: &'static str,
    file: &Path,
    key: Option<&Path>,
    global: &Global,
    out: &mut Output,
) -> Result<Sealed, Failure> {
    let opened = open_plan(file, key);
    if opened.is_ok() || global.env.is_none() && global.url.is_none() {
        return opened;
    }
    let target = open::target(global)?;
    block_on(recorded(opened, Attempt { operation: command, plan: None }, &target, out))
}
