//! The form of `dagmar.yaml`: what it may hold.

use super::attic::AtticPolicy;
use super::drift::{DriftConfig, DriftPolicy};
use super::hook::Hook;
use super::ledger::LedgerConfig;
use super::lint::LintPolicy;
use super::policy::{ApprovalPolicy, Destructive, Freeze, Rate, Window};
use super::prove::{ProveConfig, ProvenPolicy};
use super::serve::ServeConfig;
use crate::base::{Granularity, HumanDuration, Limits, PaceSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The name of the project's file.
pub const FILE: &str = "dagmar.yaml";

/// The directory of the tests, where `dagmar.yaml` names no other one.
pub const TESTS: &str = "tests/db";

/// The contents of `dagmar.yaml`. Every key has a default; an empty file is a project.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "dagmar.yaml")]
pub struct ProjectConfig {
    /// The directory of the changesets.
    pub plans: String,
    /// The directory of the project's own templates.
    pub templates: String,
    /// The directory of the project's tests, which `dagmar test` runs.
    pub tests: String,
    /// The ledger: the tables that dagmar keeps in each database.
    pub ledger: LedgerConfig,
    /// Values for `${name}`; values of an environment override them.
    #[schemars(with = "BTreeMap<String, Variable>")]
    pub variables: Map<String, Value>,
    /// Limits for every statement; limits of an environment override them.
    pub limits: LimitsSpec,
    /// The review of changesets; an environment may override it.
    #[serde(skip_serializing_if = "LintPolicy::is_empty")]
    pub lint: LintPolicy,
    /// The proof of changesets (`dagmar prove`).
    #[serde(skip_serializing_if = "ProveConfig::is_empty")]
    pub prove: ProveConfig,
    /// The comparison of databases with their ledgers (`dagmar drift`).
    #[serde(skip_serializing_if = "DriftConfig::is_empty")]
    pub drift: DriftConfig,
    /// The service (`dagmar serve`).
    #[serde(skip_serializing_if = "ServeConfig::is_empty")]
    pub serve: ServeConfig,
    /// The environments, in the order of promotion. The first is the default.
    #[schemars(with = "BTreeMap<String, Environment>")]
    pub environments: Map<String, Value>,
    /// Filled from `environments`.
    #[serde(skip)]
    pub environment_list: Vec<(String, Environment)>,
}

impl Default for ProjectConfig {
    fn default() -> Self {
        Self {
            plans: "plans".to_owned(),
            templates: "templates".to_owned(),
            tests: TESTS.to_owned(),
            ledger: LedgerConfig::default(),
            variables: Map::new(),
            limits: LimitsSpec::default(),
            lint: LintPolicy::default(),
            prove: ProveConfig::default(),
            drift: DriftConfig::default(),
            serve: ServeConfig::default(),
            environments: Map::new(),
            environment_list: Vec::new(),
        }
    }
}

/// A named target.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(
    extend("not" = {"anyOf": [{"required": ["url", "urlCommand"]}, {"required": ["url", "urlFile"]}, {"required": ["urlCommand", "urlFile"]}]})
)]
pub struct Environment {
    /// The connection: a URL as in libpq, `${NAME}` for an environment variable of the process, or `embedded`
    /// for a private server on this machine.
    pub url: Option<String>,
    /// A command with its arguments that prints the URL on its first line, for secret managers. It runs without
    /// a shell, in the project directory, and only when a command connects.
    #[schemars(length(min = 1))]
    pub url_command: Option<Vec<String>>,
    /// A file with the URL on its first line; a relative path is relative to the project directory.
    #[schemars(length(min = 1))]
    pub url_file: Option<String>,
    /// The time limit of `urlCommand`; default: 30s.
    pub url_timeout: Option<HumanDuration>,
    /// The environment in which a changeset must be applied first.
    pub promote_from: Option<String>,
    /// Values for `${name}` in this environment.
    #[schemars(with = "BTreeMap<String, Variable>")]
    pub variables: Map<String, Value>,
    /// Limits for every statement in this environment.
    pub limits: LimitsSpec,
    /// The maximum number of connections that run independent changesets concurrently; default: 4.
    #[schemars(range(min = 1, max = 64))]
    pub jobs: Option<u16>,
    /// The scope of a transaction; default: a changeset.
    pub transaction: Granularity,
    /// Hooks that run before a run changes anything, in this order.
    pub before_apply: Vec<Hook>,
    /// The destructive kinds of steps that run without `--allow`; default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Destructive>>,
    /// The change window: a run may start only in this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Days without runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// How long a changeset must have been applied in `promoteFrom` before it can be promoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<HumanDuration>,
    /// Accepts only sealed plans that are signed with one of these keys: files of public keys, relative to the
    /// project directory, or keys in base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// The required approvals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalPolicy>,
    /// Limits per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The retention of attic entries; default: an entry stays until it is purged explicitly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attic: Option<AtticPolicy>,
    /// The review of changesets.
    #[serde(skip_serializing_if = "LintPolicy::is_empty")]
    pub lint: LintPolicy,
    /// Accepts only changesets that were proven in this form on this major version, by `dagmar prove --record` or in a
    /// sealed plan that a key of `signedBy` signed; `{}` asks for a proof of any age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven: Option<ProvenPolicy>,
    /// Drift: changes of this database that no changeset made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// `true` refuses `dagmar apply`, so that all changesets come by `dagmar promote`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub promote_only: bool,
}

/// Limits as they are written; what is left out comes from the level above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsSpec {
    /// The maximum wait for a lock; default: 5s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<HumanDuration>,
    /// The maximum duration of one statement; default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<HumanDuration>,
    /// The number of retries after a lock timeout; default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_retries: Option<u32>,
    /// Load limits for backfills; the `pace` of a backfill overrides them.
    #[serde(skip_serializing_if = "PaceSpec::is_empty")]
    pub backfill: PaceSpec,
}

impl LimitsSpec {
    /// These limits over those of the level above.
    #[must_use]
    pub fn or(self, above: Self) -> Self {
        Self {
            lock_timeout: self.lock_timeout.or(above.lock_timeout),
            statement_timeout: self.statement_timeout.or(above.statement_timeout),
            lock_retries: self.lock_retries.or(above.lock_retries),
            backfill: self.backfill.or(above.backfill),
        }
    }

    /// These limits over resolved ones.
    #[must_use]
    pub fn over(self, above: Limits) -> Limits {
        Limits {
            lock_timeout: self.lock_timeout.unwrap_or(above.lock_timeout),
            statement_timeout: self.statement_timeout.unwrap_or(above.statement_timeout),
            lock_retries: self.lock_retries.unwrap_or(above.lock_retries),
        }
    }

    /// With the defaults filled in.
    #[must_use]
    pub fn resolve(self) -> Limits {
        Limits {
            lock_timeout: self.lock_timeout.unwrap_or(HumanDuration::secs(5)),
            statement_timeout: self.statement_timeout.unwrap_or_default(),
            lock_retries: self.lock_retries.unwrap_or(10),
        }
    }
}

/// The value of a variable.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Variable {
    Text(String),
    Number(f64),
    Bool(bool),
    Full(FullVariable),
}

/// A variable with options.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct FullVariable {
    /// The value; `${NAME}` is an environment variable of the process.
    value: Scalar,
    /// `true`: dagmar never shows, stores or seals the value, and inserts it only when it sends the SQL to the
    /// server.
    #[serde(default)]
    secret: bool,
}

/// A text, number or boolean.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Scalar {
    Text(String),
    Number(f64),
    Bool(bool),
}
