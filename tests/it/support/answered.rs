//! What commands write with `--format json`, held against their schemas.

use super::process::Run;
use super::project::Project;
use jsonschema::Validator;
use serde_json::{Deserializer, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The schemas of the answers, and which were seen.
pub struct Answers {
    /// Of each command: the names of what it may answer, with their schemas.
    pub known: BTreeMap<String, Vec<(String, Validator)>>,
    seen: BTreeSet<(String, String)>,
}

impl Answers {
    pub fn new(project: &Project) -> Self {
        let schema = project.run(&["schema", "answers"]).json();
        let validator = |answer: &Value| {
            let mut answer = answer.clone();
            answer["$defs"] = schema["$defs"].clone();
            jsonschema::validator_for(&answer).unwrap()
        };
        let mut known = BTreeMap::new();
        for (command, answers) in schema["properties"].as_object().unwrap() {
            let name = |answer: &Value| answer["$ref"].as_str().unwrap_or("JsonSchema").replace("#/$defs/", "");
            let all = answers["anyOf"].as_array().unwrap().iter();
            known.insert(command.clone(), all.map(|answer| (name(answer), validator(answer))).collect());
        }
        Self { known, seen: BTreeSet::new() }
    }

    /// Each value that a command wrote is one of its answers; gives the values.
    #[track_caller]
    pub fn check(&mut self, args: &[&str], run: &Run) -> Vec<Value> {
        let words = [args[..1].join(" "), args[..2.min(args.len())].join(" ")];
        let command = words.iter().find(|words| self.known.contains_key(*words)).unwrap_or_else(|| panic!("{args:?}"));
        let values: Vec<Value> = Deserializer::from_str(&run.out)
            .into_iter()
            .map(|v| v.unwrap_or_else(|e| panic!("{e}: {run:?}")))
            .collect();
        assert!(!values.is_empty(), "{args:?}: {run:?}");
        for value in &values {
            let answers = &self.known[command];
            let fits: Vec<&String> = answers.iter().filter(|(_, v)| v.is_valid(value)).map(|(name, _)| name).collect();
            let why = || {
                let errors = |(name, v): &(String, Validator)| {
                    let errors = v.iter_errors(value).map(|e| format!("{name}: {} at {}", e, e.instance_path()));
                    errors.collect::<Vec<_>>()
                };
                answers.iter().flat_map(errors).collect::<Vec<_>>().join("\n")
            };
            // any object is a JSON Schema
            let fits: Vec<&&String> = fits.iter().filter(|name| fits.len() == 1 || **name != "JsonSchema").collect();
            let [name] = fits.as_slice() else { panic!("{args:?}: {fits:?}\n{value:#}\n{}", why()) };
            self.seen.insert((command.clone(), (**name).clone()));
        }
        values
    }

    /// Every answer of every command was seen.
    #[track_caller]
    pub fn all_seen(&self) {
        let of = |(command, all): (&String, &Vec<(String, Validator)>)| {
            all.iter().map(|(name, _)| (command.clone(), name.clone())).collect::<Vec<_>>()
        };
        let all = self.known.iter().flat_map(of);
        let missing: Vec<(String, String)> = all.filter(|one| !self.seen.contains(one)).collect();
        assert!(missing.is_empty(), "nothing was answered of: {missing:#?}");
    }
}
