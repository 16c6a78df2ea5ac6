//! A rule that is ignored where it finds nothing. `ignore.rs` finds it.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};

pub(super) const RULE: Definition = Definition {
    rule: Rule::UnusedIgnore,
    reason: "What is ignored without need hides the next finding of this rule at this place.",
    example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
lint:
  - { ignore: unbatched-backfill, reason: the table is small }
"#,
    fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: region, type: text }] }
"#,
    check: Check::OfIgnores,
};
