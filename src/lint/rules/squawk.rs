//! The rules that squawk finds: our words for them, and where they count.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit, is_raw};
use crate::sql::review::Does;

/// A rule of squawk's.
pub(super) struct Taken {
    /// What to do instead.
    pub remedy: &'static str,
    /// The rule.
    pub definition: Definition,
}

/// Rules that matter in a rollback too; the others would report what was there before.
const IN_ROLLBACK: [Rule; 5] = [
    Rule::DetachNotConcurrent,
    Rule::DropDatabase,
    Rule::DuplicateAssignment,
    Rule::ReindexNotConcurrent,
    Rule::TruncateCascade,
];

/// What squawk finds in a statement.
pub(super) fn find(subject: &Subject<'_>, unit: &Unit<'_>, out: &mut Vec<Draft>) {
    for violation in &unit.violations {
        let rule = violation.rule;
        let is_told = rule == Rule::DuplicateAssignment && out.iter().any(|draft| draft.rule == rule);
        if is_told || unit.back && !IN_ROLLBACK.contains(&rule) || !counts(subject, unit, rule) {
            continue;
        }
        let taken = TAKEN.iter().find(|taken| taken.definition.rule == rule);
        let draft = Draft::new(rule, unit, &violation.at, rule.meaning());
        out.push(draft.remedy(taken.map_or("", |taken| taken.remedy)));
    }
}

/// Whether the finding is the author's, and about something that was there before.
fn counts(subject: &Subject<'_>, unit: &Unit<'_>, rule: Rule) -> bool {
    let kind = unit.statement.kind.as_str();
    match rule {
        Rule::UnqualifiedName => is_raw(kind),
        Rule::DropNotNull => is_raw(kind) || kind == "dropNotNull",
        Rule::DropConstraint => {
            let dropped = unit.actions.iter().filter_map(|action| match &action.does {
                Does::DropConstraint { table, constraint } => Some((table, constraint)),
                _ => None,
            });
            let added = |(table, name): (_, _)| {
                let before = subject.forward().take_while(|other| other.number <= unit.number);
                before.flat_map(|other| &other.actions).any(|action| match &action.does {
                    Does::AddConstraint { table: t, constraint } => {
                        t == table && constraint.name.as_ref() == Some(name)
                    }
                    _ => false,
                })
            };
            !dropped.into_iter().all(added)
        }
        _ => true,
    }
}

/// The rules, in the order of the codes.
pub(super) const TAKEN: &[Taken] = &[
    Taken {
        remedy: "use text, with a check where the length matters",
        definition: Definition {
            rule: Rule::CharColumn,
            reason: "char(n) pads values with spaces and counts them in comparisons of length; it is not faster than text.",
            example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: char(2) }] }
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: text }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "add CONCURRENTLY",
        definition: Definition {
            rule: Rule::DetachNotConcurrent,
            reason: "DETACH PARTITION locks the partitioned table in ACCESS EXCLUSIVE mode. CONCURRENTLY does not (PostgreSQL 14 and later).",
            example: r#"changes:
  - sql:
      forward: ALTER TABLE app.parts DETACH PARTITION app.parts_two
      rollback: SELECT 1 / count(*) FROM app.parts
"#,
            fixed: r#"changes:
  - sql:
      forward: ALTER TABLE app.parts DETACH PARTITION app.parts_two CONCURRENTLY
      rollback: SELECT 1 / count(*) FROM app.parts
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "use a check on the column instead",
        definition: Definition {
            rule: Rule::DomainConstraint,
            reason: "A new constraint of a domain reads every table that uses it while they are locked, and cannot be added NOT VALID to columns of composite types.",
            example: r#"changes:
  - sql:
      forward: CREATE DOMAIN app.land AS text CHECK (length(value) = 2)
      rollback: DROP DOMAIN app.land
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: text, check: length(land) = 2 }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "drop it in the release after the last one that relies on it",
        definition: Definition {
            rule: Rule::DropConstraint,
            reason: "Rows that break the promise can be written from now on, and the rollback fails on them.",
            example: r#"changes:
  - dropConstraint: { table: app.orders, name: orders_note }
"#,
            fixed: r#"changes:
  - addCheck: { name: orders_amount, table: app.orders, expression: amount > 0 }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "drop databases by hand",
        definition: Definition {
            rule: Rule::DropDatabase,
            reason: "A migration runs in one database and must not drop another one.",
            example: r#"changes:
  - sql: { forward: DROP DATABASE old }
rollback: { irreversible: only for this example }
verify:
  - { name: it is gone, sql: SELECT true }
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: text }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "make sure that every reader handles NULL",
        definition: Definition {
            rule: Rule::DropNotNull,
            reason: "Clients that were written for a column without NULL may fail on the first one.",
            example: r#"changes:
  - dropNotNull: { table: app.orders, column: status }
"#,
            fixed: r#"changes:
  - setNotNull: { table: app.orders, column: note }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "keep one of the assignments",
        definition: Definition {
            rule: Rule::DuplicateAssignment,
            reason: "The server refuses a statement that assigns a column twice.",
            example: r#"changes:
  - sql:
      forward: UPDATE app.orders SET note = 'a', note = 'b' WHERE id = 1
      rollback: UPDATE app.orders SET note = NULL WHERE id = 1
"#,
            fixed: r#"changes:
  - sql:
      forward: UPDATE app.orders SET note = 'b' WHERE id = 1
      rollback: UPDATE app.orders SET note = NULL WHERE id = 1
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "say where it belongs: BEFORE or AFTER another value",
        definition: Definition {
            rule: Rule::EnumValueOrder,
            reason: "Without BEFORE or AFTER the value is the last one, which decides about ORDER BY and comparisons.",
            example: r#"changes:
  - addEnumValue: { name: app.state, value: archived }
rollback: { irreversible: PostgreSQL cannot remove an enum value }
"#,
            fixed: r#"changes:
  - addEnumValue: { name: app.state, value: archived, after: closed }
rollback: { irreversible: PostgreSQL cannot remove an enum value }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "shorten it to 63 bytes",
        definition: Definition {
            rule: Rule::IdentifierTooLong,
            reason: "The server cuts names off at 63 bytes: two names may become the same, and nobody finds the object under the name in the file.",
            example: r#"changes:
  - sql:
      forward: CREATE VIEW app.a_view_whose_name_is_so_long_that_the_server_cuts_off_the_end_of_it AS SELECT id FROM app.orders
      rollback: DROP VIEW app.a_view_whose_name_is_so_long_that_the_server_cuts_off_the_end_o
"#,
            fixed: r#"changes:
  - createView: { name: app.a_view, query: SELECT id FROM app.orders }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "use bigint",
        definition: Definition {
            rule: Rule::IntegerColumn,
            reason: "A column that counts may outgrow its type; widening it rewrites the table.",
            example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: pieces, type: integer }] }
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: pieces, type: bigint }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "add CONCURRENTLY",
        definition: Definition {
            rule: Rule::ReindexNotConcurrent,
            reason: "REINDEX blocks writes to the table, and reads that could use the index.",
            example: r#"changes:
  - sql: { forward: REINDEX INDEX app.orders_note, rollback: REINDEX INDEX CONCURRENTLY app.orders_note }
"#,
            fixed: r#"changes:
  - sql: { forward: REINDEX INDEX CONCURRENTLY app.orders_note, rollback: REINDEX INDEX CONCURRENTLY app.orders_note }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "use bigint with an identity",
        definition: Definition {
            rule: Rule::SerialColumn,
            reason: "The sequence of a serial column has an owner and privileges of its own, and its value can be overwritten by accident. An identity is part of the column.",
            example: r#"changes:
  - sql:
      forward: CREATE TABLE app.notes (id bigserial PRIMARY KEY)
      rollback: DROP TABLE IF EXISTS app.notes
lint:
  - { ignore: rollback-drops-rows, reason: only for this example }
"#,
            fixed: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: bigint, identity: always, primaryKey: true }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "use timestamptz",
        definition: Definition {
            rule: Rule::TimestampWithoutTimeZone,
            reason: "A timestamp without a time zone names no point in time: who reads it has to know where it was written.",
            example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: paid_at, type: timestamp }] }
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: paid_at, type: timestamptz }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "name every table, or delete in batches",
        definition: Definition {
            rule: Rule::TruncateCascade,
            reason: "TRUNCATE … CASCADE empties every table that references the named one, whatever is in it.",
            example: r#"changes:
  - sql: { forward: TRUNCATE app.log CASCADE }
rollback: { irreversible: only for this example }
lint:
  - { ignore: drop-loses-data, reason: only for this example }
"#,
            fixed: r#"changes:
  - delete: { table: app.log, where: "note = 'old'" }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "write the schema",
        definition: Definition {
            rule: Rule::UnqualifiedName,
            reason: "The search_path of the session decides in which schema the table is, and whoever may create objects in an earlier schema can put another one before it.",
            example: r#"changes:
  - sql:
      forward: CREATE TABLE notes (id bigint PRIMARY KEY)
      rollback: DROP TABLE IF EXISTS notes
lint:
  - { ignore: rollback-drops-rows, reason: only for this example }
"#,
            fixed: r#"changes:
  - createTable: { table: app.notes, columns: [{ name: id, type: bigint, primaryKey: true }] }
"#,
            check: Check::Squawk,
        },
    },
    Taken {
        remedy: "use text, with a check where the length matters",
        definition: Definition {
            rule: Rule::VarcharLimit,
            reason: "Raising the limit of a varchar needs an ACCESS EXCLUSIVE lock; a check is changed online.",
            example: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: varchar(2) }] }
"#,
            fixed: r#"changes:
  - addColumn: { table: app.orders, columns: [{ name: land, type: text }] }
"#,
            check: Check::Squawk,
        },
    },
];
