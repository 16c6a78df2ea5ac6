//! A name that running clients use.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::RenameBreaksClients,
    reason: "The release that runs during the change still uses the old name, and fails at once. There is no moment at which both releases work.",
    example: r#"changes:
  - renameColumn: { table: app.orders, column: note, to: remark }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: remark, type: text }] }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::Rename { kind, of, from, to } = &action.does else { return None };
    let actions = || subject.forward().flat_map(|other| &other.actions);
    // a view under the old name serves the old release
    let is_served = actions().any(|action| matches!(&action.does, Does::CreateObject { name } if name == of));
    let is_new = actions().any(|action| matches!(&action.does, Does::CreateType { name } if name == of));
    let is_in_use = subject.is_in_use(unit, of) || matches!(*kind, "schema" | "enum value");
    if unit.back || is_served || is_new || !is_in_use {
        return None;
    }
    let message = format!("clients that use the {kind} `{from}` fail as soon as it is `{to}`");
    let draft = Draft::new(Rule::RenameBreaksClients, unit, &action.at, message);
    Some(match *kind {
        "table" => {
            let new = of.schema.as_ref().map_or(to.clone(), |schema| format!("{}.{to}", schema.sql()));
            let view = format!("CREATE VIEW {} AS SELECT * FROM {new}", of.sql());
            draft.remedy("create a view with the old name in the same changeset, and drop it in a later release").safe(view)
        }
        "column" => draft
            .remedy("add the new column, keep both equal by a trigger, and drop the old one with `phase: contract` in a later release"),
        _ => draft.remedy("create a new one beside it, and drop the old one with `phase: contract` in a later release"),
    })
}
