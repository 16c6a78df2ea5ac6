//! An enum value that does not exist yet.

use crate::base::Rule;
use crate::base::name::quote_literal;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::EnumValueUsed,
    reason: "A value that ALTER TYPE … ADD VALUE adds cannot be used before its transaction has committed (SQLSTATE 55P04).",
    example: r#"changes:
  - sql:
      forward: |
        ALTER TYPE app.state ADD VALUE 'archived' AFTER 'closed';
        INSERT INTO app.states (state) VALUES ('archived');
      rollback: DELETE FROM app.states WHERE state = 'archived' 
"#,
    fixed: r#"changes:
  - sql:
      forward: |
        ALTER TYPE app.state ADD VALUE IF NOT EXISTS 'archived' AFTER 'closed';
        -- segment
        INSERT INTO app.states (state) VALUES ('archived');
      rollback: DELETE FROM app.states WHERE state = 'archived' 
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::AddValue { of, value } = &action.does else { return None };
    let is_new = subject.forward().flat_map(|other| &other.actions);
    // a value of a type that is as new is no problem
    if is_new.into_iter().any(|action| matches!(&action.does, Does::CreateType { name } if name == of)) {
        return None;
    }
    let literal = quote_literal(value);
    let same =
        |other: &&Unit<'_>| (other.back, other.segment) == (unit.back, unit.segment) && other.number > unit.number;
    let user = subject.units.iter().filter(same).find(|other| {
        let comments = other.actions.iter().any(|action| matches!(action.does, Does::AddValue { .. }));
        !comments && other.statement.sql.contains(&literal) && !other.statement.sql.trim_start().starts_with("COMMENT")
    })?;
    let start = user.statement.sql.find(&literal).unwrap_or_default();
    let message = format!("the value {literal} of `{of}` is used in the transaction that adds it");
    let draft = Draft::new(Rule::EnumValueUsed, user, &(start..start + literal.len()), message);
    Some(draft.remedy("write a line `-- segment` between them, or use two changesets").safe("-- segment"))
}
