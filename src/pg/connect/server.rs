//! What the server is, found out in one round trip before anything else; and whether the ledger
//! there is one that may be used.

use super::Connection;
use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, Ident, fill};
use crate::ledger::schema;
use crate::source::LedgerConfig;

/// The oldest server that is supported, as `server_version_num`.
const OLDEST: i32 = 140_000;

/// What the server says of itself and of the ledger.
#[derive(Debug, Clone)]
pub struct Server {
    /// `server_version_num`, such as 150018.
    pub version: i32,
    /// Whether it only replays another server.
    pub standby: bool,
    /// Whether transactions of this role are read-only.
    pub read_only: bool,
    /// The database.
    pub database: String,
    /// The role.
    pub user: String,
    /// Whether the ledger's schema has its tables.
    pub has_ledger: bool,
    /// Whether the role may make the ledger, where there is none.
    pub may_install: bool,
}

impl Server {
    /// Asks the server, and refuses a ledger whose owner nobody has named: what belongs to a
    /// ledger is run by everybody who uses it, with all his rights.
    ///
    /// # Errors
    /// When it does not answer, or the ledger belongs to somebody else.
    pub async fn ask(connection: &Connection, ledger: &LedgerConfig) -> Result<Self, Failure> {
        let owners: Vec<String> = ledger.owners.iter().map(|owner| quote_literal(owner)).collect();
        let sql = fill(
            include_str!("server.sql"),
            &[
                ("schema", &quote_literal(ledger.schema.as_str())),
                ("attic", &quote_literal(&schema::attic(ledger.schema.as_str()))),
                ("owners", &format!("ARRAY[{}]::text[]", owners.join(", "))),
            ],
        );
        let rows = connection.query("cannot query the server", &sql).await?;
        let row = rows.first().ok_or_else(|| Failure::new(FailureKind::Database, "the server returned no row"))?;
        let server = Self {
            version: row.get(0)?,
            standby: row.get(1)?,
            read_only: row.get(2)?,
            database: row.get(3)?,
            user: row.get(4)?,
            has_ledger: row.get(5)?,
            may_install: row.get(6)?,
        };
        match row.get::<Option<Vec<String>>>(7)?.unwrap_or_default() {
            foreign if foreign.is_empty() => Ok(server),
            foreign => Err(server.of_others(&ledger.schema, &foreign, row.get(8)?)),
        }
    }

    fn of_others(&self, ledger: &Ident, foreign: &[String], owner: Option<String>) -> Failure {
        let mut failure = Failure::new(
            FailureKind::Refused,
            format!("the ledger in `{ledger}` belongs to a role that `{}` does not trust", self.user),
        );
        failure = failure.notes(foreign.iter().cloned());
        failure = failure.note("its owner can run code as every role that uses it; nothing was read from it");
        match owner {
            Some(owner) => failure.help(format!(
                "if `{owner}` is the role that keeps the ledger, name it in dagmar.yaml: `ledger: {{ owners: [{owner}] }}`; \
                 otherwise find out who created it"
            )),
            None => failure.help("recreate it with the right owner, or drop the objects of other owners"),
        }
    }

    /// Refuses a server on which nothing can be run.
    ///
    /// # Errors
    /// When it is too old, a standby, read-only, or the role may not make the ledger.
    pub fn check_writable(&self, ledger: &Ident) -> Result<(), Failure> {
        let refused = |message: String, help: &str| Err(Failure::new(FailureKind::Database, message).help(help));
        if self.version < OLDEST {
            return refused(
                format!("the server is PostgreSQL {}; dagmar needs 14 or later", self.major()),
                "upgrade the server, or connect to another one",
            );
        }
        if self.standby {
            return refused(
                format!("`{}` is on a standby, which is read-only", self.database),
                "connect to the primary, for example with `target_session_attrs=read-write` in the URL",
            );
        }
        if self.read_only {
            return refused(
                format!("transactions of `{}` in `{}` are read-only", self.user, self.database),
                "connect with another role, or change `default_transaction_read_only` of this one",
            );
        }
        if !self.has_ledger && !self.may_install {
            return refused(
                format!("the role `{}` may not create the schema `{ledger}` in `{}`", self.user, self.database),
                "GRANT CREATE ON DATABASE … TO the role, or create the ledger once with one that may",
            );
        }
        Ok(())
    }

    /// The version as people write it: `15.4`.
    #[must_use]
    pub fn release(&self) -> String {
        format!("{}.{}", self.major(), self.version % 10_000)
    }

    /// The major version.
    #[must_use]
    pub fn major(&self) -> i32 {
        self.version / 10_000
    }
}
