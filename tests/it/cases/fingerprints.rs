//! The inspected catalog of every state that a case goes through: it differs where `pg_dump` does, and nowhere else.

use crate::support::{Case, Database, on_connection, said, scope};
use dagmar::inspect::compare;
use dagmar::pg::inspect::{Scope, delta, snapshot};
use dagmar::sql::without_concurrently;
use serde_json::Value;

pub fn of_states(name: &str) {
    let (case, database) = (Case::open(name), Database::new());
    // the values of sequences are data for `pg_dump`
    let scope = Scope { sequence_values: false, ..scope() };
    let catalog = || on_connection(&database, async |connection| snapshot(connection, &scope).await.unwrap());
    let state = |after: String| (after, database.schema(), catalog());
    let mut states = vec![state("nothing".to_owned())];
    for id in &case.ids() {
        case.apply(&database, id).ok();
        states.push(state(format!("apply {id}")));
    }
    for id in case.ids().iter().rev() {
        case.rollback(&database, id).ok();
        states.push(state(format!("rollback {id}")));
    }
    for (n, (after, dump, catalog)) in states.iter().enumerate() {
        for (before, other_dump, other_catalog) in &states[..n] {
            let differences = compare(other_catalog, catalog);
            let equal = catalog.fingerprint() == other_catalog.fingerprint();
            let moved = differences.iter().any(|difference| difference.is_move());
            assert_eq!(
                equal && !moved,
                dump == other_dump,
                "after {before} and after {after}\n{}\n{}",
                said(&differences),
                similar::TextDiff::from_lines(other_dump, dump).unified_diff()
            );
        }
    }
}

/// What each step changes, forward and back, is read by what the server says of the transaction.
pub fn of_transactions(name: &str) {
    let (case, database) = (Case::open(name), Database::new());
    // what steps call is there
    case.project.on(&database, &["apply"]).ok();
    case.project.on(&database, &["rollback", "--all"]).ok();
    on_connection(&database, async |connection| {
        let scope = scope();
        let mut base = snapshot(connection, &scope).await.unwrap();
        let back = case.steps.iter().rev().map(|step| &step["rollback"]);
        for statement in case.steps.iter().chain(back).flat_map(statements) {
            connection
                .author_texts(&format!("BEGIN; {statement}"))
                .await
                .unwrap_or_else(|why| panic!("{statement}\n{why}"));
            let changed = delta(connection, &scope, &base).await.unwrap();
            let now = snapshot(connection, &scope).await.unwrap();
            connection.author_texts("COMMIT").await.unwrap();
            base.apply(changed);
            assert_eq!(base, now, "{statement}\n{}", said(&compare(&base, &now)));
        }
    });
}

/// What a step or its rollback runs in transactions, in order.
fn statements(step: &Value) -> Vec<String> {
    let segments = step["segments"].as_array().into_iter().flatten();
    // batches change rows alone
    let segments = segments.filter(|segment| segment["mode"] != "batched");
    let statements = segments.flat_map(|segment| segment["statements"].as_array().into_iter().flatten());
    let texts = statements.map(|statement| statement["sql"].as_str().unwrap());
    texts.map(|sql| without_concurrently(sql).unwrap_or_else(|| sql.to_owned())).collect()
}
