//! Reading what the attic keeps. Works with ledgers of every version; reads never write.

use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind as Fault, Ident, fill};
use crate::history::RecordedStatus;
use crate::history::attic::{AtticKind, Entry, Purged};
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::connect::query::{Row, millis};
use crate::pg::connect::server::Server;
use std::collections::BTreeMap;

const UNREAD: &str = "cannot read the attic";

/// Whether the rollback of its changeset would need the entry `p`, and it was purged: as SQL.
fn missing(ledger: &str) -> String {
    let needed = AtticKind::ALL.iter().filter(|(kind, _)| kind.is_for_rollback());
    let kinds: Vec<String> = needed.map(|(_, word)| quote_literal(word)).collect();
    format!(
        "p.kind IN ({}) AND p.purged_at IS NOT NULL AND p.restored_at IS NULL AND NOT EXISTS (SELECT FROM {ledger}.attic o \
         WHERE o.changeset = p.changeset AND o.kind = p.kind AND o.object = p.object AND o.id > p.id)",
        kinds.join(", ")
    )
}

/// Reads the entries that keep data, or did before they were put back or purged, in their order.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn entries(connection: &Connection, server: &Server, ledger: &Ident) -> Result<Vec<Entry>, Failure> {
    if !server.has_ledger {
        return Ok(Vec::new());
    }
    let attic = schema::attic(ledger.as_str());
    let l = ledger.sql();
    let [kept_at, restored_at, purged_at] =
        ["kept_at", "restored_at", "purged_at"].map(|at| millis(&format!("e.{at}")));
    let values = [
        ("ledger", l.as_ref()),
        ("atticName", &quote_literal(&attic)),
        ("purged", &missing(&l)),
        ("keptAt", &kept_at),
        ("restoredAt", &restored_at),
        ("purgedAt", &purged_at),
    ];
    let sql = fill(include_str!("attic.sql"), &values);
    let rows = connection.query(UNREAD, &sql).await?;
    rows.iter().filter_map(|row| entry(row).transpose()).collect()
}

fn entry(row: &Row) -> Result<Option<Entry>, Failure> {
    let Some(kind) = AtticKind::from_word(row.get(2)?) else { return Ok(None) };
    let status = row.get::<Option<&str>>(3)?.map(|word| {
        RecordedStatus::from_word(word)
            .ok_or_else(|| Failure::new(Fault::Database, format!("a changeset in the ledger has the status `{word}`")))
    });
    Ok(Some(Entry {
        id: row.get(0)?,
        changeset: row.get(1)?,
        kind,
        status: status.transpose()?,
        by_rollback: row.get(13)?,
        object: row.get(4)?,
        kept_as: row.get(5)?,
        home: row.get(6)?,
        rows: row.get(7)?,
        bytes: row.get(8)?,
        kept_at: row.get(9)?,
        restored_at: row.get(10)?,
        purged_at: row.get(11)?,
        is_kept: row.get(14)?,
        put_back: row.get(12)?,
    }))
}

/// What was purged of the data that rollbacks of these changesets need, with what the history says
/// of it.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn purged(
    connection: &Connection,
    ledger: &Ident,
    ids: &[String],
) -> Result<BTreeMap<String, Vec<Purged>>, Failure> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list: Vec<String> = ids.iter().map(|id| quote_literal(id)).collect();
    let sql = format!(
        "SELECT p.changeset, p.id, p.kind, p.object, {purged_at}, e.by FROM {l}.attic p \
         LEFT JOIN LATERAL (SELECT concat_ws(', ', x.db_user, (SELECT s.detail ->> 'by' FROM {l}.event s WHERE s.run = x.run \
         AND s.kind = 'runStarted' LIMIT 1)) AS by FROM {l}.event x WHERE x.kind = 'purged' AND x.detail -> 'entries' @> \
         jsonb_build_array(jsonb_build_object('entry', p.id)) ORDER BY x.seq DESC LIMIT 1) e ON true \
         WHERE p.changeset IN ({}) AND {} ORDER BY p.id",
        list.join(", "),
        missing(&ledger.sql()),
        l = ledger.sql(),
        purged_at = millis("p.purged_at"),
    );
    let mut found: BTreeMap<String, Vec<Purged>> = BTreeMap::new();
    for row in connection.query(UNREAD, &sql).await? {
        let (kind, object): (String, String) = (row.get(2)?, row.get(3)?);
        let what = AtticKind::from_word(&kind).map_or(object.clone(), |kind| format!("{} {object}", kind.words()));
        let purged = Purged { id: row.get(1)?, what, at: row.get(4)?, by: row.get(5)? };
        found.entry(row.get(0)?).or_default().push(purged);
    }
    Ok(found)
}
