//! How long an environment keeps what was dropped, as it is written.

use crate::base::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The retention of the attic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtticPolicy {
    /// How long the attic keeps an entry; afterwards `dagmar attic purge --expired` drops it permanently.
    pub keep: HumanDuration,
}
