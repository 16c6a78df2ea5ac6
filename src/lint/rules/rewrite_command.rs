//! VACUUM FULL and CLUSTER.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject};
use crate::sql;

pub(super) const RULE: Definition = Definition {
    rule: Rule::RewriteCommand,
    reason: "VACUUM FULL and CLUSTER write the table anew under an ACCESS EXCLUSIVE lock.",
    example: r#"changes:
  - sql: { forward: VACUUM FULL app.orders, rollback: VACUUM app.orders }
"#,
    fixed: r#"changes:
  - sql: { forward: VACUUM app.orders, rollback: VACUUM app.orders }
"#,
    check: Check::Changeset(check),
};

fn check(subject: &Subject<'_>, out: &mut Vec<Draft>) {
    for unit in subject.units.iter().filter(|unit| unit.statement.facts.rewrites) {
        let word = unit.statement.sql.get(sql::first_word(&unit.statement.sql)..).unwrap_or_default();
        let word = word.split_whitespace().next().unwrap_or_default().to_uppercase();
        if ["VACUUM", "CLUSTER"].contains(&word.as_str()) {
            let draft = Draft::new(Rule::RewriteCommand, unit, &(0..0), Rule::RewriteCommand.meaning());
            out.push(draft.remedy("use pg_repack, outside of migrations"));
        }
    }
}
