use super::piece::tidy;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Place};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runs SQL unchanged, for anything that no change type covers. A line `-- segment` starts a new transaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sql {
    /// The forward SQL.
    forward: String,
    /// The rollback SQL; without it the changeset needs its own `rollback`. If `forward` has several segments,
    /// the rollback may have to undo only the first of them: use `IF EXISTS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
}

/// What is said where raw SQL has no way back.
pub(super) fn no_way_back(key: &str) -> Undo {
    Undo::Missing(format!("dagmar cannot derive the rollback of this SQL; write `{key}:`"))
}

/// Which way SQL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It makes the change.
    Forward,
    /// It rolls it back.
    Rollback,
}

/// Refuses SQL that does nothing.
pub(super) fn check_not_empty(sql: &str, way: Way, place: Place, out: &mut Diagnostics) {
    if tidy(sql).is_empty() {
        let (message, help) = match way {
            Way::Forward => ("the SQL is empty: it would change nothing", "write what it does, or remove this change"),
            Way::Rollback => (
                "the SQL of the rollback is empty",
                "if nothing has to be undone, remove it and write `rollback: []` in the changeset",
            ),
        };
        out.push(Diagnostic::error(Code::Empty, message).at(place).help(help));
    }
}

impl ChangeType for Sql {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_not_empty(&self.forward, Way::Forward, place.child("forward"), out);
        if let Some(rollback) = &self.rollback {
            check_not_empty(rollback, Way::Rollback, place.child("rollback"), out);
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.opaque = true;
    }

    fn undo(&self, _: &Scope) -> Undo {
        if self.rollback.is_some() { Undo::Derived } else { no_way_back("rollback") }
    }
}
