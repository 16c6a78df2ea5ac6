//! What compiling a changeset needs, and the problems that its steps and segments share.

use super::model::Limits;
use super::writing::Writing;
use crate::base::secret::placeholders;
use crate::base::{Code, Diagnostic, Ident, Operation, PaceSpec};
use crate::change::Undo;
use crate::effects::{Access, ObjectClass, Touch};
use crate::render::{Renderer, Values};
use crate::source::ParsedChange;
use crate::sql;
use std::ops::Range;

/// What rendering needs besides the changeset.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext<'a> {
    /// The templates.
    pub renderer: &'a Renderer,
    /// The schema of the ledger.
    pub ledger: &'a Ident,
    /// The limits of the environment.
    pub limits: Limits,
    /// How gently its backfills go.
    pub pace: PaceSpec,
    /// Whether a missing rollback is a warning: `lint` reports it among its findings.
    pub accepts_missing_rollback: bool,
    /// What leads from SQL back to the files.
    pub writing: Writing<'a>,
}

/// A change ready to be rendered in both directions.
pub(super) struct Prepared<'a> {
    pub(super) parsed: &'a ParsedChange,
    pub(super) values: Values,
    pub(super) undo: Undo,
    pub(super) opaque: bool,
}

/// Whether an object is the ledger's, and is written.
pub(super) fn writes_ledger(touch: &Touch, ledger: &Ident) -> bool {
    let own = match (&touch.name.schema, touch.object) {
        (Some(schema), _) => schema == ledger,
        (None, object) => object == ObjectClass::Schema && touch.name.name == *ledger,
    };
    own && !matches!(touch.how, Access::Read | Access::Reference)
}

/// The refusal of such a change.
pub(super) fn ledger_problem(name: &str) -> Diagnostic {
    Diagnostic::error(Code::LedgerObject, format!("`{name}` belongs to dagmar's ledger and must not be written")).help(
        "it records what was applied, by whom and when; "
            + Operation::Mark
            + " and "
            + Operation::Clear
            + " change a state and record it",
    )
}

/// A secret variable may stand only where any value of it can be quoted; else the problem and the bytes.
pub(super) fn misplaced_secret(sql: &str) -> Option<(Diagnostic, Range<usize>)> {
    let wrong = if sql::secret::has_secrets(sql) { sql::secret::parts(sql).err()? } else { return None };
    let at = placeholders(sql).find(|(name, _)| *name == wrong.name).map_or(0..0, |(_, bytes)| bytes);
    Some((Diagnostic::error(Code::MisplacedSecret, wrong.message).help(wrong.help), at))
}
