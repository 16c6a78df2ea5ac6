//! A function that every role can call.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::SecurityDefinerPublic,
    reason: "A new function can be called by PUBLIC. With its owner's rights, that is every role of the database with the rights of the owner.",
    example: r#"changes:
  - sql:
      forward: |
        CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        SET search_path = app, pg_temp AS 'SELECT count(*) FROM app.orders'
      rollback: DROP FUNCTION app.total()
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        SET search_path = app, pg_temp AS 'SELECT count(*) FROM app.orders';
        REVOKE ALL ON FUNCTION app.total() FROM PUBLIC;
      rollback: DROP FUNCTION app.total()
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::Definer { function, .. } = &action.does else { return None };
    let all = || subject.forward().flat_map(|other| &other.actions);
    let is_new = all().any(|action| matches!(&action.does, Does::NewFunction { name } if name == function));
    let is_revoked =
        all().any(|action| matches!(&action.does, Does::RevokePublic { functions } if functions.contains(function)));
    // nobody calls the function of a trigger
    let is_trigger = unit.statement.sql.to_lowercase().contains("returns trigger");
    if unit.back || !is_new || is_revoked || is_trigger {
        return None;
    }
    let message = format!("every role can call `{function}`, which runs with its owner's rights");
    let draft = Draft::new(Rule::SecurityDefinerPublic, unit, &action.at, message);
    let line = format!("REVOKE ALL ON FUNCTION {} FROM PUBLIC", function.sql());
    Some(match unit.statement.kind.as_str() {
        "createFunction" => {
            draft.remedy("revoke it from PUBLIC, and `grant` it to the roles that need it").safe("revokePublic: true")
        }
        _ => draft
            .remedy("revoke it from PUBLIC in the same changeset, and grant it to the roles that need it")
            .safe(line),
    })
}
