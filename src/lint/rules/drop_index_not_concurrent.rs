//! An index of a table that is in use is dropped.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::DropIndexNotConcurrent,
    reason: "DROP INDEX locks the table in ACCESS EXCLUSIVE mode and waits for every transaction that uses it; meanwhile all others wait behind it.",
    example: r#"changes:
  - sql:
      forward: DROP INDEX app.orders_note
      rollback: CREATE INDEX CONCURRENTLY orders_note ON app.orders (note)
"#,
    fixed: r#"changes:
  - dropIndex: { index: app.orders_note, table: app.orders }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::DropIndex { indexes, concurrently: false } = &action.does else { return None };
    let index =
        indexes.first().filter(|index| subject.is_in_use(unit, index) && !goes_with_its_table(subject, unit, index))?;
    let message = format!("dropping the index `{index}` waits for everybody who uses its table, and blocks all others");
    let draft = Draft::new(Rule::DropIndexNotConcurrent, unit, &action.at, message);
    let draft = match unit.statement.kind.as_str() {
        "dropIndex" => draft.remedy("remove `concurrently: false`"),
        _ => draft.remedy("drop it concurrently"),
    };
    Some(draft.safe(format!("DROP INDEX CONCURRENTLY {}", index.sql())))
}

/// Whether a rollback drops an index of a table that the changeset made.
fn goes_with_its_table(subject: &Subject<'_>, unit: &Unit<'_>, index: &QualifiedName) -> bool {
    let made = subject.forward().flat_map(|other| &other.actions).find_map(|action| match &action.does {
        Does::CreateIndex(new) if new.name.as_ref() == Some(&index.name) => Some(&new.table),
        _ => None,
    });
    unit.back && made.is_some_and(|table| subject.made.contains(table))
}
