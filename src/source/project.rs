//! Reads `dagmar.yaml`: where things lie, and the environments in the order of promotion.

use super::address;
pub use super::config::{Environment, FILE, LimitsSpec, ProjectConfig};
use super::declared::check_variables;
use super::policy;
use super::variables::is_name;
use crate::base::{Code, Diagnostic, Diagnostics, PathSeg, Place, diag::nearest, typed::partly};
use serde_json::{Map, Value};

impl ProjectConfig {
    /// Reads the value of `dagmar.yaml`; `null` (an empty file) is a project of defaults. What is
    /// wrong is left out, so that it makes no other mistakes; `None`: nothing is left.
    pub fn parse(value: &Value, place: &Place, out: &mut Diagnostics) -> Option<Self> {
        if value.is_null() {
            return Some(Self::default());
        }
        let mut config: Self = partly(value, place, out)?;
        config.ledger.check(&place.child("ledger").child("schema"), out);
        for (name, value) in &config.environments {
            let here = place.child("environments").child(name);
            if !is_name(name) {
                out.push(
                    Diagnostic::error(Code::BadName, format!("`{name}` is not a valid environment name"))
                        .at(here.clone().as_key())
                        .help("use letters, digits, `_`, `-` and `.`"),
                );
            }
            let nothing = Value::Object(Map::new());
            let value = if value.is_null() { &nothing } else { value };
            let mut misread = Diagnostics::default();
            let environment: Environment = partly(value, &here, &mut misread).unwrap_or_default();
            let mut found = Diagnostics::default();
            check_variables(&environment.variables, &here.child("variables"), &mut found);
            address::check(&environment, value, &here, &mut found);
            if environment.jobs.is_some_and(|jobs| !(1..=64).contains(&jobs)) {
                found.push(
                    Diagnostic::error(Code::Jobs, "`jobs` is out of range")
                        .at(here.child("jobs"))
                        .help("it is a number of connections: 1 to 64; 1 runs one step after the other"),
                );
            }
            for (i, hook) in environment.before_apply.iter().enumerate() {
                hook.check(&here.child("beforeApply").at(i), &mut found);
            }
            policy::check::check(&environment, value, &here, &mut found);
            environment.limits.backfill.check(&here.child("limits").child("backfill"), &mut found);
            // what has lost a part that could not be read is wrong for that alone
            let lost = |problem: &Diagnostic, place: &Place| {
                problem.place.as_ref().is_some_and(|wrong| wrong.is_in(place) && wrong.path != here.path)
            };
            found.retain(|d| !d.place.as_ref().is_some_and(|place| misread.iter().any(|wrong| lost(wrong, place))));
            out.append(misread);
            out.append(found);
            config.environment_list.push((name.clone(), environment));
        }
        check_variables(&config.variables, &place.child("variables"), out);
        config.limits.backfill.check(&place.child("limits").child("backfill"), out);
        config.prove.check(&place.child("prove"), out);
        let known: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).collect();
        config.serve.check(&known, &place.child("serve"), out);
        config.check_promotion(place, out);
        Some(config)
    }

    fn check_promotion(&self, place: &Place, out: &mut Diagnostics) {
        for (i, (name, environment)) in self.environment_list.iter().enumerate() {
            let Some(from) = &environment.promote_from else { continue };
            if self.environment_list[..i].iter().any(|(earlier, _)| earlier == from) {
                continue;
            }
            let here = place.child("environments").child(name).child("promoteFrom");
            let problem = if from == name {
                Diagnostic::error(Code::PromoteFrom, format!("`{name}` is promoted from itself"))
                    .help("name the environment that comes before it")
            } else if self.environment_list.iter().any(|(other, _)| other == from) {
                Diagnostic::error(
                    Code::PromoteFrom,
                    format!("`{name}` is promoted from `{from}`, which comes after it"),
                )
                .help("write the environments in the order of promotion")
            } else {
                let names = self.environment_list.iter().map(|(n, _)| n.as_str()).filter(|other| other != name);
                Diagnostic::error(Code::PromoteFrom, format!("the environment `{from}` does not exist"))
                    .meant(nearest(from, names))
            };
            out.push(problem.at(here));
        }
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

/// Whether a mistake in `dagmar.yaml` may be the reason why a variable has no value: it is in what
/// holds variables, or in a key that may be misspelt `variables`.
#[must_use]
pub fn hides_variables(problem: &Diagnostic) -> bool {
    let Some(place) = &problem.place else { return false };
    let key = |n: usize| match place.path.get(n) {
        Some(PathSeg::Key(key)) => Some(key.as_str()),
        _ => None,
    };
    let below = if key(0) == Some("environments") { 2 } else { 0 };
    let unknown = problem.code == Code::UnknownKey && place.path.len() == below + 1;
    let other_key = problem.meant.is_some();
    match key(below) {
        None => true,
        Some("variables") => true,
        Some("environments") => place.path.len() == 1,
        Some(key) => unknown && (!other_key || nearest(key, ["variables"]).is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FileId, HumanDuration};
    use serde_json::json;

    fn parse(value: Value) -> Result<ProjectConfig, Vec<String>> {
        let mut out = Diagnostics::default();
        let config = ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out);
        config.filter(|_| out.is_empty()).ok_or_else(|| out.iter().map(|d| d.message.clone()).collect())
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
        assert_eq!(config.limits("alpha").resolve().lock_timeout, HumanDuration::secs(2));
    }

    #[test]
    fn a_mistake_leaves_the_rest() {
        let value = json!({
            "limit": {}, "variables": {"a": "x"},
            "environments": {"dev": {"urll": "x", "jobs": 0, "variables": {"b": 1}}, "live": {"promoteFrom": "dve"}}
        });
        let mut out = Diagnostics::default();
        let config = ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out).unwrap();
        let said: Vec<&str> = out.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "unknown key `limit`",
                "unknown key `urll`",
                "`jobs` is out of range",
                "the environment `dve` does not exist"
            ]
        );
        assert!(!out.iter().any(hides_variables));
        let variables = config.variables("dev", &|_| None).unwrap();
        assert_eq!((variables.get("a"), variables.get("b")), (Some("x"), Some("1")));
        for hidden in
            [json!({"variabels": {}}), json!({"zzz": {}}), json!([]), json!({"environments": {"a": {"vars": 1}}})]
        {
            let mut out = Diagnostics::default();
            ProjectConfig::parse(&hidden, &Place::value(FileId(0), vec![]), &mut out);
            assert!(out.iter().any(hides_variables), "{hidden}: {out:?}");
        }
    }

    #[test]
    fn promotion_goes_forward_only() {
        let errors = parse(json!({"environments": {"a": {"promoteFrom": "b"}, "b": {"promoteFrom": "staging"}}}));
        assert_eq!(
            errors.unwrap_err(),
            ["`a` is promoted from `b`, which comes after it", "the environment `staging` does not exist"]
        );
    }
}
