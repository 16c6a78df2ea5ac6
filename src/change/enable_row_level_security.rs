use super::ChangeType;
use crate::base::QualifiedName;
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Switches row level security on for a table: without a policy nobody but its owner sees a
/// row (manual, chapter 5.8). Undone by switching off what it switched on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnableRowLevelSecurity {
    /// The table, with its schema.
    table: QualifiedName,
    /// Binds the table's owner too.
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
