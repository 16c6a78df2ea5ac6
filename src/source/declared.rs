//! Variables as `dagmar.yaml` declares them: their forms, and their values in an environment.

use super::config::ProjectConfig;
use super::variables::{PlaceholderError, Variables, is_name};
use crate::base::secret::{PLACEHOLDER, is_secret_name};
use crate::base::{Code, Diagnostic, Diagnostics, Place, Secret, Secrets};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl ProjectConfig {
    /// The variables of an environment. A value may hold `${NAME}` of the process's
    /// environment, which is asked through `process`. Of secret ones only the names are in it.
    ///
    /// # Errors
    /// The variable whose value names something that is not set.
    pub fn variables(&self, environment: &str, process: &dyn Fn(&str) -> Option<String>) -> Result<Variables, String> {
        let mut variables = Variables::default();
        for (name, value, secret) in self.written(environment) {
            if secret {
                variables.set_secret(name);
                continue;
            }
            let text = filled(value, process).map_err(|why| format!("the variable `{name}` in dagmar.yaml: {why}"))?;
            variables.set(name, &text);
        }
        Ok(variables)
    }

    /// The secret variables of an environment with their values, where those are to be had.
    pub fn secrets(&self, environment: &str, process: &dyn Fn(&str) -> Option<String>) -> Secrets {
        let mut secrets = Secrets::default();
        for (name, value, _) in self.written(environment).filter(|(.., secret)| *secret) {
            let value = filled(value, process).and_then(|text| match text.is_empty() {
                true => Err("its value in dagmar.yaml is empty".to_owned()),
                false => Ok(Secret::new(text)),
            });
            secrets.set(name, value);
        }
        secrets
    }

    /// Every variable of an environment, its value, and whether it is secret: what is secret
    /// for the project or for the environment is so whichever value it has.
    fn written(&self, environment: &str) -> impl Iterator<Item = (&String, &Value, bool)> {
        let own = self.environment(environment).map(|e| &e.variables);
        let mut all: BTreeMap<&String, (&Value, bool)> = BTreeMap::new();
        for (name, value) in self.variables.iter().chain(own.into_iter().flatten()) {
            let before = all.get(name).is_some_and(|(_, secret)| *secret);
            let secret = value.get("secret") == Some(&Value::Bool(true));
            all.insert(name, (value.get("value").unwrap_or(value), before || secret));
        }
        all.into_iter().map(|(name, (value, secret))| (name, value, secret))
    }
}

/// The value of a variable as a text.
fn filled(value: &Value, process: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    match value {
        Value::String(text) => fill_from_process(text, process),
        other => Ok(other.to_string()),
    }
}

/// Fills `${NAME}` of a value in `dagmar.yaml` from the process's environment.
///
/// # Errors
/// What is not set or malformed, in words.
pub fn fill_from_process(text: &str, process: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut names = Variables::default();
    loop {
        match names.fill(text) {
            Ok(filled) => return Ok(filled),
            Err(PlaceholderError::Malformed) => return Err("`${` is not followed by a name and `}`".to_owned()),
            Err(PlaceholderError::Reserved) => return Err(format!("`{PLACEHOLDER}` is reserved")),
            Err(PlaceholderError::Undefined(name)) => match process(&name) {
                Some(value) => names.set(&name, &value),
                None => return Err(format!("the environment variable `{name}` is not set")),
            },
        }
    }
}

pub(super) fn check_variables(variables: &Map<String, Value>, place: &Place, out: &mut Diagnostics) {
    for (name, value) in variables {
        if !is_name(name) {
            out.push(
                Diagnostic::error(Code::BadName, format!("`{name}` is not a valid variable name"))
                    .at(place.child(name).as_key())
                    .help("use letters, digits, `_`, `-` and `.`"),
            );
        }
        check_value(name, value, &place.child(name), out);
    }
}

/// A variable is a scalar, or a mapping with one.
fn check_value(name: &str, value: &Value, place: &Place, out: &mut Diagnostics) {
    const FORMS: &str = "write `name: value`, or `name: { value: \"${NAME}\", secret: true }`";
    let is_scalar = |value: &Value| !(value.is_array() || value.is_object() || value.is_null());
    let problem = match value {
        Value::Object(map) => {
            let secret = map.get("secret").unwrap_or(&Value::Bool(false));
            if let Some(key) = map.keys().find(|key| !["value", "secret"].contains(&key.as_str())) {
                Diagnostic::error(Code::UnknownKey, format!("unknown key `{key}`"))
                    .at(place.child(key).as_key())
                    .help(FORMS)
            } else if !map.get("value").is_some_and(is_scalar) {
                Diagnostic::error(
                    Code::WrongValue,
                    format!("the variable `{name}` has no `value` that is a text, number or boolean"),
                )
                .at(place.clone())
                .help(FORMS)
            } else if !secret.is_boolean() {
                Diagnostic::error(Code::WrongValue, "`secret` is true or false").at(place.child("secret"))
            } else if secret == &Value::Bool(true) && !is_secret_name(name) {
                Diagnostic::error(Code::BadName, format!("`{name}` is not a valid name of a secret variable"))
                    .at(place.clone().as_key())
                    .help("use letters, digits and `_`: it is a variable of psql too")
            } else {
                return;
            }
        }
        value if is_scalar(value) => return,
        _ => Diagnostic::error(Code::WrongValue, format!("the variable `{name}` is not a text, number or boolean"))
            .at(place.clone())
            .help(FORMS),
    };
    out.push(problem);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use serde_json::json;

    fn parse(value: Value) -> Result<ProjectConfig, Vec<String>> {
        let mut out = Diagnostics::default();
        let config = ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out);
        config.filter(|_| out.is_empty()).ok_or_else(|| out.iter().map(|d| d.message.clone()).collect())
    }

    #[test]
    fn a_variable_is_secret_in_whichever_place_it_is_said() {
        let config = parse(json!({
            "variables": {"pw": {"value": "${PW}", "secret": true}, "key": "plain", "n": {"value": 3}},
            "environments": {"dev": {"variables": {"pw": "dev"}}, "live": {"variables": {"key": {"value": "k", "secret": true}}}}
        }))
        .unwrap();
        let given = |name: &str| (name == "PW").then(|| "hunter2".to_owned());
        for (environment, pw, key) in [("dev", Ok("dev"), None), ("live", Ok("hunter2"), Some("k"))] {
            let (variables, secrets) =
                (config.variables(environment, &given).unwrap(), config.secrets(environment, &given));
            assert!(variables.is_secret("pw") && variables.get("pw").is_none());
            assert_eq!(variables.get("n"), Some("3"));
            assert_eq!(secrets.value("pw").map(Secret::expose).map_err(|_| ()), pw);
            assert_eq!(
                (variables.is_secret("key"), secrets.value("key").ok().map(Secret::expose)),
                (key.is_some(), key)
            );
        }
        // without the value everything but a run is possible
        assert!(config.variables("live", &|_| None).unwrap().is_secret("pw"));
        assert!(config.secrets("live", &|_| None).value("pw").unwrap_err().contains("`PW` is not set"));
    }

    #[test]
    fn odd_variables_are_refused() {
        for (variable, message) in [
            (json!({"pw": {"secret": true}}), "the variable `pw` has no `value` that is a text, number or boolean"),
            (json!({"pw": {"value": ["x"]}}), "the variable `pw` has no `value` that is a text, number or boolean"),
            (json!({"pw": {"value": "x", "secret": "yes"}}), "`secret` is true or false"),
            (json!({"pw": {"value": "x", "hidden": true}}), "unknown key `hidden`"),
            (json!({"app.pw": {"value": "x", "secret": true}}), "`app.pw` is not a valid name of a secret variable"),
            (json!({"pw": null}), "the variable `pw` is not a text, number or boolean"),
        ] {
            assert_eq!(parse(json!({ "variables": variable })).unwrap_err(), [message]);
        }
    }
}
