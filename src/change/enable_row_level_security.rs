use super::ChangeType;
use crate::base::QualifiedName;
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Enables row-level security for a table: without a policy only its owner sees rows (manual, chapter 5.8). The
/// rollback disables what the change enabled.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnableRowLevelSecurity {
    /// The table, with its schema.
    table: QualifiedName,
    /// `true` applies the policies to the table's owner too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    force: bool,
}

impl ChangeType for EnableRowLevelSecurity {
    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
    }

    fn home(&self) -> Option<&QualifiedName> {
        Some(&self.table)
    }
}
