//! The ledger's tables, by version.

use super::chain;
use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Ident, checksum, fill};
use crate::history::event::EventKind;

/// The version that this program writes.
pub const VERSION: u32 = 8;

/// The first version whose chain of events is hashed in a form that keeps its borders, and covers
/// what is stored.
pub const CHAINED: u32 = 4;

/// The schemas themselves.
const SCHEMAS: &str = include_str!("../../schema/ledger/schemas.sql");

/// The SQL that leads the tables from the version before to each version.
const TABLES: &[(u32, &str)] = &[
    (1, include_str!("../../schema/ledger/tables/0001_init.sql")),
    (2, include_str!("../../schema/ledger/tables/0002_requests.sql")),
    (3, include_str!("../../schema/ledger/tables/0003_approvals.sql")),
    (4, include_str!("../../schema/ledger/tables/0004_integrity.sql")),
    (5, include_str!("../../schema/ledger/tables/0005_request.sql")),
    (6, include_str!("../../schema/ledger/tables/0006_proven.sql")),
    (7, include_str!("../../schema/ledger/tables/0007_drift.sql")),
    (8, include_str!("../../schema/ledger/tables/0008_service.sql")),
];

/// The functions, triggers and rights. They have no versions of their own: every upgrade puts these
/// in place of what is there.
const FUNCTIONS: &[&str] = &[
    include_str!("../../schema/ledger/functions/events.sql"),
    include_str!("../../schema/ledger/functions/attic.sql"),
    include_str!("../../schema/ledger/functions/kept_tables.sql"),
    include_str!("../../schema/ledger/functions/kept_columns.sql"),
    include_str!("../../schema/ledger/functions/kept_rows.sql"),
    include_str!("../../schema/ledger/functions/attic_entries.sql"),
    include_str!("../../schema/ledger/functions/definitions.sql"),
    include_str!("../../schema/ledger/functions/remembered.sql"),
    include_str!("../../schema/ledger/rights.sql"),
];

/// The first half of the key of the advisory lock: `dgmr`.
pub const LOCK_CLASS: i32 = 0x6467_6d72;

/// The first half of the key that sessions hold, in shared mode, that run changesets: `dgmw`.
pub const WORKER_CLASS: i32 = 0x6467_6d77;

/// The second half of the key: each ledger of a database has a lock of its own.
#[must_use]
pub fn lock_key(ledger: &Ident) -> i32 {
    let hex = checksum::sha256_hex(ledger.as_str().as_bytes());
    i32::from_str_radix(&hex[..7], 16).unwrap_or(0)
}

/// The schema of the attic that belongs to a ledger.
#[must_use]
pub fn attic(ledger: &str) -> String {
    format!("{ledger}_attic")
}

/// The SQL that brings a ledger of version `from` (0: none) up to date, without transaction
/// control. It is meant for dagmar's own `search_path`.
#[must_use]
pub fn upgrade(ledger: &Ident, from: u32) -> String {
    let mut sql = if from == 0 { filled(ledger, SCHEMAS) } else { String::new() };
    sql.extend((from + 1..=VERSION).map(|version| tables(ledger, version)));
    sql.push_str(&functions(ledger));
    if (1..CHAINED).contains(&from) {
        sql.push_str(&upgraded(ledger, &from.to_string()));
    }
    sql
}

/// The part of an upgrade that makes the tables of this version of those of the version before.
#[must_use]
pub fn tables(ledger: &Ident, version: u32) -> String {
    let mut sql = String::new();
    for (_, tables) in TABLES.iter().filter(|(of, _)| *of == version) {
        sql.push_str(tables);
        if version > 1 {
            sql.push_str(&format!("UPDATE @ledger@.meta SET value = '{version}' WHERE key = 'version';\n"));
        }
    }
    filled(ledger, &sql)
}

/// The part of an upgrade that puts functions, triggers and rights in place.
#[must_use]
pub fn functions(ledger: &Ident) -> String {
    filled(ledger, &FUNCTIONS.concat())
}

/// The event of an upgrade from before [`CHAINED`], which fixes what the form of the hashes until
/// then does not keep apart. `from` is SQL.
#[must_use]
pub fn upgraded(ledger: &Ident, from: &str) -> String {
    let sql = format!(
        "INSERT INTO @ledger@.event (kind, detail) SELECT '{}', jsonb_build_object('from', {from}, 'to', {VERSION}, 'events', \
         count(*), 'digest', {}, 'recorded', (SELECT jsonb_object_agg(x.id, x.recorded) FROM (SELECT c.id, \
         jsonb_strip_nulls(@recorded@) AS recorded FROM @ledger@.changeset c UNION ALL SELECT o.id, jsonb_build_object('attic', {}) \
         FROM (SELECT DISTINCT changeset AS id FROM @ledger@.attic WHERE restored_at IS NULL AND purged_at IS NULL) o WHERE NOT \
         EXISTS (SELECT FROM @ledger@.changeset c WHERE c.id = o.id)) x)) FROM @ledger@.event e;\n",
        EventKind::Upgraded.word(),
        chain::DIGEST_UNTIL_3,
        chain::kept_sql(&ledger.sql(), "o.id")
    );
    filled(ledger, &sql)
}

fn filled(ledger: &Ident, text: &str) -> String {
    let kinds: Vec<String> = EventKind::ALL.iter().map(|(_, word)| quote_literal(word)).collect();
    let (sql, attic) = (ledger.sql(), attic(ledger.as_str()));
    fill(
        text,
        &[
            ("ledger", &sql),
            ("attic", &quote_ident(&attic)),
            ("ledgerName", &quote_literal(ledger.as_str())),
            ("atticName", &quote_literal(&attic)),
            ("kinds", &kinds.join(", ")),
            ("recorded", &chain::recorded_sql(&sql)),
            ("kept", &chain::kept_sql(&sql, "NEW.changeset")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another function reaches the ledgers that are there only by another version: where the
    /// one below was released, raise it.
    #[test]
    fn functions_change_with_the_version() {
        let digest = checksum::sha256_hex(functions(&Ident::new("l").unwrap()).as_bytes());
        assert_eq!((VERSION, digest.as_str()), (8, "3824651e621242dc20ffade2609fca1ddb848e1d6cf02bcc4ec87ca9d2d1c25d"));
    }

    #[test]
    fn an_upgrade_has_what_is_new_and_all_functions() {
        let ledger = Ident::new("my ledger").unwrap();
        let (fresh, later) = (upgrade(&ledger, 0), upgrade(&ledger, VERSION - 1));
        assert!(fresh.contains("CREATE TABLE \"my ledger\".meta") && !later.contains(".meta ("), "{later}");
        for sql in [fresh, later] {
            assert!(
                sql.contains("FUNCTION \"my ledger\".fence(")
                    && sql.contains("\"my ledger_attic\"")
                    && !sql.contains("@ledger@")
            );
        }
    }
}
