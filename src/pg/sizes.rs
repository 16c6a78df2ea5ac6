//! How large tables are, as the catalog has it: nothing is read or locked for it. And how far backfills are.

use super::connect::Connection;
use super::error;
use crate::base::{Failure, Ident, QualifiedName};
use crate::plan::{Plan, Progress, Size};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// The sizes of the tables that a plan locks, by the names that the plan has for them.
///
/// # Errors
/// When the server does not answer.
pub async fn of_plan(connection: &Connection, plan: &Plan) -> Result<BTreeMap<String, Size>, Failure> {
    let segments = plan.steps.iter().flat_map(|step| &step.segments).filter(|s| s.progress != Progress::Done);
    let statements = segments.flat_map(|segment| &segment.statements);
    let mut names: Vec<&QualifiedName> =
        statements.flat_map(|statement| statement.facts.locks.iter().map(|(name, _)| name)).collect();
    names.sort();
    names.dedup();
    sizes(connection, &names).await
}

/// The sizes of these tables, as far as they are there and somebody has counted them. A partitioned table
/// has the size of its partitions.
///
/// # Errors
/// When the server does not answer.
pub async fn sizes(connection: &Connection, names: &[&QualifiedName]) -> Result<BTreeMap<String, Size>, Failure> {
    // what has no schema is found by the search path
    const SQL: &str = "WITH RECURSIVE asked AS ( \
        SELECT a.no, c.oid AS id FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) \
            WITH ORDINALITY AS a (schema, name, no) \
        JOIN pg_catalog.pg_class AS c ON c.relname::text = a.name AND c.relkind IN ('r', 'p', 'm') \
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
        WHERE n.nspname::text = a.schema OR a.schema = '' AND pg_catalog.pg_table_is_visible(c.oid) \
    ), part AS ( \
        SELECT no, id FROM asked UNION ALL \
        SELECT p.no, i.inhrelid FROM part AS p JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.id \
    ) \
    SELECT q.no, pg_catalog.sum(q.pages)::bigint * pg_catalog.current_setting('block_size')::bigint, \
        pg_catalog.sum(q.rows)::bigint, pg_catalog.count(*) FILTER (WHERE q.rows IS NULL) FROM ( \
            SELECT p.no, c.relpages AS pages, CASE WHEN c.reltuples < '0'::real \
                THEN NULLIF(pg_catalog.pg_stat_get_live_tuples(c.oid), 0::bigint) ELSE c.reltuples::bigint END AS rows \
            FROM part AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.id WHERE c.relkind IN ('r', 'm')) AS q \
    GROUP BY q.no";
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let schemas: Vec<&str> = names.iter().map(|name| name.schema.as_ref().map_or("", |s| s.as_str())).collect();
    let tables: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let rows = connection
        .client
        .query_typed(SQL, &[(&schemas, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY)])
        .await
        .map_err(|e| error::unanswered("cannot ask how large the tables are", &e))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let unread = |e: tokio_postgres::Error| error::unanswered("cannot read how large the tables are", &e);
        let no: i64 = row.try_get(0).map_err(unread)?;
        let bytes: i64 = row.try_get::<_, Option<i64>>(1).map_err(unread)?.unwrap_or_default();
        let rows: Option<i64> = row.try_get(2).map_err(unread)?;
        let uncounted: i64 = row.try_get(3).map_err(unread)?;
        let Some(name) = usize::try_from(no).ok().and_then(|no| names.get(no.checked_sub(1)?)) else { continue };
        // a part that nobody has counted makes the whole unknown
        let rows = rows.filter(|_| uncounted == 0).and_then(|rows| u64::try_from(rows).ok());
        if rows.is_some() || bytes > 0 {
            found.insert(name.to_string(), Size { rows, bytes: u64::try_from(bytes).unwrap_or_default() });
        }
    }
    Ok(found)
}

/// How far a backfill is that was begun and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The changeset.
    pub changeset: String,
    /// The table.
    pub table: String,
    /// Rows that the walk has looked at.
    pub seen: u64,
    /// Rows of the table, where the server knows.
    pub rows: Option<u64>,
}

/// The backfills that were begun and not finished.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn walks(connection: &Connection, ledger: &Ident, version: u32) -> Result<Vec<Walk>, Failure> {
    // the first version does not know how many rows were looked at
    if version < 2 {
        return Ok(Vec::new());
    }
    let l = ledger.sql();
    let sql = format!(
        "SELECT w.changeset, w.batch, w.seen FROM (SELECT s.changeset, s.seen, c.forward #>> ARRAY['segments', s.no::text, \
         'batch', 'table'] AS batch FROM {l}.segment AS s JOIN {l}.changeset AS c ON c.id = s.changeset \
         WHERE s.direction = 'forward' AND s.status = 'started') AS w WHERE w.batch IS NOT NULL"
    );
    let unread = |e: tokio_postgres::Error| error::unanswered("cannot read how far the backfills are", &e);
    let mut found = Vec::new();
    for row in connection.client.query_typed(&sql, &[]).await.map_err(unread)? {
        let (changeset, table): (String, String) = (row.try_get(0).map_err(unread)?, row.try_get(1).map_err(unread)?);
        let Ok(name) = table.parse::<QualifiedName>() else { continue };
        let rows = sizes(connection, &[&name]).await?.into_values().next().and_then(|size| size.rows);
        let seen = u64::try_from(row.try_get::<_, i64>(2).map_err(unread)?).unwrap_or_default();
        found.push(Walk { changeset, table, seen, rows });
    }
    Ok(found)
}
