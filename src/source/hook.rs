//! What is done before a run changes anything: `beforeApply` of an environment.

use crate::base::{Code, Diagnostic, Diagnostics, HumanDuration, Place, name::MAX_BYTES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// How long a hook may take that says nothing.
const LIMIT: HumanDuration = HumanDuration::secs(600);

/// A hook that runs before a run, under its lock: exactly one of `run`, `dump` and `restorePoint`. If a hook
/// fails, the run changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(
    extend("anyOf" = [{"required": ["run"]}, {"required": ["dump"]}, {"required": ["restorePoint"]}]),
    extend("not" = {"anyOf": [{"required": ["run", "dump"]}, {"required": ["run", "restorePoint"]}, {"required": ["dump", "restorePoint"]}]})
)]
pub struct Hook {
    /// A command with its arguments, without a shell, in the project directory. Its environment has `PG*`
    /// variables for a connection, `DAGMAR_ENVIRONMENT` and `DAGMAR_RUN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub run: Option<Vec<String>>,
    /// A dump with `pg_dump`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump: Option<Dump>,
    /// The name of a restore point in the WAL; `${run}` is the id of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub restore_point: Option<String>,
    /// The time limit; a hook that exceeds it is terminated and has failed. Default: 10m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
}

/// What `pg_dump` writes, in its custom format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dump {
    /// `true` dumps only the tables that the plan changes; default: the whole database.
    #[serde(default)]
    pub touched: bool,
    /// The file, relative to the project directory; `${run}`, `${environment}` and environment variables of the
    /// process are substituted. An existing file is not overwritten.
    pub to: String,
}

/// Whether a path stays below the folder that it starts in.
#[must_use]
pub fn is_below(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

impl Hook {
    /// How long it may take.
    #[must_use]
    pub fn limit(&self) -> HumanDuration {
        self.timeout.unwrap_or(LIMIT)
    }

    /// What it is called in messages and in the ledger: never an argument, it may be a secret.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Hook { run: Some(command), .. } => format!("run {}", command.first().map_or("", String::as_str)),
            Hook { dump: Some(dump), .. } => format!("dump {}", dump.to),
            Hook { restore_point, .. } => format!("restorePoint {}", restore_point.as_deref().unwrap_or_default()),
        }
    }

    /// Whether it is one thing, and a possible one.
    pub fn check(&self, place: &Place, out: &mut Diagnostics) {
        let asked = [self.run.is_some(), self.dump.is_some(), self.restore_point.is_some()];
        let wrong = if asked.iter().filter(|a| **a).count() != 1 {
            Diagnostic::error(Code::Hook, "a hook is one of `run`, `dump` and `restorePoint`")
                .help("write a list entry for each")
        } else if self.run.as_ref().is_some_and(|r| r.first().is_none_or(|program| program.trim().is_empty())) {
            Diagnostic::error(Code::Hook, "the hook `run` names no command").help("write `run: [command, argument]`")
        } else if self.dump.as_ref().is_some_and(|d| d.to.trim().is_empty()) {
            Diagnostic::error(Code::Hook, "the hook `dump` names no file").help("write `to: backups/${run}.dump`")
        } else if let Some(dump) = self.dump.as_ref().filter(|dump| !is_below(&dump.to)) {
            Diagnostic::error(Code::Hook, format!("`{}` leads out of the project's folder", dump.to))
                .help("a dump is below the project's folder; elsewhere a `run` hook can write it")
        } else if self.restore_point.as_ref().is_some_and(|name| name.is_empty() || name.len() > MAX_BYTES) {
            Diagnostic::error(Code::Hook, format!("the name of a restore point has 1 to {MAX_BYTES} bytes"))
        } else {
            return;
        };
        out.push(wrong.at(place.clone()));
    }
}
