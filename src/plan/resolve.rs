//! Which tables the statements of a plan lock beside those that they name.

use super::model::{Plan, Progress};
use crate::sql::Catalog;
use std::collections::HashSet;

/// Names the tables that each statement locks as well, by a catalog (of the server, or empty) and by what the
/// statements before it make. Nobody waits for tables that the same changeset has made.
pub fn resolve(plan: &mut Plan, mut catalog: Catalog) {
    for step in &mut plan.steps {
        let mut made = HashSet::new();
        for segment in &mut step.segments {
            let is_done = segment.progress == Progress::Done;
            for statement in &mut segment.statements {
                let facts = &mut statement.facts;
                catalog.resolve(facts);
                facts.also.retain_mut(|also| {
                    also.tables.retain(|table| !made.contains(table));
                    !also.complete || !also.tables.is_empty()
                });
                // a server has it already
                if !is_done || !catalog.is_of_server() {
                    made.extend(catalog.note(&statement.sql, facts));
                }
            }
        }
    }
}
