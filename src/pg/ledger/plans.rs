//! Sealed plans that were uploaded to a service. What is read here is text from outside: whoever uses it verifies it.

use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, Ident};
use crate::history::EventKind;
use crate::ledger::json::jsonb;
use crate::pg::connect::query::millis;
use crate::pg::connect::{Connection, error};
use serde_json::Value;

/// The version of the ledger that has them.
pub const SINCE: u32 = 8;

/// How long a plan stays after its time is over.
const KEPT: &str = "interval '30 days'";

/// An uploaded plan, without its content.
#[derive(Debug, Clone)]
pub struct UploadedPlan {
    /// The digest.
    pub digest: String,
    /// When it expires, in milliseconds since 1970.
    pub expires_at: i64,
    /// The user and host that uploaded it.
    pub uploaded_by: String,
    /// When, in milliseconds since 1970.
    pub uploaded_at: i64,
    /// What the event of the upload says of it.
    pub detail: Value,
}

/// A plan that is to be stored.
#[derive(Debug, Clone)]
pub struct NewPlan<'a> {
    /// The digest.
    pub digest: &'a str,
    /// The file.
    pub content: &'a str,
    /// When it expires, in milliseconds since 1970.
    pub expires_at: i64,
    /// What the event says of it.
    pub detail: Value,
}

/// Stores a plan with its event, and deletes those whose time has been over for long. Where the ledger has the plan,
/// `replaces` says by the file that is there whether the new one takes its place; if not, nothing is stored.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn store(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    plan: NewPlan<'_>,
    replaces: impl FnOnce(&str) -> bool,
) -> Result<bool, Failure> {
    let done = store_in_one(connection, ledger, actor, plan, replaces).await;
    if done.is_err() {
        let _ = connection.roll_back().await;
    }
    done
}

async fn store_in_one(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    mut plan: NewPlan<'_>,
    replaces: impl FnOnce(&str) -> bool,
) -> Result<bool, Failure> {
    const CONTEXT: &str = "cannot store the plan in the ledger";
    let (l, digest) = (ledger.sql(), quote_literal(plan.digest));
    let failed = |e| error::query_failed(CONTEXT, &e);
    // one upload at a time: what was seen of a copy holds until it is replaced
    let begin = format!(
        "BEGIN;\nLOCK TABLE {l}.sealed_plan IN SHARE ROW EXCLUSIVE MODE;\nDELETE FROM {l}.sealed_plan WHERE expires_at < \
         clock_timestamp() - {KEPT}"
    );
    connection.execute(&begin).await.map_err(failed)?;
    let sql = format!("SELECT content FROM {l}.sealed_plan WHERE digest = {digest}");
    let rows = connection.query(CONTEXT, &sql).await?;
    let there = rows.first().map(|row| row.get::<String>(0)).transpose()?;
    if there.is_some_and(|there| !replaces(&there)) {
        connection.execute("COMMIT").await.map_err(failed)?;
        return Ok(false);
    }
    actor.sign(&mut plan.detail);
    let sql = format!(
        "DELETE FROM {l}.sealed_plan WHERE digest = {digest};\nINSERT INTO {l}.sealed_plan (digest, content, expires_at, uploaded_by) \
         VALUES ({digest}, {}, to_timestamp({} / 1000.0), {});\nINSERT INTO {l}.event (kind, detail) VALUES ('{}', \
         jsonb_strip_nulls({}));\nCOMMIT",
        quote_literal(plan.content),
        plan.expires_at,
        quote_literal(&actor.to_string()),
        EventKind::PlanUploaded.word(),
        jsonb(&plan.detail),
    );
    connection.execute(&sql).await.map_err(failed)?;
    Ok(true)
}

/// The file of a plan; `None`: it is not there.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn content(
    connection: &Connection,
    version: u32,
    ledger: &Ident,
    digest: &str,
) -> Result<Option<String>, Failure> {
    if version < SINCE {
        return Ok(None);
    }
    let sql = format!("SELECT content FROM {}.sealed_plan WHERE digest = {}", ledger.sql(), quote_literal(digest));
    let rows = connection.query("cannot read uploaded plans", &sql).await?;
    rows.first().map(|row| row.get(0)).transpose()
}

/// Whether there is a plan with this digest.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn is_there(connection: &Connection, version: u32, ledger: &Ident, digest: &str) -> Result<bool, Failure> {
    if version < SINCE {
        return Ok(false);
    }
    let sql = format!("SELECT 1 FROM {}.sealed_plan WHERE digest = {}", ledger.sql(), quote_literal(digest));
    Ok(!connection.query("cannot read uploaded plans", &sql).await?.is_empty())
}

/// The latest plans, the latest first.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn list(
    connection: &Connection,
    version: u32,
    ledger: &Ident,
    limit: u32,
) -> Result<Vec<UploadedPlan>, Failure> {
    if version < SINCE {
        return Ok(Vec::new());
    }
    let l = ledger.sql();
    let sql = format!(
        "SELECT p.digest, {}, p.uploaded_by, {}, u.detail::text FROM (SELECT digest, expires_at, uploaded_by, uploaded_at FROM \
         {l}.sealed_plan ORDER BY uploaded_at DESC LIMIT {limit}) p LEFT JOIN (SELECT DISTINCT ON (e.detail ->> 'plan') e.detail ->> 'plan' \
         AS plan, e.detail FROM {l}.event e WHERE e.kind = '{}' ORDER BY e.detail ->> 'plan', e.seq DESC) u ON u.plan = p.digest ORDER BY \
         p.uploaded_at DESC",
        millis("p.expires_at"),
        millis("p.uploaded_at"),
        EventKind::PlanUploaded.word(),
    );
    let rows = connection.query("cannot read uploaded plans", &sql).await?;
    let plan = |row: &crate::pg::connect::query::Row| {
        Ok(UploadedPlan {
            digest: row.get(0)?,
            expires_at: row.get(1)?,
            uploaded_by: row.get(2)?,
            uploaded_at: row.get(3)?,
            detail: row.get::<Option<&str>>(4)?.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        })
    };
    rows.iter().map(plan).collect()
}
