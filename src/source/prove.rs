//! What the project says about the proof of its changesets.

use crate::base::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The proof of changesets (`dagmar prove`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProveConfig {
    /// Files with rows that are there when a changeset is proven: YAML, CSV or SQL, as paths relative to the project
    /// directory; `*` stands for any part of a name, `**` for any directories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixtures: Vec<String>,
}

/// The proof that an environment asks for before a changeset is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProvenPolicy {
    /// How old a proof may be; default: any age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<HumanDuration>,
}

impl ProveConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
