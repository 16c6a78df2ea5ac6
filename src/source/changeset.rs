//! Changesets as values: checked, with their places, for one environment.

use super::checks::{Precondition, Verify};
use super::project::LimitsSpec;
use crate::base::{FileId, Place, Span};
use crate::change::Change;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A file below `plans/`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "dagmar changelog")]
pub struct ChangelogFile {
    /// The changesets of this file, in any order.
    pub changesets: Vec<ChangesetHeader>,
}

/// The unit of change: applied as a whole, tracked by its id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesetHeader {
    /// Its identity, for ever: letters, digits, `-`, `_`, `.` and `/`, at most 128.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$"))]
    pub id: String,
    /// The ids that it had before; where it is recorded under one of them, the next apply
    /// gives it the new one.
    #[serde(default)]
    pub aka: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it does and why.
    pub description: Option<String>,
    /// The changesets that must be applied before.
    #[serde(default)]
    pub depends_on: Vec<DependsOn>,
    /// The environments that get it; left out: all.
    #[serde(default)]
    pub environments: Vec<String>,
    /// Words to select it by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Where it stands in a change of several releases.
    pub phase: Option<Phase>,
    /// Applied again whenever its content changes (views, functions, policies, triggers, grants).
    #[serde(default)]
    pub repeatable: bool,
    /// What must hold before the first statement.
    #[serde(default)]
    pub preconditions: Vec<Precondition>,
    /// What it does, in order.
    #[schemars(schema_with = "changes_schema")]
    pub changes: Vec<Value>,
    /// What must hold afterwards; a failed check undoes the changeset.
    #[serde(default)]
    pub verify: Vec<Verify>,
    /// How it is taken back; left out: derived from the changes.
    pub rollback: Option<RollbackSpec>,
    /// Limits for its statements.
    #[serde(default)]
    pub limits: LimitsSpec,
}

/// The place of a changeset in a change of several releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Adds the new beside the old.
    Expand,
    /// Moves the data.
    Migrate,
    /// Removes the old.
    Contract,
}

impl Phase {
    /// The word as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Phase::Expand => "expand",
            Phase::Migrate => "migrate",
            Phase::Contract => "contract",
        }
    }
}

/// An edge: an id, or an id that must have been applied for some time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(schema_with = "depends_on_schema")]
pub struct DependsOn {
    /// The changeset that must be applied before.
    pub id: String,
    /// For how long it must have been applied.
    pub soak: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DependsOnMap {
    id: String,
    #[serde(default)]
    soak: Span,
}

impl<'de> Deserialize<'de> for DependsOn {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // by hand: an untagged enum would hide which key is wrong
        match Value::deserialize(d)? {
            Value::String(id) => Ok(Self { id, soak: Span::default() }),
            map @ Value::Object(_) => {
                let map: DependsOnMap = serde_json::from_value(map).map_err(serde::de::Error::custom)?;
                Ok(Self { id: map.id, soak: map.soak })
            }
            other => {
                Err(serde::de::Error::custom(format!("`{other}` is no id; write `- id` or `- {{ id: …, soak: 30d }}`")))
            }
        }
    }
}

fn depends_on_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let soak = generator.subschema_for::<Span>();
    schemars::json_schema!({
        "description": "A changeset that must be applied before, or { id, soak } when it must have been applied for some time.",
        "type": ["string", "object"],
        "properties": {
            "id": { "type": "string", "description": "The changeset that must be applied before." },
            "soak": soak
        },
        "required": ["id"],
        "additionalProperties": false
    })
}

/// How a changeset is taken back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(schema_with = "rollback_schema")]
pub enum RollbackSpec {
    /// By these changes.
    Changes(Vec<Value>),
    /// Not at all, for this reason.
    Irreversible(String),
}

impl<'de> Deserialize<'de> for RollbackSpec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        const HOW: &str = "write a list of changes, or `{ irreversible: reason }`";
        match Value::deserialize(d)? {
            Value::Array(changes) => Ok(Self::Changes(changes)),
            Value::Object(map) if map.len() == 1 => match map.get("irreversible") {
                Some(Value::String(reason)) if !reason.trim().is_empty() => Ok(Self::Irreversible(reason.clone())),
                _ => Err(serde::de::Error::custom(HOW)),
            },
            _ => Err(serde::de::Error::custom(HOW)),
        }
    }
}

fn rollback_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "A list of changes that take the changeset back, or { irreversible: reason }.",
        "type": ["array", "object"],
        "items": { "$ref": "#/definitions/Change" },
        "properties": {
            "irreversible": { "type": "string", "minLength": 1, "description": "Why it cannot be taken back; every preview shows it." }
        },
        "required": ["irreversible"],
        "additionalProperties": false
    })
}

fn changes_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "What it does, in order; each entry is one change type with its parameters.",
        "type": "array",
        "items": { "$ref": "#/definitions/Change" },
        "minItems": 1
    })
}

/// All changesets of a project, for one environment.
#[derive(Debug, Default)]
pub struct Changelog {
    /// In the order of declaration: by file path, then by position.
    pub changesets: Vec<Changeset>,
    /// The ids of changesets that could not be read: edges to them are not wrong.
    pub unread: BTreeSet<String>,
}

/// A changeset.
#[derive(Debug)]
pub struct Changeset {
    /// Its identity.
    pub id: String,
    /// The file it stands in.
    pub file: FileId,
    /// Its place.
    pub place: Place,
    /// The ids that it had before.
    pub aka: Vec<Alias>,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it does and why.
    pub description: Option<String>,
    /// What must be applied before.
    pub depends_on: Vec<Dependency>,
    /// The environments that get it; empty: all.
    pub environments: Vec<String>,
    /// Words to select it by.
    pub labels: Vec<String>,
    /// Expand, migrate or contract.
    pub phase: Option<Phase>,
    /// Applied again whenever its content changes.
    pub repeatable: bool,
    /// What must hold before.
    pub preconditions: Vec<Precondition>,
    /// What it does.
    pub changes: Vec<ParsedChange>,
    /// What must hold afterwards.
    pub verify: Vec<Verify>,
    /// How it is taken back.
    pub rollback: RollbackSource,
    /// Limits for its statements.
    pub limits: LimitsSpec,
    /// `d1:…`, of the content before variables were filled in.
    pub checksum: String,
    /// The content before variables were filled in.
    pub body: Value,
    /// Whether all of it was read; with a mistake in its changes only its edges are of use.
    pub complete: bool,
}

/// An earlier id with its place.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The id.
    pub id: String,
    /// Where it is written.
    pub place: Place,
}

/// An edge with its place.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The changeset that must be applied before.
    pub id: String,
    /// For how long.
    pub soak: Span,
    /// Where it is written.
    pub place: Place,
}

/// One change with its place.
#[derive(Debug)]
pub struct ParsedChange {
    /// The change.
    pub change: Box<dyn Change>,
    /// Where it is written.
    pub place: Place,
}

/// How a changeset is taken back.
#[derive(Debug)]
pub enum RollbackSource {
    /// As its change types know.
    Derived,
    /// By these changes.
    Changes(Vec<ParsedChange>),
    /// Not at all, for this reason.
    Irreversible(String),
}

impl Changeset {
    /// Whether this environment gets it.
    #[must_use]
    pub fn is_for(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|e| e == environment)
    }
}

/// The most an id may have, in characters.
pub const MAX_ID: usize = 128;

/// Whether `id` may be a changeset's.
#[must_use]
pub fn is_id(id: &str) -> bool {
    id.len() <= MAX_ID
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
}
