//! A change type of the project's own: a template with a manifest.

use super::{Batch, Change, ReadFile, Scope, Undo, add_scope};
use crate::base::{Code, Diagnostic, Diagnostics, FileId, PathSeg, Place, QualifiedName, diag::nearest};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The manifest of a custom change type: `templates/<name>/manifest.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// A description in one sentence; editors show it.
    pub description: String,
    /// The JSON Schema of the parameters: an object.
    pub parameters: Value,
    /// The parameters that name tables, and the effect on those tables; default: dagmar reads the effects from
    /// the rendered SQL.
    #[serde(default)]
    pub touches: BTreeMap<String, Access>,
    /// The reason why the change cannot be rolled back; the template then has no rollback section.
    pub irreversible: Option<String>,
}

/// A change type of the project's own, ready to read changes.
pub struct CustomKind {
    /// The YAML key: the folder's name.
    pub name: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether its template has a rollback section.
    pub has_rollback: bool,
    validator: jsonschema::Validator,
}

impl std::fmt::Debug for CustomKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomKind").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CustomKind {
    /// Takes a manifest.
    ///
    /// # Errors
    /// Why the schema of the parameters is none.
    pub fn new(name: String, manifest: Manifest, has_rollback: bool) -> Result<Self, String> {
        let validator = jsonschema::validator_for(&manifest.parameters)
            .map_err(|e| format!("`parameters` is not a valid JSON Schema: {e}"))?;
        Ok(Self { name, manifest, has_rollback, validator })
    }

    /// Reads the parameters of one change.
    pub fn parse(self: &Arc<Self>, value: &Value, place: &Place, out: &mut Diagnostics) -> Option<Box<dyn Change>> {
        let mut good = true;
        for error in self.validator.iter_errors(value) {
            good = false;
            out.push(self.problem(&error, value, place));
        }
        good.then(|| Box::new(Custom { kind: Arc::clone(self), parameters: value.clone() }) as Box<dyn Change>)
    }

    fn problem(&self, error: &jsonschema::ValidationError<'_>, value: &Value, place: &Place) -> Diagnostic {
        let mut at = place.clone();
        let mut node = value;
        for part in error.instance_path().to_string().split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            if let Some(list) = node.as_array() {
                let index = part.parse().unwrap_or(0);
                at.path.push(PathSeg::Index(index));
                node = list.get(index).unwrap_or(&Value::Null);
            } else {
                node = node.get(&part).unwrap_or(&Value::Null);
                at.path.push(PathSeg::Key(part));
            }
        }
        if let jsonschema::error::ValidationErrorKind::AdditionalProperties { unexpected } = error.kind()
            && let Some(key) = unexpected.first()
        {
            let known = self.manifest.parameters["properties"].as_object();
            let near = nearest(key, known.into_iter().flatten().map(|(k, _)| k.as_str()));
            return Diagnostic::error(Code::UnknownKey, format!("unknown key `{key}` in `{}`", self.name))
                .at(at.child(key).as_key())
                .meant(near);
        }
        let parameters = &self.manifest.parameters["properties"];
        if let jsonschema::error::ValidationErrorKind::Required { property: Value::String(key) } = error.kind() {
            return Diagnostic::error(Code::MissingKey, format!("the key `{key}` is missing in `{}`", self.name))
                .at(at)
                .help(format!(
                    "add `{key}:`{}",
                    wants(&parameters[key]).map_or_else(String::new, |w| format!(", {w}"))
                ));
        }
        let wanted = match at.path.get(place.path.len()) {
            Some(PathSeg::Key(key)) => wants(&parameters[key]).map(|wants| format!("`{key}` is {wants}")),
            _ => None,
        };
        let help = wanted.unwrap_or_else(|| format!("`{}` takes: {}", self.name, keys(parameters)));
        Diagnostic::error(Code::WrongValue, format!("`{}`: {error}", self.name)).at(at).help(help)
    }
}

/// What a parameter is by its schema, in words.
fn wants(schema: &Value) -> Option<String> {
    let words = |list: &Vec<Value>| {
        list.iter()
            .map(|v| format!("`{}`", v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let kind = match &schema["type"] {
        Value::String(kind) => Some(match kind.as_str() {
            "string" => "a text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "a mapping",
            _ => "nothing",
        }),
        _ => None,
    };
    let mut parts: Vec<String> = kind.map(str::to_owned).into_iter().collect();
    if let Value::Array(list) = &schema["enum"] {
        parts = vec![format!("one of {}", words(list))];
    }
    let limits = [("minimum", "from"), ("maximum", "up to"), ("pattern", "of the form")];
    for (key, word) in limits {
        if !schema[key].is_null() {
            parts.push(format!(
                "{word} {}",
                schema[key].as_str().map_or_else(|| schema[key].to_string(), |p| format!("`{p}`"))
            ));
        }
    }
    let mut text = parts.join(" ");
    if let Some(description) =
        schema["description"].as_str().map(|d| d.trim().trim_end_matches('.')).filter(|d| !d.is_empty())
    {
        text = if text.is_empty() { description.to_owned() } else { format!("{text}: {description}") };
    }
    Some(text).filter(|text| !text.is_empty())
}

/// The names of parameters.
fn keys(parameters: &Value) -> String {
    let names: Vec<String> = parameters.as_object().into_iter().flatten().map(|(key, _)| format!("`{key}`")).collect();
    names.join(", ")
}

/// One change of a project's own type.
#[derive(Debug)]
struct Custom {
    kind: Arc<CustomKind>,
    parameters: Value,
}

impl Change for Custom {
    fn kind(&self) -> &str {
        &self.kind.name
    }

    fn check(&self, place: &Place, out: &mut Diagnostics) {
        for parameter in self.kind.manifest.touches.keys() {
            let Some(Value::String(name)) = self.parameters.get(parameter) else { continue };
            if let Err(why) = name.parse::<QualifiedName>() {
                out.push(Diagnostic::error(Code::BadObjectName, why).at(place.child(parameter)));
            }
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.opaque |= self.kind.manifest.touches.is_empty();
        for (parameter, how) in &self.kind.manifest.touches {
            if let Some(Value::String(name)) = self.parameters.get(parameter)
                && let Ok(table) = name.parse()
            {
                effects.touch(ObjectClass::Table, &table, *how);
            }
        }
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.kind.has_rollback {
            Undo::Derived
        } else {
            let why = self.kind.manifest.irreversible.clone();
            Undo::Missing(
                why.unwrap_or_else(|| format!("the template of `{}` has no rollback section", self.kind.name)),
            )
        }
    }

    fn context(&self, scope: &Scope) -> Value {
        let mut map = self.parameters.as_object().cloned().unwrap_or_default();
        // defaults of the schema are filled in, so that a template can rely on them
        if let Some(properties) = self.kind.manifest.parameters["properties"].as_object() {
            for (name, schema) in properties {
                if let Some(default) = schema.get("default") {
                    map.entry(name.clone()).or_insert_with(|| default.clone());
                }
            }
        }
        add_scope(scope, &mut map);
        Value::Object(map)
    }

    fn attach(&mut self, _: &dyn ReadFile, _: &Place, _: &mut Diagnostics) {}

    fn batch(&self) -> Option<Batch> {
        None
    }

    fn files(&self) -> Vec<String> {
        Vec::new()
    }

    fn file_of(&self, _: &str) -> Option<FileId> {
        None
    }
}
