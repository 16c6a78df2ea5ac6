//! Several statements that read the same table.

use crate::base::{QualifiedName, Rule};
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};
use crate::plan::Mode;
use crate::sql::LockMode;
use std::collections::BTreeMap;

pub(super) const RULE: Definition = Definition {
    rule: Rule::SeveralScans,
    reason: "Each of the statements reads or rewrites the whole table. One ALTER TABLE with several actions does it once.",
    example: r#"changes:
  - sql:
      forward: |
        ALTER TABLE app.orders ALTER COLUMN quantity TYPE bigint;
        ALTER TABLE app.orders ALTER COLUMN amount TYPE bigint;
      rollback: |
        ALTER TABLE app.orders ALTER COLUMN quantity TYPE integer, ALTER COLUMN amount TYPE integer;
lint:
  - { ignore: column-type-rewrite, reason: the table is small }
"#,
    fixed: r#"changes:
  - sql:
      forward: ALTER TABLE app.orders ALTER COLUMN quantity TYPE bigint, ALTER COLUMN amount TYPE bigint
      rollback: ALTER TABLE app.orders ALTER COLUMN quantity TYPE integer, ALTER COLUMN amount TYPE integer
lint:
  - { ignore: column-type-rewrite, reason: the table is small }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    let mut seen: BTreeMap<(usize, &QualifiedName), usize> = BTreeMap::new();
    for unit in subject.forward().filter(|unit| unit.mode == Mode::Transaction) {
        let facts = &unit.statement.facts;
        let is_alter = unit.statement.sql.trim_start().to_uppercase().starts_with("ALTER TABLE");
        if !is_alter || !(facts.scans || facts.rewrites) {
            continue;
        }
        let blocking = facts.locks.iter().find(|(_, mode)| *mode >= LockMode::Share);
        let Some((table, _)) = blocking.filter(|(table, _)| subject.is_in_use(unit, table)) else { continue };
        let times = seen.entry((unit.segment, table)).or_default();
        *times += 1;
        if *times == 2 {
            let message = format!("`{table}` is read or rewritten once more by this transaction");
            let draft = Draft::new(Rule::SeveralScans, unit, &(0..0), message);
            out.push(draft.remedy("combine the actions in one ALTER TABLE"));
        }
    }
}
