//! How long an environment keeps what was dropped, as it is written.

use crate::base::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long what was dropped is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtticPolicy {
    /// How long after it was dropped; then `dagmar attic purge --expired` drops it for good.
    pub keep: HumanDuration,
}
