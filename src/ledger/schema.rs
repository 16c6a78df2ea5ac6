//! The ledger's tables, by version.

use crate::base::Ident;

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// The SQL that leads from the version before to each version.
const VERSIONS: &[(u32, &[&str])] = &[(
    1,
    &[
        include_str!("../../schema/ledger/0001_init.sql"),
        include_str!("../../schema/ledger/attic.sql"),
    ],
)];

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
    sql.replace("@ledger@", &ledger.sql()).replace("@attic@", &crate::base::name::quote_ident(&attic))
}
