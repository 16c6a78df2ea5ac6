//! The ledger's tables, by version.

use crate::base::name::quote_ident;
use crate::base::{Ident, checksum, marks};

/// The version that this program writes.
pub const VERSION: u32 = 3;

/// The SQL that leads from the version before to each version.
const VERSIONS: &[(u32, &[&str])] = &[
    (
        1,
        &[
            include_str!("../../schema/ledger/0001_init.sql"),
            include_str!("../../schema/ledger/attic.sql"),
            include_str!("../../schema/ledger/remember.sql"),
        ],
    ),
    (2, &[include_str!("../../schema/ledger/0002_wish.sql")]),
    (3, &[include_str!("../../schema/ledger/0003_approvals.sql")]),
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
/// control.
#[must_use]
pub fn upgrade(ledger: &Ident, from: u32) -> String {
    let attic = attic(ledger.as_str());
    let mut sql = String::new();
    for (version, parts) in VERSIONS.iter().filter(|(version, _)| *version > from) {
        for part in *parts {
            sql.push_str(part);
            sql.push('\n');
        }
        if *version > 1 {
            sql.push_str(&format!("UPDATE @ledger@.meta SET value = '{version}' WHERE key = 'version';\n"));
        }
    }
    marks::fill(&sql, &[("@ledger@", &ledger.sql()), ("@attic@", &quote_ident(&attic))])
}
