//! What was generated, and how.

use crate::base::QualifiedName;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// How generated rows look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// With values that rollbacks and type changes lose: NULL, empty and long texts, the extremes of a type.
    #[default]
    Extreme,
    /// With ordinary values in every column: small numbers, short texts, no NULL.
    Plain,
}

/// The result of generating rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filled {
    /// The number of rows that each table got.
    pub rows: BTreeMap<QualifiedName, u32>,
    /// The tables without generated rows, and the reason.
    pub skipped: BTreeMap<QualifiedName, String>,
}

impl Filled {
    /// The number of all rows.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.rows.values().sum()
    }
}
