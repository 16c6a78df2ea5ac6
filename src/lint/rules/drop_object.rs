//! An object that clients may still use.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::source::changeset::Phase;
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::DropObject,
    reason: "Clients that still use a view, function, type or sequence fail as soon as it is gone.",
    example: r#"changes:
  - sql:
      forward: DROP VIEW app.open_orders
      rollback: CREATE VIEW app.open_orders AS SELECT id FROM app.orders WHERE status = 'open' 
"#,
    fixed: r#"changes:
  - createView: { name: app.closed_orders, query: "SELECT id FROM app.orders WHERE status = 'closed'" }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::DropObject { kind, names } = &action.does else { return None };
    let again = |name: &&QualifiedName| {
        let actions = subject.forward().flat_map(|other| &other.actions);
        actions.into_iter().any(|action| matches!(&action.does, Does::CreateObject { name: n } if n == *name))
    };
    let name = names.iter().find(|name| !unit.back && !again(name))?;
    let message = format!("clients that still use the {kind} `{name}` fail");
    let remedy =
        "drop it in a changeset with `phase: contract`, after the release that stopped using it; then ignore this";
    let is_contract = subject.changeset.is_some_and(|changeset| changeset.phase == Some(Phase::Contract));
    (!is_contract).then(|| Draft::new(Rule::DropObject, unit, &action.at, message).remedy(remedy))
}
