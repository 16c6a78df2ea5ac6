//! How large the tables of a plan are, as the catalog has it: nothing is read or locked for it.

use super::connect::Connection;
use super::error;
use crate::base::{Failure, QualifiedName};
use crate::plan::{Plan, Progress, Size};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// The sizes of the tables that a plan locks, as far as they are there and somebody has counted them, by
/// the names that the plan has for them. A partitioned table has the size of its partitions.
///
/// # Errors
/// When the server does not answer.
pub async fn sizes(connection: &Connection, plan: &Plan) -> Result<BTreeMap<String, Size>, Failure> {
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
    SELECT p.no, pg_catalog.sum(c.relpages)::bigint * pg_catalog.current_setting('block_size')::bigint, \
        pg_catalog.sum(c.reltuples) FILTER (WHERE c.reltuples >= '0'::real)::double precision, \
        pg_catalog.count(*) FILTER (WHERE c.reltuples < '0'::real) \
    FROM part AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.id WHERE c.relkind IN ('r', 'm') GROUP BY p.no";
    let mut names: Vec<&QualifiedName> = plan
        .steps
        .iter()
        .flat_map(|step| &step.segments)
        .filter(|segment| segment.progress != Progress::Done)
        .flat_map(|segment| &segment.statements)
        .flat_map(|statement| statement.facts.locks.iter().map(|(name, _)| name))
        .collect();
    names.sort();
    names.dedup();
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
        let rows: Option<f64> = row.try_get(2).map_err(unread)?;
        let uncounted: i64 = row.try_get(3).map_err(unread)?;
        let Some(name) = usize::try_from(no).ok().and_then(|no| names.get(no.checked_sub(1)?)) else { continue };
        // a part that nobody has counted makes the whole unknown
        let rows = rows.filter(|_| uncounted == 0).map(|rows| rows as u64);
        if rows.is_some() || bytes > 0 {
            found.insert(name.to_string(), Size { rows, bytes: u64::try_from(bytes).unwrap_or_default() });
        }
    }
    Ok(found)
}
