//! The form of `dagmar.yaml`: what it may hold.

use super::attic::AtticPolicy;
use super::hook::Hook;
use super::ledger::LedgerConfig;
use super::policy::{ApprovalPolicy, Destructive, Freeze, Rate, Window};
use crate::base::{Granularity, HumanDuration, Limits, PaceSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The name of the project's file.
pub const FILE: &str = "dagmar.yaml";

/// The contents of `dagmar.yaml`. Every key has a default; an empty file is a project.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "dagmar.yaml")]
pub struct ProjectConfig {
    /// The folder of the changesets.
    pub plans: String,
    /// The folder of the project's own templates.
    pub templates: String,
    /// Where dagmar keeps its tables in each database.
    pub ledger: LedgerConfig,
    /// Values for `${name}`; an environment's own win.
    #[schemars(with = "BTreeMap<String, Variable>")]
    pub variables: Map<String, Value>,
    /// Limits for every statement; an environment's own win.
    pub limits: LimitsSpec,
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
            ledger: LedgerConfig::default(),
            variables: Map::new(),
            limits: LimitsSpec::default(),
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
    /// The connection: a URL in libpq's form, `${NAME}` for one from the process's
    /// environment, or `embedded` for a private server on this machine.
    pub url: Option<String>,
    /// A command with its arguments whose first line of output is the URL, for secret
    /// managers. No shell looks at it; it runs in the project's folder, and only when a
    /// command connects.
    #[schemars(length(min = 1))]
    pub url_command: Option<Vec<String>>,
    /// A file whose first line is the URL; a path without a slash at its start is below the
    /// project's folder.
    #[schemars(length(min = 1))]
    pub url_file: Option<String>,
    /// How long `urlCommand` may take; left out: 30s.
    pub url_timeout: Option<HumanDuration>,
    /// The environment that a change must have passed before.
    pub promote_from: Option<String>,
    /// Values for `${name}` in this environment.
    #[schemars(with = "BTreeMap<String, Variable>")]
    pub variables: Map<String, Value>,
    /// Limits for every statement in this environment.
    pub limits: LimitsSpec,
    /// The most connections that run independent changesets at the same time; left out: 4.
    #[schemars(range(min = 1, max = 64))]
    pub jobs: Option<u16>,
    /// What one transaction holds; left out: a changeset.
    pub transaction: Granularity,
    /// What is done before a run changes anything, in this order.
    pub before_apply: Vec<Hook>,
    /// The destructive kinds of steps that run without a further word; left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Destructive>>,
    /// The only time in which something is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Days on which nothing is run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// How long a changeset must have been applied in `promoteFrom` before it comes here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<HumanDuration>,
    /// Takes only sealed plans that are signed with one of these keys: files of public keys, below
    /// the project's folder, or keys in base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// Who has to agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalPolicy>,
    /// How much may happen in an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// What becomes of what the attic keeps; left out: it stays until it is purged by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attic: Option<AtticPolicy>,
    /// Whether `dagmar apply` is refused here, so that everything comes by `dagmar promote`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub promote_only: bool,
}

/// Limits as they are written; what is left out comes from the level above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsSpec {
    /// The longest wait for a lock; left out: 5s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<HumanDuration>,
    /// The longest that one statement may take; left out: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<HumanDuration>,
    /// How often a wait for a lock is given up and tried again; left out: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_retries: Option<u32>,
    /// How gently backfills go; what a backfill says itself is stronger.
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

/// A variable of which more is said than its value.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct FullVariable {
    /// The value; `${NAME}` is one from the process's environment.
    value: Scalar,
    /// Whether the value is secret: never shown, stored or sealed, and filled in only when the
    /// SQL is sent to the server.
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
