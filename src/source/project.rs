//! `dagmar.yaml`: where things lie, and the environments in the order of promotion.

use super::address;
use super::declared::{Variable, check_variables};
use super::hook::Hook;
use super::policy::{self, ApprovalPolicy, Freeze, Hazard, Rate, Window};
use super::variables::is_name;
use crate::base::{
    Diagnostic, Diagnostics, Granularity, Ident, Limits, PaceSpec, Place, Span, diag::nearest, typed::typed,
};
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

/// Where dagmar keeps its tables.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// The schema of the ledger.
    pub schema: Ident,
    /// Roles that may own the ledger, beside superusers and the roles that the user of the
    /// connection is, or is a member of. A ledger of anybody else is not touched: its owner
    /// could run code as whoever uses it.
    pub owners: Vec<String>,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { schema: Ident::new("dagmar").expect("a name"), owners: Vec::new() }
    }
}

/// The longest name of the ledger's schema, in bytes: that of the attic has `_attic` behind it.
const LONGEST_LEDGER: usize = 55;

impl LedgerConfig {
    /// Whether a schema of this name can be ours.
    fn check(&self, place: &Place, out: &mut Diagnostics) -> bool {
        let name = self.schema.as_str();
        let wrong = if name.len() > LONGEST_LEDGER {
            format!("has more than {LONGEST_LEDGER} bytes")
        } else if let Some(c) = name.chars().find(|c| c.is_control() || matches!(c, '$' | '@')) {
            format!("has the character {c:?}")
        } else if name.starts_with("pg_") || ["public", "information_schema"].contains(&name) {
            "is not for dagmar alone".to_owned()
        } else {
            return true;
        };
        out.push(
            Diagnostic::error("DG0118", format!("the name of the ledger's schema {wrong}"))
                .at(place.clone())
                .help("it is a schema that only dagmar uses; leave it out for `dagmar`"),
        );
        false
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
    pub url_timeout: Option<Span>,
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
    pub allow: Option<Vec<Hazard>>,
    /// The only time in which something is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Days on which nothing is run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// How long a changeset must have been applied in `promoteFrom` before it comes here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<Span>,
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
    pub lock_timeout: Option<Span>,
    /// The longest that one statement may take; left out: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<Span>,
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
            lock_timeout: self.lock_timeout.unwrap_or(Span::secs(5)),
            statement_timeout: self.statement_timeout.unwrap_or_default(),
            lock_retries: self.lock_retries.unwrap_or(10),
        }
    }
}

impl ProjectConfig {
    /// Reads the value of `dagmar.yaml`; `null` (an empty file) is a project of defaults.
    pub fn parse(value: &Value, place: &Place, out: &mut Diagnostics) -> Option<Self> {
        if value.is_null() {
            return Some(Self::default());
        }
        let mut config: Self = typed(value, place, out)?;
        let mut good = config.ledger.check(&place.child("ledger").child("schema"), out);
        for (name, value) in &config.environments {
            let here = place.child("environments").child(name);
            if !is_name(name) {
                good = false;
                out.push(
                    Diagnostic::error("DG0113", format!("`{name}` is no name of an environment"))
                        .at(here.clone().as_key())
                        .help("use letters, digits, `_`, `-` and `.`"),
                );
            }
            let value = if value.is_null() { &Value::Object(Map::new()) } else { value };
            match typed::<Environment>(value, &here, out) {
                Some(environment) => {
                    good &= check_variables(&environment.variables, &here.child("variables"), out);
                    good &= address::check(&environment, &here, out);
                    if environment.jobs.is_some_and(|jobs| !(1..=64).contains(&jobs)) {
                        good = false;
                        out.push(
                            Diagnostic::error("DG0121", "`jobs` is out of range")
                                .at(here.child("jobs"))
                                .help("it is a number of connections: 1 to 64; 1 runs one step after the other"),
                        );
                    }
                    for (i, hook) in environment.before_apply.iter().enumerate() {
                        good &= hook.check(&here.child("beforeApply").at(i), out);
                    }
                    good &= policy::check(&environment, &here, out);
                    config.environment_list.push((name.clone(), environment));
                }
                None => good = false,
            }
        }
        good &= check_variables(&config.variables, &place.child("variables"), out);
        let (before, _) = out.counts();
        config.limits.backfill.check(&place.child("limits").child("backfill"), out);
        for (name, environment) in &config.environment_list {
            let here = place.child("environments").child(name).child("limits").child("backfill");
            environment.limits.backfill.check(&here, out);
        }
        good &= out.counts().0 == before;
        good &= config.check_promotion(place, out);
        good.then_some(config)
    }

    fn check_promotion(&self, place: &Place, out: &mut Diagnostics) -> bool {
        let mut good = true;
        for (i, (name, environment)) in self.environment_list.iter().enumerate() {
            let Some(from) = &environment.promote_from else { continue };
            if self.environment_list[..i].iter().any(|(earlier, _)| earlier == from) {
                continue;
            }
            good = false;
            let here = place.child("environments").child(name).child("promoteFrom");
            let known = self.environment_list.iter().any(|(other, _)| other == from);
            let problem = if known {
                Diagnostic::error("DG0114", format!("`{name}` is promoted from `{from}`, which comes after it"))
                    .help("write the environments in the order of promotion")
            } else {
                let names = self.environment_list.iter().map(|(n, _)| n.as_str());
                Diagnostic::error("DG0114", format!("there is no environment `{from}`"))
                    .maybe_help(nearest(from, names).map(|near| format!("did you mean `{near}`?")))
            };
            out.push(problem.at(here));
        }
        good
    }

    /// The environment of this name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environment_list.iter().find(|(n, _)| n == name).map(|(_, e)| e)
    }

    /// The first environment: what a command means that names none. `default` where there
    /// are none.
    #[must_use]
    pub fn default_environment(&self) -> &str {
        self.environment_list.first().map_or("default", |(name, _)| name)
    }

    /// The limits of an environment.
    #[must_use]
    pub fn limits(&self, environment: &str) -> LimitsSpec {
        self.environment(environment).map(|e| e.limits).unwrap_or_default().or(self.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use serde_json::json;

    fn parse(value: Value) -> Result<ProjectConfig, Vec<String>> {
        let mut out = Diagnostics::default();
        ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out)
            .ok_or_else(|| out.iter().map(|d| d.message.clone()).collect())
    }

    #[test]
    fn an_empty_file_is_a_project() {
        let config = parse(Value::Null).unwrap();
        assert_eq!((config.plans.as_str(), config.default_environment()), ("plans", "default"));
        assert_eq!(config.ledger.schema.as_str(), "dagmar");
    }

    #[test]
    fn environments_keep_their_order() {
        let config = parse(json!({
            "variables": {"soak": "0s", "n": 3},
            "limits": {"lockTimeout": "2s"},
            "environments": {"zeta": null, "alpha": {"promoteFrom": "zeta", "variables": {"soak": "${SOAK}"}}}
        }))
        .unwrap();
        assert_eq!(config.default_environment(), "zeta");
        let vars = config.variables("alpha", &|n| (n == "SOAK").then(|| "30d".to_owned())).unwrap();
        assert_eq!((vars.get("soak"), vars.get("n")), (Some("30d"), Some("3")));
        assert!(config.variables("alpha", &|_| None).unwrap_err().contains("`SOAK` is not set"));
        assert_eq!(config.limits("alpha").resolve().lock_timeout, Span::secs(2));
    }

    #[test]
    fn the_ledger_has_a_schema_of_its_own() {
        for good in ["dagmar", "My \"odd\" 'ledger'", &"x".repeat(55), "pgx"] {
            assert!(parse(json!({"ledger": {"schema": good}})).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("a\n\\! touch /tmp/x", "the name of the ledger's schema has the character '\\n'"),
            ("a$body$", "the name of the ledger's schema has the character '$'"),
            ("@attic@", "the name of the ledger's schema has the character '@'"),
            (&"x".repeat(56), "the name of the ledger's schema has more than 55 bytes"),
            ("pg_ledger", "the name of the ledger's schema is not for dagmar alone"),
            ("public", "the name of the ledger's schema is not for dagmar alone"),
            ("information_schema", "the name of the ledger's schema is not for dagmar alone"),
        ] {
            assert_eq!(parse(json!({"ledger": {"schema": bad}})).unwrap_err(), [why], "{bad}");
        }
    }

    #[test]
    fn promotion_goes_forward_only() {
        let errors = parse(json!({"environments": {"a": {"promoteFrom": "b"}, "b": {"promoteFrom": "staging"}}}));
        assert_eq!(
            errors.unwrap_err(),
            ["`a` is promoted from `b`, which comes after it", "there is no environment `staging`"]
        );
    }
}
