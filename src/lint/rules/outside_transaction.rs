//! A statement outside of a transaction among others.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::plan::Mode;
use crate::source::RollbackSource;
use crate::sql::SEGMENT_MARK;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULE: Definition = Definition {
    rule: Rule::OutsideTransaction,
    reason: "A statement that cannot run in a transaction ends the transaction of the statements before it. When it fails, they stay, and those after it are missing: the changeset is half done.",
    example: r#"changes:
  - sql:
      forward: |
        ALTER TABLE app.orders ADD COLUMN region text;
        CREATE INDEX CONCURRENTLY orders_region ON app.orders (region);
      rollback: |
        DROP INDEX CONCURRENTLY IF EXISTS app.orders_region;
        -- segment
        ALTER TABLE app.orders ALTER COLUMN region SET DEFAULT 'north';
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
  - createIndex: { name: orders_region, table: app.orders, columns: [region] }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for back in [false, true] {
        let units: Vec<&Unit<'_>> = subject.units.iter().filter(|unit| unit.back == back).collect();
        let mut marked: BTreeMap<usize, bool> = BTreeMap::new();
        let mut in_change: BTreeMap<usize, usize> = BTreeMap::new();
        units.iter().for_each(|unit| *in_change.entry(unit.statement.change).or_default() += 1);
        for unit in units.iter().filter(|unit| unit.mode == Mode::Outside && is_raw(&unit.statement.kind)) {
            let change = unit.statement.change;
            let is_alone = in_change.get(&change) == Some(&1);
            if is_alone || *marked.entry(change).or_insert_with(|| is_marked(subject, unit)) {
                continue;
            }
            let message = "this statement cannot run in a transaction and ends that of the statements around it";
            let draft = Draft::new(Rule::OutsideTransaction, unit, &(0..0), message);
            let remedy = "put it into a changeset of its own; or write a line `-- segment` before it, where a half done changeset is fine";
            out.push(draft.remedy(remedy).safe("-- segment"));
        }
    }
}

/// Whether the author has said where transactions end.
fn is_marked(subject: &Subject<'_>, unit: &Unit<'_>) -> bool {
    let Some(changeset) = subject.changeset else { return false };
    let (changes, key) = match (&changeset.rollback, unit.back) {
        (RollbackSource::Changes(changes), true) => (changes, "forward"),
        (_, true) => (&changeset.changes, "rollback"),
        (_, false) => (&changeset.changes, "forward"),
    };
    let Some(change) = changes.get(unit.statement.change) else { return false };
    let written = changeset.written(&change.place.child(change.change.kind()).child(key)).and_then(Value::as_str);
    let files = change.change.files();
    // a file of SQL has one direction: the first is forward
    let file = if key == "rollback" { files.last() } else { files.first() };
    written.or(file.map(String::as_str)).is_some_and(|text| text.contains(SEGMENT_MARK))
}
