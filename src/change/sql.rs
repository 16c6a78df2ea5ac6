use super::piece::tidy;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Place};
use crate::effects::Effects;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runs SQL as it stands, for what no change type does. A line `-- segment` in it starts a new
/// transaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sql {
    /// What it does.
    forward: String,
    /// What takes it back; left out: the changeset needs a `rollback` of its own. Where
    /// `forward` has several segments it may have to take back only the first of them: write
    /// `IF EXISTS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
}

/// What is said where raw SQL has no way back.
pub(super) fn no_way_back(key: &str) -> Undo {
    Undo::Missing(format!("nobody can tell what takes this SQL back; write `{key}:`"))
}

/// Which way SQL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It makes the change.
    Forward,
    /// It takes it back.
    Rollback,
}

/// Refuses SQL that does nothing.
pub(super) fn check_not_empty(sql: &str, way: Way, place: Place, out: &mut Diagnostics) {
    if tidy(sql).is_empty() {
        let (message, help) = match way {
            Way::Forward => ("the SQL is empty: it would change nothing", "write what it does, or remove this change"),
            Way::Rollback => (
                "the SQL of the rollback is empty",
                "where nothing has to be taken back, leave it out and say `rollback: []` on the changeset",
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
