//! Reads the rows of tables.

use super::savepoint;
use super::selection::{Selection, author_path, named};
use crate::base::checksum::sha256_hex;
use crate::base::name::quote_ident;
use crate::base::{Failure, FailureKind, QualifiedName};
use crate::pg::connect::query::Texts;
use crate::pg::connect::{Connection, query_failed};
use crate::rows::{Contents, TableContents, Value};
use serde::Deserialize;
use std::fmt::Write as _;

/// Tables in one message.
const TABLES: usize = 200;

/// Rows of a table beyond which it is not read.
const MOST_ROWS: usize = 1_000_000;

/// Bytes of a value beyond which its hash is kept.
const LONG: usize = 1_000;

/// A table that is to be read.
struct Listed {
    name: QualifiedName,
    /// `FROM` with what is read: a partitioned table with its partitions, any other without its children.
    from: String,
    contents: TableContents,
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    name: String,
    partitioned: bool,
    columns: Vec<String>,
    key: Vec<String>,
}

/// The rows of the selected tables, in the transaction that is open. Values are texts of the server's output functions
/// under fixed settings; of a value of more than 1,000 bytes a hash is kept. A table that cannot be read, or has more
/// than 1,000,000 rows, is in [`Contents::unread`].
///
/// # Errors
/// If no transaction is open, or the server does not answer.
pub async fn contents(connection: &Connection, selection: &Selection) -> Result<Contents, Failure> {
    let mut found = Contents::default();
    if selection.is_empty() {
        return Ok(found);
    }
    let mut listed = listed(connection, selection).await?;
    for tables in listed.chunks_mut(TABLES) {
        let all: Vec<String> = (0..tables.len()).map(|n| query(n, &tables[n])).collect();
        match savepoint::read(connection, &all.join("; ")).await? {
            Ok(rows) => rows.into_iter().for_each(|row| add(tables, row)),
            Err(_) => {
                for n in 0..tables.len() {
                    match savepoint::read(connection, &query(n, &tables[n])).await? {
                        Ok(rows) => rows.into_iter().for_each(|row| add(tables, row)),
                        Err(why) => {
                            found.unread.insert(tables[n].name.clone(), why.message);
                        }
                    }
                }
            }
        }
    }
    for Listed { name, contents, .. } in listed {
        if contents.rows.len() > MOST_ROWS {
            found.unread.insert(name, "it has more than 1,000,000 rows".to_owned());
        } else if !found.unread.contains_key(&name) {
            found.tables.insert(name, contents);
        }
    }
    Ok(found)
}

async fn listed(connection: &Connection, selection: &Selection) -> Result<Vec<Listed>, Failure> {
    let query = format!(
        "SELECT pg_catalog.jsonb_build_object('schema', n.nspname, 'name', c.relname, 'partitioned', c.relkind = 'p', \
         'columns', COALESCE((SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'), \
         'key', COALESCE((SELECT pg_catalog.jsonb_agg(a.attname) FROM pg_catalog.pg_constraint k \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) \
         WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]'))::text \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {} \
         ORDER BY n.nspname, c.relname",
        selection.condition(author_path(connection).await?)
    );
    let rows =
        savepoint::read(connection, &query).await?.map_err(|why| query_failed("cannot query the tables", &why))?;
    let one = |text: &str| {
        let answer: Answer = serde_json::from_str(text)
            .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot read the catalog: {e}")))?;
        let name = named(&answer.schema, &answer.name)?;
        let only = if answer.partitioned { "" } else { "ONLY " };
        let from = format!("FROM {only}{}", name.sql());
        let key = answer.columns.iter().enumerate().filter(|(_, column)| answer.key.contains(column));
        let contents = TableContents { key: key.map(|(n, _)| n).collect(), columns: answer.columns, rows: Vec::new() };
        Ok(Listed { name, from, contents })
    };
    rows.iter().filter_map(|row| row.first()?.as_deref()).map(one).collect()
}

/// The query for the rows of a table; each begins with its number.
fn query(number: usize, table: &Listed) -> String {
    let mut sql = format!("SELECT {number}");
    for column in &table.contents.columns {
        let _ = write!(sql, ", {}", quote_ident(column));
    }
    let _ = write!(sql, " {} LIMIT {}", table.from, MOST_ROWS + 1);
    sql
}

fn add(tables: &mut [Listed], row: Texts) {
    let mut values = row.into_iter();
    let number = values.next().flatten().and_then(|n| n.parse::<usize>().ok());
    if let Some(table) = number.and_then(|n| tables.get_mut(n)) {
        let kept: Vec<Value> = values.map(|value| value.map(kept)).collect();
        // a server may answer anything
        if kept.len() == table.contents.columns.len() {
            table.contents.rows.push(kept);
        }
    }
}

fn kept(value: String) -> Box<str> {
    if value.len() <= LONG {
        return value.into_boxed_str();
    }
    let head: String = value.chars().take(40).collect();
    format!("{head}… ({} bytes, sha256 {})", value.len(), sha256_hex(value.as_bytes())).into_boxed_str()
}
