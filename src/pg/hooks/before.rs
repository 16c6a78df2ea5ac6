//! What hooks work with.

use crate::base::{Failure, FailureKind, Ident};
use crate::ledger::record::Recorder;
use crate::pg::connect::ProcessEnv;
use crate::pg::connect::settings::Settings;
use crate::pg::embedded;
use crate::pg::lock::Lock;
use crate::pg::run::RunInfo;
use crate::plan::Plan;
use crate::source::Hook;
use crate::source::declared::fill_from_process;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The hooks of an environment, and what they work with.
#[derive(Debug)]
pub struct Hooks<'a> {
    /// What is to be done, in this order.
    pub list: &'a [Hook],
    /// The project's folder.
    pub root: &'a Path,
    /// Where `pg_dump` is; absent: the usual places.
    pub binaries: Option<&'a Path>,
    /// The surroundings that hooks refer to with `${NAME}`.
    pub process: &'a ProcessEnv,
    /// How to connect.
    pub settings: &'a Settings,
    /// The schema of the ledger.
    pub ledger: &'a Ident,
    /// The run.
    pub info: &'a RunInfo,
}

/// The hooks of one run.
pub(super) struct Before<'a> {
    pub(super) hooks: &'a Hooks<'a>,
    pub(super) plan: &'a Plan,
    pub(super) lock: &'a Lock,
    pub(super) recorder: Recorder,
}

/// Why a hook did not come to its end.
pub(super) enum HookError {
    /// It failed.
    Failed(Failure),
    /// Its time was over.
    Timeout,
    /// A signal.
    Stopped,
}

impl From<Failure> for HookError {
    fn from(failure: Failure) -> Self {
        HookError::Failed(failure)
    }
}

/// What a hook leaves in the ledger beside its name and time.
pub(super) type Detail = Map<String, Value>;

impl Before<'_> {
    /// A command is looked for in the project's folder when its name has a slash.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        if name.contains('/') { self.hooks.root.join(name) } else { PathBuf::from(name) }
    }

    /// The place of a client program.
    pub(super) fn client(&self, name: &str) -> PathBuf {
        embedded::client_program(self.hooks.binaries, name)
    }

    /// A text with `${run}`, `${environment}` and variables of the process.
    pub(super) fn filled(&self, text: &str) -> Result<String, Failure> {
        let value = |name: &str| match name {
            "run" => Some(self.lock.run.clone()),
            "environment" => Some(self.plan.environment.clone()),
            other => self.hooks.process.vars.get(other).cloned(),
        };
        fill_from_process(text, &value)
            .map_err(|why| Failure::new(FailureKind::Failed, why).help("set it, or write it out"))
    }
}
