//! The message that asks for several classes at once.

use super::scope::Scope;
use crate::base::checksum::sha256_hex;
use crate::base::name::quote_literal;
use crate::base::{Failure, fill};
use crate::inspect::ObjectKey;
use crate::pg::connect::query::Answer;
use crate::pg::connect::{Connection, query_failed};
use std::collections::BTreeSet;

/// What could not be done, in a failure.
pub(super) const CONTEXT: &str = "cannot read the catalog";

/// Settings on which the text of a definition depends, or its time, and their values here.
const SETTINGS: [(&str, &str); 9] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    // compiling these queries takes longer than running them
    ("jit", "off"),
    // the order in which they are written is a good one, and looking for a better one takes longer
    ("join_collapse_limit", "1"),
];

/// Further settings for prepared queries. They are planned once, when the catalog may be small, and stay good when it
/// grows.
const PREPARED: [(&str, &str); 2] = [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];

/// Which objects of a class.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    /// All.
    All,
    /// Those of the units, or with the oids, in the parameter.
    Given,
}

/// The queries that a session has prepared: planning them takes longer than running them.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    names: BTreeSet<String>,
}

impl Prepared {
    /// The query for those that there are. Statements of authors may have removed some.
    pub const LIST: &str =
        "SELECT name FROM pg_catalog.pg_prepared_statements WHERE pg_catalog.starts_with(name, 'dagmar_')";

    /// Those that the answer names.
    pub fn of(answer: &Answer) -> Self {
        Self { names: answer.rows.iter().filter_map(|row| row.first().cloned().flatten()).collect() }
    }

    /// The statements that run a query with oids as its parameter.
    pub fn execute(&mut self, query: &str, oids: &[u32]) -> String {
        let name: String = format!("dagmar_{}", sha256_hex(query.as_bytes())).chars().take(40).collect();
        let oids: Vec<String> = oids.iter().map(u32::to_string).collect();
        let execute = format!("EXECUTE {name}('{{{}}}')", oids.join(","));
        if self.names.contains(&name) {
            return execute;
        }
        let prepare = format!("PREPARE {name}(oid[]) AS {query};\n{execute}");
        self.names.insert(name);
        prepare
    }
}

/// The answers to queries of one row type each, under the settings for definitions. The session's own come back.
pub(super) async fn answers(
    connection: &Connection,
    context: &str,
    queries: &[String],
) -> Result<Vec<Answer>, Failure> {
    answers_under(connection, context, queries, &[]).await
}

/// The same for queries that are prepared.
pub(super) async fn prepared_answers(
    connection: &Connection,
    context: &str,
    queries: &[String],
) -> Result<Vec<Answer>, Failure> {
    answers_under(connection, context, queries, &PREPARED).await
}

async fn answers_under(
    connection: &Connection,
    context: &str,
    queries: &[String],
    more: &[(&str, &str)],
) -> Result<Vec<Answer>, Failure> {
    let settings = || SETTINGS.iter().chain(more);
    let kept: Vec<String> =
        settings().map(|(name, _)| format!("'{name}', pg_catalog.current_setting('{name}')")).collect();
    let set: Vec<String> =
        settings().map(|(name, value)| format!("pg_catalog.set_config('{name}', '{value}', true)")).collect();
    // a message of several statements is one transaction (manual, chapter 55.2.2.1), or part of the open one
    let message = format!(
        "SELECT pg_catalog.set_config('dagmar.settings', pg_catalog.json_build_object({})::text, true);\nSELECT {};\n{};\n\
         SELECT pg_catalog.set_config(s.key, s.value, true) \
         FROM pg_catalog.json_each_text(pg_catalog.current_setting('dagmar.settings')::json) s",
        kept.join(", "),
        set.join(", "),
        queries.join(";\n")
    );
    let answers = connection.answers(&message).await.map_err(|e| query_failed(context, &e))?;
    Ok(answers.into_iter().skip(2).take(queries.len()).collect())
}

/// A query with its placeholders filled in.
pub(super) fn query(connection: &Connection, sql: &str, filter: Filter, scope: &Scope) -> String {
    let names: Vec<String> = scope.without.iter().map(|name| format!(", {}", quote_literal(name))).collect();
    let schema =
        format!("n.nspname !~ '^pg_' AND n.nspname <> ALL (ARRAY['information_schema'{}]::name[])", names.concat());
    let (units, oids) = match filter {
        // no object of a user has a lower one
        Filter::All => ("IS NOT NULL", ">= 16384"),
        Filter::Given => ("= ANY ($1)", "= ANY ($1)"),
    };
    let (columns, rows) =
        if connection.server_major < 15 { ("NULL::int2[]", "NULL::pg_node_tree") } else { ("r.prattrs", "r.prqual") };
    let values = [
        ("schema", schema.as_str()),
        ("units", units),
        ("oids", oids),
        ("free", FREE),
        ("current", CURRENT),
        ("publishedColumns", columns),
        ("publishedRows", rows),
    ];
    let relations = fill(RELATIONS, &values);
    let values = [&values[..], &[("relations", relations.as_str())]].concat();
    fill(sql.trim_end(), &values)
}

/// The query for the values of sequences; `None`: there are none.
pub(super) fn values_of(sequences: &[(&ObjectKey, u32)]) -> Option<String> {
    let each = |(key, oid): &(&ObjectKey, u32)| {
        format!(
            "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS class, {oid} AS oid, last_value AS \"lastValue:number\", \
             is_called AS \"isCalled:bool\" FROM {}",
            key.name
        )
    };
    let each: Vec<String> = sequences.iter().map(each).collect();
    (!each.is_empty()).then(|| each.join(" UNION ALL "))
}

/// Whether an object, whose class and oid follow, belongs to no extension.
const FREE: &str = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend member WHERE member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass \
                    AND member.deptype = 'e' AND (member.classid, member.objid) = ";

/// Whether the name before it is none of the attic: dropped columns stay in their tables under such names.
const CURRENT: &str = "!~ '^attic_[0-9a-f]{8}_'";

/// The relations that can have columns, with their names and kinds.
const RELATIONS: &str = "(
    SELECT c.*, c.tableoid, pg_catalog.quote_ident(n.nspname) AS schema,
        pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
        CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND @schema@ AND c.oid @units@ AND (c.relname NOT BETWEEN 'attic_0' AND 'attic_g' OR c.relname @current@) AND @free@(c.tableoid, c.oid)))";
