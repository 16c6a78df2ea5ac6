//! What roles that do not own the ledger are granted, as SQL: each what it is there for, and no
//! more. `rights.sql` keeps those of ledgers that were made before.

use super::schema;
use crate::base::Ident;
use crate::base::name::quote_ident;
use std::fmt::Write;

/// Tables that runs write.
const WRITTEN: &[&str] = &["changeset", "requires", "run", "segment", "superseded", "request", "attic", "delivery"];

/// The columns of an event, of an approval and of an uploaded plan that the server does not fill in itself.
const EVENT: &str = "run, kind, changeset, detail";
const APPROVAL: &str = "digest, verdict, reason, os_user, host, expires_at, origin";
const PLAN: &str = "digest, content, expires_at, uploaded_by";

/// Functions that fire and are not called.
const TRIGGERS: &[&str] = &["chain_event", "lock_chain", "refuse_change", "sign_approval", "note_approval"];

/// Names of roles by what they do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Roles<'a> {
    /// They apply and roll back.
    pub appliers: &'a [String],
    /// They approve and reject.
    pub approvers: &'a [String],
    /// They look.
    pub readers: &'a [String],
}

/// The GRANTs.
#[must_use]
pub fn grants(ledger: &Ident, roles: Roles<'_>) -> String {
    let l = ledger.sql();
    let attic = schema::attic(ledger.as_str());
    let attic = quote_ident(&attic);
    let list =
        |names: &[&str], end: &str| names.iter().map(|name| format!("{l}.{name}{end}")).collect::<Vec<_>>().join(", ");
    let mut sql = String::new();
    let mut add = |line: String| _ = writeln!(sql, "{line};");
    for role in roles.appliers.iter().chain(roles.approvers).chain(roles.readers) {
        let role = quote_ident(role);
        add(format!("GRANT USAGE ON SCHEMA {l} TO {role}"));
        add(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {l} TO {role}"));
        // `history --verify` looks at the counter of events
        add(format!("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {l} TO {role}"));
    }
    for role in roles.appliers.iter().map(|role| quote_ident(role)) {
        add(format!("GRANT INSERT, UPDATE, DELETE ON {} TO {role}", list(WRITTEN, "")));
        add(format!("GRANT UPDATE ON {l}.lease TO {role}"));
        add(format!("GRANT INSERT ({EVENT}) ON {l}.event TO {role}"));
        add(format!("GRANT INSERT ({PLAN}), DELETE ON {l}.sealed_plan TO {role}"));
        add(format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {l} TO {role}"));
        add(format!("REVOKE EXECUTE ON FUNCTION {} FROM {role}", list(TRIGGERS, "()")));
        add(format!("GRANT USAGE, CREATE ON SCHEMA {attic} TO {role}"));
    }
    for role in roles.approvers.iter().map(|role| quote_ident(role)) {
        add(format!("GRANT INSERT ({APPROVAL}) ON {l}.approval TO {role}"));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_and_the_rights_of_an_upgrade_are_the_same() {
        let sql = schema::upgrade(&Ident::new("dagmar").unwrap(), schema::VERSION);
        assert!(sql.contains(&format!("GRANT INSERT ({EVENT}) ON %I.event")), "{sql}");
        assert!(sql.contains(&format!("GRANT INSERT ({APPROVAL}) ON %I.approval")), "{sql}");
        assert!(sql.contains(&format!("GRANT INSERT ({PLAN}), DELETE ON %I.sealed_plan")), "{sql}");
        let fired: Vec<&str> = sql
            .split("CREATE OR REPLACE FUNCTION dagmar.")
            .filter(|f| f.contains("() RETURNS trigger"))
            .filter_map(|f| f.split('(').next())
            .collect();
        assert_eq!(fired, TRIGGERS);
    }

    #[test]
    fn names_of_roles_are_quoted() {
        let ledger = Ident::new("My Ledger").unwrap();
        let readers = ["x; DROP TABLE t".to_owned()];
        let sql = grants(&ledger, Roles { readers: &readers, ..Roles::default() });
        assert!(sql.starts_with("GRANT USAGE ON SCHEMA \"My Ledger\" TO \"x; DROP TABLE t\";\n"), "{sql}");
    }
}
