//! A rollback that does nothing.

use crate::base::Rule;
use crate::change;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, is_raw};
use crate::plan::Rollback;

pub(super) const RULE: Definition = Definition {
    rule: Rule::EmptyRollback,
    reason: "A rollback without statements says that the changeset was rolled back, and leaves all it did: the next apply meets it.",
    example: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: bigint, primaryKey: true }] }
rollback: []
"#,
    fixed: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: bigint, primaryKey: true }] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    let Rollback::Segments { segments, .. } = &subject.step.rollback else { return };
    let mut statements = segments.iter().flat_map(|segment| &segment.statements);
    let does_nothing = statements.all(|statement| {
        let sql = statement.sql.trim().to_lowercase();
        sql.starts_with("select") && !sql.contains('(')
    });
    // what a DO block does, nobody knows
    let does = subject.forward().find(|unit| {
        !unit.actions.is_empty() || change::find(&unit.statement.kind).is_some() && !is_raw(&unit.statement.kind)
    });
    let (true, Some(unit)) = (does_nothing && subject.no_way_back.is_empty(), does) else { return };
    let what = unit.statement.sql.trim().lines().next().unwrap_or_default().chars().take(60).collect::<String>();
    let message = format!("the rollback does nothing, and this stays: {what}");
    let draft = Draft::at_key(Rule::EmptyRollback, "rollback", message);
    let typed = subject.forward().all(|unit| !is_raw(&unit.statement.kind));
    out.push(match typed {
        true => draft.remedy("remove `rollback`: dagmar derives it from the change types"),
        false => draft.remedy("write what takes it back, or `rollback: { irreversible: reason }`"),
    });
}
