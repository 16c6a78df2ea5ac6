//! What the project says about the review: levels of rules, and where a changeset ignores one.

use crate::base::checksum::of_value;
use crate::base::rule::{RuleLevels, levels_schema};
use crate::base::{Content, Level, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The review of changesets (`dagmar lint`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LintPolicy {
    /// Levels of rules: off, low, medium, high or blocking. Those of an environment override those of the project.
    #[serde(skip_serializing_if = "RuleLevels::is_empty")]
    #[schemars(schema_with = "levels_schema")]
    pub rules: RuleLevels,
    /// Refuses to apply and promote changesets with a finding at or above this level; default: nothing is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<Level>,
}

impl LintPolicy {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This policy over that of the level above.
    #[must_use]
    pub fn over(&self, above: &Self) -> Self {
        let mut rules = above.rules.clone();
        rules.extend(&self.rules);
        Self { rules, refuse: self.refuse.or(above.refuse) }
    }
}

/// What a comment that ignores a rule begins with, after the signs of a comment.
pub const COMMENT: &str = "dagmar-lint:";

/// The checksum of the content of a changeset.
#[must_use]
pub fn checksum(body: &Value, content: &Content) -> String {
    if content.text().contains(COMMENT) { of_value(&without_comments(body)) } else { of_value(body) }
}

/// The content of a changeset without the comments that ignore rules: they do not change what runs.
fn without_comments(content: &Value) -> Value {
    match content {
        Value::String(text) if text.contains(COMMENT) => {
            let is_comment = |line: &&str| {
                line.trim_start().strip_prefix("--").is_some_and(|rest| rest.trim_start().starts_with(COMMENT))
            };
            let kept: String = text.split_inclusive('\n').filter(|line| !is_comment(line)).collect();
            // YAML and dagmar leave out a line break at the end, as the line before has none then
            Value::String(if text.ends_with('\n') { kept } else { kept.trim_end_matches('\n').to_owned() })
        }
        Value::Array(list) => list.iter().map(without_comments).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), without_comments(value))).collect(),
        other => other.clone(),
    }
}

/// A rule of the review that does not apply to a changeset, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IgnoredRule {
    /// The code of the rule.
    pub ignore: Rule,
    /// The reason.
    #[serde(deserialize_with = "reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

fn reason<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("a rule is ignored without a reason"));
    }
    Ok(text)
}
