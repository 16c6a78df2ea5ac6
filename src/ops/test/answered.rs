//! Expected values as PostgreSQL writes them: where YAML has the same value in other words, the server is asked.

use crate::base::name::quote_literal;
use crate::pg::Connection;
use crate::source::testing::{Expected, ExpectedRows, SqlText};
use crate::testing::compare::{self, is_equal};
use crate::testing::literal::Kind;
use crate::testing::{Mismatch, ResultSet};
use serde_json::Value;
use std::collections::HashMap;

/// Values that the server is asked for; a test with more compares texts.
const MOST: usize = 5000;

/// The type of a column.
struct Column {
    name: String,
    kind: Kind,
}

/// Compares a result with the expected one, in the session that had it.
///
/// # Errors
/// What differs.
pub(super) async fn compare(
    connection: &Connection,
    text: &SqlText,
    expected: &Expected,
    found: ResultSet,
) -> Result<(), Mismatch> {
    let Err(mismatch) = compare::compare(expected, &found) else { return Ok(()) };
    if mismatch.difference.is_none() {
        return Err(mismatch);
    }
    match in_words_of_the_server(connection, text, expected, found).await {
        Some((expected, found)) => compare::compare(&expected, &found),
        None => Err(mismatch),
    }
}

/// Both with the texts that the server has for the values; `None`: they are the same as before.
async fn in_words_of_the_server(
    connection: &Connection,
    text: &SqlText,
    expected: &Expected,
    mut found: ResultSet,
) -> Option<(Expected, ResultSet)> {
    let mut rows = match expected {
        Expected::Rows(rows) => rows.clone(),
        Expected::Value(value) => ExpectedRows { columns: None, rows: vec![vec![value.clone()]], is_ordered: true },
        Expected::Count(_) | Expected::Empty(_) => return None,
    };
    let positions = compare::columns(&rows, &found).ok()?;
    let types = types(connection, &text.sql).await?;
    let mut known: HashMap<(usize, String), Option<String>> = HashMap::new();
    for (i, at) in positions.iter().enumerate() {
        let column = types.get(*at)?;
        for row in &mut rows.rows {
            let is_there = found.rows.iter().any(|found| is_equal(&row[i], found[*at].as_deref()));
            if let Some(literal) = column.kind.literal(&row[i]).filter(|_| !is_there)
                && let Some(text) = written(connection, column, *at, literal, &mut known).await
            {
                row[i] = Value::String(text);
            }
        }
        // the text of `json` is kept as it was written
        if column.name == "json" {
            for row in &mut found.rows {
                if let Some(text) = row[*at].take() {
                    let same = written(connection, column, *at, text.clone(), &mut known).await;
                    row[*at] = Some(same.unwrap_or(text));
                }
            }
        }
    }
    let expected = match expected {
        Expected::Value(_) => Expected::Value(rows.rows.pop()?.pop()?),
        _ => Expected::Rows(rows),
    };
    Some((expected, found))
}

/// The types of the columns of a query; `None`: it is no single statement.
async fn types(connection: &Connection, sql: &str) -> Option<Vec<Column>> {
    let oids = connection.author_types(sql).await.ok()?;
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let ask = format!(
        "SELECT format_type(oid, NULL) FROM unnest(ARRAY[{list}]::oid[]) WITH ORDINALITY AS t (oid, n) ORDER BY n"
    );
    let rows = connection.try_query(&ask).await.ok()?;
    let column = |name: String| Column { kind: Kind::of_type(&name), name };
    rows.iter().map(|row| row.try_get::<String>(0).ok().map(column)).collect()
}

/// The text that the server has for a literal; `None`: it is none of the type.
async fn written(
    connection: &Connection,
    column: &Column,
    at: usize,
    literal: String,
    known: &mut HashMap<(usize, String), Option<String>>,
) -> Option<String> {
    let key = (at, literal);
    if let Some(text) = known.get(&key) {
        return text.clone();
    }
    if known.len() >= MOST {
        return None;
    }
    let name = if column.name == "json" { "jsonb" } else { &column.name };
    let ask = format!("SELECT {}::{name}::text", quote_literal(&key.1));
    let rows = connection.try_query(&ask).await.ok();
    let text = rows.and_then(|rows| rows.first().and_then(|row| row.try_get::<Option<String>>(0).ok().flatten()));
    known.insert(key, text.clone());
    text
}
