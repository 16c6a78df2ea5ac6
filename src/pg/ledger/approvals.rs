//! Approvals in a target's ledger. Who, when and from where is the server's word: the columns
//! are filled by a trigger, rows cannot be changed, and each has an event in the chain.

use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, FailureKind, HumanDuration, Ident, Operation, Remedy, Setting};
use crate::history::approval::{Approval, ApprovalVerdict, SINCE};
use crate::ledger::json::jsonb;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::connect::server::Server;
use serde_json::json;
use std::collections::BTreeSet;

/// The version that has the request with which a person asked a service.
const ORIGIN_SINCE: u32 = 8;

/// What somebody says of a plan.
#[derive(Debug, Clone, Copy)]
pub struct NewApproval<'a> {
    /// The plan.
    pub digest: &'a str,
    /// Approved or rejected.
    pub verdict: ApprovalVerdict,
    /// Why.
    pub reason: &'a str,
    /// How long it counts; absent: as long as the plan.
    pub expires: Option<HumanDuration>,
}

/// Writes one, and its event.
///
/// # Errors
/// When the role may not, or the ledger has no place for it.
pub async fn write(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    word: &NewApproval<'_>,
) -> Result<(), Failure> {
    let expires =
        word.expires.map_or("NULL".to_owned(), |span| format!("clock_timestamp() + {} * interval '1 ms'", span.millis));
    let sql = format!(
        "INSERT INTO {}.approval (digest, verdict, reason, os_user, host, expires_at, origin) VALUES ({}, {}, {}, {}, {}, {expires}, {})",
        ledger.sql(),
        quote_literal(word.digest),
        quote_literal(word.verdict.word()),
        quote_literal(word.reason),
        quote_literal(&actor.user),
        quote_literal(&actor.host),
        actor.origin.as_ref().map_or_else(|| "NULL".to_owned(), |origin| jsonb(&json!(origin))),
    );
    connection.execute(&sql).await.map_err(|e| match e.sqlstate.as_str() {
        "42501" => {
            Failure::new(FailureKind::Refused, "the role may neither approve nor reject here; nothing was recorded")
                .help(
                    Remedy::from(format!("GRANT INSERT ON {}.approval TO it: see ", ledger.sql()))
                        + Operation::LedgerGrants.with(Setting::Approver.open()),
                )
        }
        _ => error::query_failed("cannot record it", &e),
    })
}

/// Reads what was said of a plan, in the order in which it was said. Roles are those that the
/// user had then and has now: who lost a role does not approve with it.
///
/// # Errors
/// When the ledger cannot be read, or has a row that did not come by way of [`write()`].
pub async fn read(
    connection: &Connection,
    server: &Server,
    version: u32,
    ledger: &Ident,
    digest: Option<&str>,
) -> Result<Vec<Approval>, Failure> {
    if !server.has_ledger || version < SINCE {
        return Ok(Vec::new());
    }
    let l = ledger.sql();
    let only = digest.map_or(String::new(), |digest| format!("WHERE a.digest = {}", quote_literal(digest)));
    let origin = if version < ORIGIN_SINCE { "NULL::text" } else { "a.origin::text" };
    let sql = format!(
        "SELECT a.db_user, ARRAY(SELECT r FROM pg_catalog.unnest(a.roles) r JOIN pg_catalog.pg_roles g ON g.rolname = r \
         JOIN pg_catalog.pg_roles u ON u.rolname = a.db_user WHERE pg_catalog.pg_has_role(u.oid, g.oid, 'MEMBER')), \
         a.os_user, (extract(epoch FROM a.at) * 1000)::int8, CASE WHEN isfinite(a.expires_at) THEN (extract(epoch FROM \
         a.expires_at) * 1000)::int8 WHEN a.expires_at < a.at THEN 0 END, a.digest, a.verdict, a.reason, {has_event}, a.host, {origin} FROM {l}.approval a {only} ORDER BY a.id",
        has_event = has_event(&l, version),
    );
    let rows = connection.query("cannot read approvals", &sql).await?;
    let mut forged = BTreeSet::new();
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let verdict: String = row.get(6)?;
        let by: String = row.get(0)?;
        if !row.get::<bool>(8)? {
            forged.insert(by.clone());
        }
        all.push(Approval {
            by,
            role_memberships: row.get(1)?,
            os_user: row.get(2)?,
            at: row.get(3)?,
            expires_at: row.get(4)?,
            digest: row.get(5)?,
            verdict: if verdict == ApprovalVerdict::Approve.word() {
                ApprovalVerdict::Approve
            } else {
                ApprovalVerdict::Reject
            },
            reason: row.get(7)?,
            host: row.get(9)?,
            // one that nobody can read is none: then the role counts
            origin: row.get::<Option<&str>>(10)?.and_then(|text| serde_json::from_str(text).ok()),
        });
    }
    if forged.is_empty() {
        return Ok(all);
    }
    let names: Vec<String> = forged.iter().map(|by| format!("`{by}`")).collect();
    Err(Failure::new(FailureKind::Drift, "an approval in the ledger was inserted or changed manually")
        .note(format!("no event records the decision of {}", names.join(", ")))
        .help(Operation::History.with(Setting::Verify) + " shows what else was changed"))
}

/// Whether the approval `a` has its event, as an SQL expression.
pub(crate) fn has_event(l: &str, version: u32) -> String {
    let origin = if version < ORIGIN_SINCE { "NULL::jsonb" } else { "pg_catalog.jsonb_strip_nulls(a.origin)" };
    format!(
        "EXISTS (SELECT FROM {l}.event e WHERE e.kind = CASE a.verdict WHEN 'approve' THEN 'approved' ELSE 'rejected' END \
         AND e.detail ->> 'approval' = a.id::text AND e.detail ->> 'plan' = a.digest AND e.db_user = a.db_user \
         AND e.detail ->> 'reason' = a.reason AND CASE WHEN e.detail ->> 'expiresAt' ~ '^[0-9-]+T[0-9:.+-]+$' THEN \
         (e.detail ->> 'expiresAt')::timestamptz IS NOT DISTINCT FROM a.expires_at ELSE \
         e.detail ->> 'expiresAt' IS NOT DISTINCT FROM a.expires_at::text END \
         AND e.detail ->> 'by' = a.os_user || '@' || a.host AND abs(extract(epoch FROM e.at - a.at)) < 60 \
         AND e.detail -> 'origin' IS NOT DISTINCT FROM {origin} AND (NOT e.detail ? 'roles' OR e.detail -> 'roles' = pg_catalog.to_jsonb(a.roles) AND e.detail ->> 'from' IS NOT DISTINCT \
         FROM pg_catalog.host(a.client_addr)))"
    )
}
