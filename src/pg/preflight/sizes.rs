//! How large tables are, as the catalog has it: nothing is read or locked for it. And how far backfills are.

use crate::base::name::quote_literal;
use crate::base::{Failure, Ident, QualifiedName};
use crate::pg::connect::Connection;
use crate::plan::{Plan, Size};
use std::collections::BTreeMap;

/// The sizes of the tables that a plan locks, by the names that the plan has for them.
///
/// # Errors
/// When the server does not answer.
pub async fn of_plan(connection: &Connection, plan: &Plan) -> Result<BTreeMap<String, Size>, Failure> {
    let segments = plan.steps.iter().flat_map(|step| step.left()).map(|(_, segment)| segment);
    let facts = segments.flat_map(|segment| &segment.statements).map(|statement| &statement.facts);
    let mut names: Vec<&QualifiedName> = facts
        .flat_map(|facts| {
            let also = facts.also.iter().flat_map(|also| &also.tables);
            facts.locks.iter().map(|(name, _)| name).chain(also)
        })
        .collect();
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
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(no, name)| {
            let schema = name.schema.as_ref().map_or("", |schema| schema.as_str());
            format!("({no}, {}, {})", quote_literal(schema), quote_literal(name.name.as_str()))
        })
        .collect();
    // what has no schema is found by the authors' path; no right on the table is needed
    let sql = format!(
        "WITH RECURSIVE path AS MATERIALIZED ( \
            SELECT CASE WHEN pg_catalog.set_config('search_path', {}, true) IS NOT NULL THEN pg_catalog.current_schemas(true) END AS schemas \
        ), asked AS ( \
            SELECT DISTINCT ON (a.no) a.no, c.oid AS id FROM (VALUES {}) AS a (no, schema, name) CROSS JOIN path AS p \
            JOIN pg_catalog.pg_class AS c ON c.relname = a.name \
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE n.nspname = a.schema OR a.schema = '' AND n.nspname = ANY (p.schemas) \
            ORDER BY a.no, pg_catalog.array_position(p.schemas, n.nspname) \
        ), part AS ( \
            SELECT no, id FROM asked UNION ALL \
            SELECT p.no, i.inhrelid FROM part AS p JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.id \
        ) \
        SELECT q.no, pg_catalog.sum(q.pages)::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8, \
            pg_catalog.sum(q.rows)::pg_catalog.int8, pg_catalog.count(*) FILTER (WHERE q.rows IS NULL), \
            pg_catalog.sum(q.more)::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8 FROM ( \
                SELECT p.no, c.relpages AS pages, (SELECT coalesce(pg_catalog.sum(x.relpages), 0) FROM pg_catalog.pg_class AS x \
                    WHERE x.oid = ANY (ARRAY(SELECT i.indexrelid FROM pg_catalog.pg_index AS i \
                        WHERE i.indrelid IN (c.oid, c.reltoastrelid) UNION ALL SELECT c.reltoastrelid))) AS more, CASE WHEN c.reltuples < 0 \
                    THEN nullif(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) ELSE greatest(c.reltuples::pg_catalog.int8, pg_catalog.pg_stat_get_live_tuples(c.oid)) END AS rows \
                FROM part AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.id WHERE c.relkind IN ('r', 'm')) AS q \
        GROUP BY q.no",
        quote_literal(connection.author_path()),
        asked.join(", ")
    );
    let rows = connection.query("cannot query the sizes of the tables", &sql).await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let (no, bytes): (i32, Option<i64>) = (row.get(0)?, row.get(1)?);
        let (rows, uncounted): (Option<i64>, i64) = (row.get(2)?, row.get(3)?);
        let more: Option<i64> = row.get(4)?;
        let Some(name) = usize::try_from(no).ok().and_then(|no| names.get(no)) else { continue };
        // a part that nobody has counted makes the whole unknown
        let rows = rows.filter(|_| uncounted == 0).and_then(|rows| u64::try_from(rows).ok());
        let of = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
        let (bytes, more) = (of(bytes), of(more));
        if rows.is_some() || bytes > 0 {
            found.insert(name.to_string(), Size { rows, bytes, total_bytes: bytes + more });
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
    let mut found = Vec::new();
    for row in connection.query("cannot read the progress of the backfills", &sql).await? {
        let (changeset, table, seen): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Ok(name) = table.parse::<QualifiedName>() else { continue };
        let rows = sizes(connection, &[&name]).await?.into_values().next().and_then(|size| size.rows);
        found.push(Walk { changeset, table, seen: u64::try_from(seen).unwrap_or_default(), rows });
    }
    Ok(found)
}
