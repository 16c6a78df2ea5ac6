//! The locks that a segment takes before its first statement.

use crate::base::name::{quote_dollar, quote_literal};
use crate::plan::Segment;
use crate::sql::{Facts, LockMode};

/// The tables of a segment that touches more than one, locked before its first statement in
/// the order of their oids: two sessions that do so never wait for each other in a ring. ONLY
/// they: which partitions and children a statement locks as well is its own matter. The author's
/// `search_path` finds the tables, and nothing else.
/// Tables that are not there yet, and those that the role may use but not lock, are left to
/// the statements themselves.
pub(super) fn locks(segment: &Segment) -> Option<String> {
    let mut all = Facts::default();
    for (name, mode) in segment.statements.iter().flat_map(|s| &s.facts.locks) {
        if *mode >= LockMode::RowExclusive {
            all.lock(name.clone(), *mode);
        }
    }
    if all.locks.len() < 2 {
        return None;
    }
    let tables: Vec<String> =
        all.locks.iter().map(|(name, mode)| format!("({}, '{}')", quote_literal(&name.sql()), mode.sql())).collect();
    let body = format!(
        "DECLARE locked record; BEGIN FOR locked IN SELECT c.oid::pg_catalog.regclass AS name, t.mode FROM (VALUES {}) \
         t (name, mode) JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(t.name) WHERE \
         c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog.\"char\"[]) AND \
         pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') ORDER BY c.oid LOOP EXECUTE \
         pg_catalog.format('LOCK TABLE ONLY %s IN %s MODE', locked.name, locked.mode); END LOOP; END",
        tables.join(", ")
    );
    Some(format!("DO {}", quote_dollar(&body, "locks")))
}
