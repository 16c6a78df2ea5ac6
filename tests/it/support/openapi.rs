//! The service's description of itself, and whether its answers are as described.

use super::http::Reply;
use jsonschema::Validator;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Whether a path is about sealed plans: its answers depend on what was uploaded.
pub fn is_of_plans(path: &str) -> bool {
    path.starts_with("/api/") && path.contains("/plans")
}

/// Whether a path is about runs: its answers depend on what ran before.
pub fn is_of_runs(path: &str) -> bool {
    let own = ["/runs", "/rollbacks", "/rollback-plan", "/promotions", "/promotion-plan", "/pause", "/resume"];
    path.starts_with("/api/") && !is_of_plans(path) && own.iter().any(|own| path.contains(own))
}

/// The document, and which answers were seen.
pub struct Described {
    pub document: Value,
    validators: HashMap<(String, String), Validator>,
    seen: BTreeSet<String>,
}

impl Described {
    pub fn new() -> Self {
        let document = serde_json::from_str(dagmar::serve::openapi::text()).unwrap();
        Self { document, validators: HashMap::new(), seen: BTreeSet::new() }
    }

    /// What stands where a reference leads, or here.
    pub fn there<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}")),
            None => value,
        }
    }

    /// The path of the document that a request means: without its query, and with parameters in place of values.
    fn path(&self, asked: &str) -> String {
        let asked: Vec<&str> = asked.split('?').next().unwrap().split('/').collect();
        let fits = |path: &&String| {
            let parts: Vec<&str> = path.split('/').collect();
            parts.len() == asked.len()
                && parts.iter().zip(&asked).all(|(part, asked)| part == asked || part.starts_with('{'))
        };
        let all = self.document["paths"].as_object().unwrap().keys();
        let fitting = all.filter(fits).min_by_key(|path| path.matches('{').count());
        fitting.unwrap_or_else(|| panic!("no path: {asked:?}")).clone()
    }

    /// The answer has a status, a type and a content that the document has for this request.
    #[track_caller]
    pub fn check(&mut self, method: &str, asked: &str, reply: &Reply) {
        let path = self.path(asked);
        let operation = &self.document["paths"][&path][method.to_lowercase()];
        let status = reply.status.to_string();
        let described = self.there(&operation["responses"][&status]);
        assert!(described.is_object(), "{method} {path} has no status {status}: {reply:?}");
        let media = reply.header("content-type").split(';').next().unwrap();
        let schema = described["content"][media]["schema"].clone();
        assert!(schema.is_object(), "{method} {path} {status} has no {media}: {reply:?}");
        self.seen.insert(format!("{method} {path} {status} {media}"));
        if !media.ends_with("json") || schema["type"] == "string" {
            return;
        }
        let key = (format!("{method} {path}"), format!("{status} {media}"));
        let components = self.document["components"].clone();
        let validator = self.validators.entry(key).or_insert_with(|| {
            let mut schema = schema;
            schema["components"] = components;
            jsonschema::validator_for(&schema).unwrap()
        });
        let value = reply.json();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{method} {path} {status}: {}\n{value:#}", errors.join("\n"));
    }

    /// The names of the routes with such a path.
    pub fn names(&self, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let all = self.document["paths"].as_object().unwrap().iter().filter(|(path, _)| fits(path));
        let operations = all.flat_map(|(_, methods)| methods.as_object().unwrap().values());
        operations.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect()
    }

    /// Every answer with success that such a path has was seen.
    #[track_caller]
    pub fn all_seen(&self, fits: impl Fn(&str) -> bool) {
        let mut missing = Vec::new();
        for (path, operations) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let good = operation["responses"].as_object().unwrap().iter().filter(|(s, _)| s.starts_with('2'));
                for (status, response) in good {
                    let content = response["content"].as_object().unwrap();
                    let all = content.keys().map(|m| format!("{} {path} {status} {m}", method.to_uppercase()));
                    missing.extend(all.filter(|one| fits(path) && !self.seen.contains(one)));
                }
            }
        }
        assert!(missing.is_empty(), "nothing was answered of: {missing:#?}");
    }
}
