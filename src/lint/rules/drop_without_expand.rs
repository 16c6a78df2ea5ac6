//! A drop that no release has prepared.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::source::changeset::Phase;
use crate::sql::review::Does;
use serde_json::Value;

pub(super) const RULE: Definition = Definition {
    rule: Rule::DropWithoutExpand,
    reason: "The release that runs during the change still uses the table or column. A drop is the last of three steps: expand adds the new form, migrate moves the data, contract removes the old form after the release that stopped using it.",
    example: r#"changes:
  - dropColumn: { table: app.orders, column: old_note }
"#,
    fixed: r#"phase: contract
dependsOn: [expand]
changes:
  - dropColumn: { table: app.orders, column: old_note }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    let Some(changeset) = subject.changeset else { return };
    let why = match changeset.phase {
        Some(Phase::Contract) if subject.after_expand => return,
        Some(Phase::Contract) => "no changeset that it depends on has the phase expand or migrate",
        _ => "the changeset has no `phase: contract`",
    };
    let mut told = Vec::new();
    for unit in subject.forward() {
        let Some((what, at)) = dropped(subject, unit) else { continue };
        let change = (unit.statement.change, what.clone());
        if told.contains(&change) {
            continue;
        }
        told.push(change);
        let draft = Draft::new(Rule::DropWithoutExpand, unit, &at, format!("{what} is dropped, and {why}"));
        let remedy = "write `phase: contract`, and depend on the changeset that introduced what replaces it, with a `soak` \
                      for the release";
        let safe = "phase: contract\ndependsOn:\n  - { id: <the changeset with phase: migrate>, soak: 7d }\n";
        out.push(draft.remedy(remedy).safe(safe));
    }
}

/// What a statement drops of what was there before.
fn dropped(subject: &Subject<'_>, unit: &Unit<'_>) -> Option<(String, std::ops::Range<usize>)> {
    let locked = || unit.statement.facts.locks.iter().map(|(name, _)| name).find(|name| !subject.made.contains(name));
    match unit.statement.kind.as_str() {
        "dropTable" => return Some((format!("`{}`", locked()?), 0..0)),
        "dropColumn" => {
            let changeset = subject.changeset?;
            let change = changeset.changes.get(unit.statement.change)?;
            let column = changeset.written(&change.place.child("dropColumn").child("column")).and_then(Value::as_str);
            return Some((format!("`{}` of `{}`", column.unwrap_or_default(), locked()?), 0..0));
        }
        _ => {}
    }
    unit.actions.iter().find_map(|action| match &action.does {
        Does::DropTable { tables } => {
            let table = tables.iter().find(|table| subject.is_in_use(unit, table))?;
            Some((format!("`{table}`"), action.at.clone()))
        }
        Does::DropColumn { table, column } if subject.is_in_use(unit, table) => {
            Some((format!("`{column}` of `{table}`"), action.at.clone()))
        }
        _ => None,
    })
}
