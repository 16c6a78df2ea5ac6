//! Changesets as values: checked, with their places, for one environment.

use super::checks::{Precondition, Verify};
use super::config::LimitsSpec;
use super::lint::IgnoredRule;
use crate::base::{Code, Content, Diagnostic, Diagnostics, FileId, HumanDuration, PathSeg, Place, Severity};
use crate::change::Change;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

/// A file below `plans/`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "dagmar changelog")]
pub struct ChangelogFile {
    /// The changesets of this file, in any order.
    pub changesets: Vec<ChangesetHeader>,
}

/// A changeset: the unit of change, applied as a whole and identified by its id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesetHeader {
    /// The permanent id: letters, digits, `-`, `_`, `.` and `/`, at most 128 characters.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$"))]
    pub id: String,
    /// Earlier ids of this changeset; if the ledger has one of them, the next apply replaces it by the current
    /// id.
    #[serde(default)]
    pub aka: Vec<String>,
    /// The author.
    pub author: Option<String>,
    /// A description: what the changeset does, and why.
    pub description: Option<String>,
    /// The changesets that must be applied first.
    #[serde(default)]
    pub depends_on: Vec<DependsOn>,
    /// The environments that the changeset is for; default: all.
    #[serde(default)]
    pub environments: Vec<String>,
    /// Labels to select it by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The phase in a change over several releases.
    pub phase: Option<Phase>,
    /// `true` applies the changeset again whenever its content changes (views, functions, policies, triggers,
    /// grants).
    #[serde(default)]
    pub repeatable: bool,
    /// The conditions that must hold before the first statement.
    #[serde(default)]
    pub preconditions: Vec<Precondition>,
    /// The changes, in order.
    #[schemars(schema_with = "changes_schema")]
    pub changes: Vec<Value>,
    /// The conditions that must hold afterwards; if one fails, dagmar rolls the changeset back.
    #[serde(default)]
    pub verify: Vec<Verify>,
    /// The rollback; default: dagmar derives it from the changes.
    pub rollback: Option<RollbackSpec>,
    /// Limits for its statements.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// The rules of the review that do not apply to it.
    #[serde(default)]
    pub lint: Vec<IgnoredRule>,
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

/// A dependency: an id, or an id with a minimum time since it was applied.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(schema_with = "depends_on_schema")]
pub struct DependsOn {
    /// The changeset that must be applied first.
    pub id: String,
    /// For how long it must have been applied.
    pub soak: HumanDuration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DependsOnMap {
    id: String,
    #[serde(default)]
    soak: HumanDuration,
}

impl<'de> Deserialize<'de> for DependsOn {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        /// By hand: an untagged enum would hide which key is wrong.
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = DependsOn;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id, or `{ id: …, soak: 30d }`")
            }

            fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<DependsOn, E> {
                Ok(DependsOn { id: id.to_owned(), soak: HumanDuration::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DependsOn, A::Error> {
                let map = DependsOnMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(DependsOn { id: map.id, soak: map.soak })
            }
        }
        d.deserialize_any(Either)
    }
}

fn depends_on_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let soak = generator.subschema_for::<HumanDuration>();
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
            "irreversible": { "type": "string", "minLength": 1, "description": "The reason why it cannot be rolled back; every preview shows it." }
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
    /// Whether there is a file of which not even the ids are known.
    pub unseen: bool,
}

/// A changeset.
#[derive(Debug)]
pub struct Changeset {
    /// Its identity.
    pub id: String,
    /// The file that contains it.
    pub file: FileId,
    /// Its place.
    pub place: Place,
    /// The ids that it had before.
    pub aka: Vec<Alias>,
    /// The author.
    pub author: Option<String>,
    /// A description: what the changeset does, and why.
    pub description: Option<String>,
    /// What must be applied before.
    pub depends_on: Vec<Dependency>,
    /// The environments that the changeset is for; empty: all.
    pub environments: Vec<String>,
    /// Words to select it by.
    pub labels: Vec<String>,
    /// The phase: expand, migrate or contract.
    pub phase: Option<Phase>,
    /// Applied again whenever its content changes.
    pub repeatable: bool,
    /// What must hold before.
    pub preconditions: Vec<Precondition>,
    /// The changes.
    pub changes: Vec<ParsedChange>,
    /// What must hold afterwards.
    pub verify: Vec<Verify>,
    /// How it is taken back.
    pub rollback: RollbackSource,
    /// Limits for its statements.
    pub limits: LimitsSpec,
    /// The rules of the review that do not apply to it.
    pub lint: Vec<IgnoredRule>,
    /// `d1:…`, of the content before variables were filled in.
    pub checksum: String,
    /// The content before variables were filled in.
    pub body: Content,
    /// The same as a tree, where somebody has looked for a part of it.
    pub(super) tree: OnceLock<Value>,
    /// Whether some of its changes are left out because of mistakes.
    pub gaps: bool,
    /// Whether all keys beside the changes were read.
    pub header_is_read: bool,
}

/// An earlier id with its place.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The id.
    pub id: String,
    /// The place in the source files.
    pub place: Place,
}

/// An edge with its place.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The changeset that must be applied first.
    pub id: String,
    /// For how long.
    pub soak: HumanDuration,
    /// The place in the source files.
    pub place: Place,
}

/// One change with its place.
#[derive(Debug)]
pub struct ParsedChange {
    /// The change.
    pub change: Box<dyn Change>,
    /// The place in the source files.
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
    /// The value at a place of it, as it is written.
    #[must_use]
    pub fn written(&self, place: &Place) -> Option<&Value> {
        let path = place.path.strip_prefix(self.place.path.as_slice())?;
        path.iter().try_fold(self.tree.get_or_init(|| self.body.value()), |value, seg| match seg {
            PathSeg::Key(key) => value.get(key),
            PathSeg::Index(i) => value.get(i),
        })
    }

    /// Takes out the changes that have mistakes: what is wrong with the others can be told all
    /// the same.
    pub(super) fn leave_out_wrong(&mut self, problems: &Diagnostics) {
        if !problems.has_errors() {
            return;
        }
        let below = self.place.path.len();
        let mut wrong: HashSet<&[PathSeg]> = HashSet::new();
        let mut unfilled: HashSet<&[PathSeg]> = HashSet::new();
        for problem in problems.iter().filter(|d| d.severity == Severity::Error) {
            for place in problem.place.iter().chain(problem.related.iter().map(|(place, _)| place)) {
                // the key of the list, and the position in it
                let change = place.path.get(..below + 2).filter(|_| place.is_in(&self.place));
                if problem.code == Code::UndefinedVariable { unfilled.extend(change) } else { wrong.extend(change) }
            }
        }
        // SQL can be looked at without the values of its variables
        let is_right = |change: &ParsedChange| {
            let path = change.place.path.as_slice();
            !wrong.contains(path) && (!unfilled.contains(path) || matches!(change.change.kind(), "sql" | "sqlFile"))
        };
        let all = self.changes.len();
        self.changes.retain(is_right);
        self.gaps |= self.changes.len() < all;
        if let RollbackSource::Changes(list) = &mut self.rollback {
            list.retain(is_right);
        }
        let content = ["preconditions", "verify", "rollback"].map(|key| self.place.child(key));
        let header = |d: &Diagnostic| {
            let Some(place) = &d.place else { return false };
            let unknown = d.code == Code::UnknownKey && place.path.len() == self.place.path.len() + 1;
            unknown || content.iter().any(|part| place.is_in(part))
        };
        self.header_is_read = !problems.iter().any(header);
    }

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
