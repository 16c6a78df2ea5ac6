//! A changeset without a rollback.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{At, Draft, Subject};

pub(super) const RULE: Definition = Definition {
    rule: Rule::MissingRollback,
    reason: "When the release fails, nobody can take the change back without writing SQL under pressure. `check`, `plan` and `apply` refuse such a changeset.",
    example: r#"changes:
  - sql: { forward: "GRANT SELECT ON app.orders TO PUBLIC" }
"#,
    fixed: r#"changes:
  - sql: { forward: "GRANT SELECT ON app.orders TO PUBLIC" }
rollback:
  - sql:
      forward: REVOKE SELECT ON app.orders FROM PUBLIC
      rollback: GRANT SELECT ON app.orders TO PUBLIC
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for place in &subject.no_way_back {
        let mut draft = Draft::at_key(Rule::MissingRollback, "id", "this change has no rollback, and does not say why");
        draft.at = At::Place(place.clone());
        let remedy = "write what takes it back, or `irreversible` with the reason";
        out.push(draft.remedy(remedy).safe("rollback:\n  - sql: { forward: <what takes it back> }\n"));
    }
}
