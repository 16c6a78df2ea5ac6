//! A kind of step that the environment does not allow.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};
use crate::plan::Hazard;

pub(super) const RULE: Definition = Definition {
    rule: Rule::NotAllowed,
    reason: "The environment lists in `allow` which destructive kinds of steps run without permission. This changeset has another one: its run is refused until somebody allows it by name.",
    example: r#"changes:
  - sql: { forward: "DO $$ BEGIN NULL; END $$", rollback: "DO $$ BEGIN NULL; END $$" }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    let Some(allow) = subject.allow else { return };
    let refused: Vec<&str> = subject
        .hazards
        .iter()
        .filter_map(|hazard| match hazard {
            Hazard::Destructive(kind) if !allow.contains(kind) => Some(kind.word()),
            _ => None,
        })
        .collect();
    if !refused.is_empty() {
        let message = format!("the environment does not allow this: {}", refused.join(", "));
        let draft = Draft::at_key(Rule::NotAllowed, "id", message);
        out.push(draft.remedy("use a change that does not need it, or plan the run with somebody who may allow it"));
    }
}
