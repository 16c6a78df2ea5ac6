//! What a proof tries with a changeset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is tried with a changeset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Leg {
    /// It is applied, its `verify` checks included.
    Up,
    /// It is rolled back: the catalog is what it was before.
    Down,
    /// It is applied once more: the catalog is what it was after the first time.
    Again,
    /// The rows that were there before are there after the rollback, and after the second time.
    Data,
    /// It is applied on nothing but its dependencies, and before and after what is not ordered with it.
    Order,
    /// It is applied over its earlier version and rolled back to that, or twice, if it says that it can be.
    Retry,
}

impl Leg {
    /// All legs, in the order in which they are tried.
    pub const ALL: [Leg; 6] = [Leg::Up, Leg::Down, Leg::Again, Leg::Data, Leg::Order, Leg::Retry];

    /// The word in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Leg::Up => "up",
            Leg::Down => "down",
            Leg::Again => "again",
            Leg::Data => "data",
            Leg::Order => "order",
            Leg::Retry => "retry",
        }
    }
}
