//! Where dagmar keeps what it knows of a database.

use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where dagmar keeps its tables.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// The schema of the ledger.
    pub schema: Ident,
    /// Roles that may own the ledger, in addition to superusers, the user of the connection, and the roles that
    /// it is a member of. dagmar does not use a ledger of another owner, who could run code with the privileges
    /// of its users.
    pub owners: Vec<String>,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { schema: Ident::new("dagmar").expect("a name"), owners: Vec::new() }
    }
}

/// The longest name of the ledger's schema, in bytes: that of the attic has `_attic` behind it.
const LONGEST_LEDGER: usize = 55;

impl LedgerConfig {
    /// A schema of this name has to be one that can be ours.
    pub(super) fn check(&self, place: &Place, out: &mut Diagnostics) {
        let name = self.schema.as_str();
        let wrong = if name.len() > LONGEST_LEDGER {
            format!("has more than {LONGEST_LEDGER} bytes")
        } else if let Some(c) = name.chars().find(|c| c.is_control() || matches!(c, '$' | '@')) {
            format!("has the character {c:?}")
        } else if name.starts_with("pg_") || ["public", "information_schema"].contains(&name) {
            "is not for dagmar alone".to_owned()
        } else {
            return;
        };
        out.push(
            Diagnostic::error(Code::LedgerSchema, format!("the name of the ledger's schema {wrong}"))
                .at(place.clone())
                .help("it is a schema that only dagmar uses; remove it to use `dagmar`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn wrong(schema: &str) -> Vec<String> {
        let config = LedgerConfig { schema: Ident::new(schema).unwrap(), ..LedgerConfig::default() };
        let mut out = Diagnostics::default();
        config.check(&Place::value(FileId(0), Vec::new()), &mut out);
        out.iter().map(|d| d.message.clone()).collect()
    }

    #[test]
    fn the_ledger_has_a_schema_of_its_own() {
        for good in ["dagmar", "My \"odd\" 'ledger'", &"x".repeat(55), "pgx"] {
            assert!(wrong(good).is_empty(), "{good}");
        }
        for (bad, why) in [
            ("a\n\\! touch /tmp/x", "the name of the ledger's schema has the character '\\n'"),
            ("a$body$", "the name of the ledger's schema has the character '$'"),
            ("@attic@", "the name of the ledger's schema has the character '@'"),
            (&"x".repeat(56), "the name of the ledger's schema has more than 55 bytes"),
            ("pg_ledger", "the name of the ledger's schema is not for dagmar alone"),
            ("public", "the name of the ledger's schema is not for dagmar alone"),
            ("information_schema", "the name of the ledger's schema is not for dagmar alone"),
        ] {
            assert_eq!(wrong(bad), [why], "{bad}");
        }
    }
}
