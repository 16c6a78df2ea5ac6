//! What the server is, found out in one round trip before anything else.

use super::connect::Connection;
use super::error;
use crate::base::name::quote_literal;
use crate::base::{Failure, Ident, Kind};

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
    /// Whether the role may create schemas here.
    pub may_create: bool,
}

impl Server {
    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(connection: &Connection, ledger: &Ident) -> Result<Self, Failure> {
        let schema = quote_literal(ledger.as_str());
        // from the catalog: `to_regclass` is an error without the right to use the schema
        let sql = format!(
            "SELECT current_setting('server_version_num')::int4, pg_catalog.pg_is_in_recovery(), \
             current_setting('default_transaction_read_only') = 'on', current_database()::text, current_user::text, \
             EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname = 'meta'), \
             pg_catalog.has_database_privilege(current_database(), 'CREATE')"
        );
        let rows = connection
            .client
            .query_typed(&sql, &[])
            .await
            .map_err(|e| error::unanswered("cannot ask the server", &e))?;
        let row = rows.first().ok_or_else(|| Failure::new(Kind::Database, "the server gave no answer"))?;
        Ok(Self {
            version: row.get(0),
            standby: row.get(1),
            read_only: row.get(2),
            database: row.get(3),
            user: row.get(4),
            has_ledger: row.get(5),
            may_create: row.get(6),
        })
    }

    /// Refuses a server on which nothing can be run.
    ///
    /// # Errors
    /// When it is too old, a standby, read-only, or the role may not make the ledger.
    pub fn check_writable(&self, ledger: &Ident) -> Result<(), Failure> {
        let refused = |message: String, help: &str| Err(Failure::new(Kind::Database, message).help(help));
        if self.version < OLDEST {
            return refused(
                format!("the server is PostgreSQL {}; dagmar needs 14 or later", self.major()),
                "upgrade the server, or connect to another one",
            );
        }
        if self.standby {
            return refused(
                format!("`{}` is on a standby, which cannot be written", self.database),
                "connect to the primary, for example with `target_session_attrs=read-write` in the URL",
            );
        }
        if self.read_only {
            return refused(
                format!("transactions of `{}` in `{}` are read-only", self.user, self.database),
                "connect with another role, or change `default_transaction_read_only` of this one",
            );
        }
        if !self.has_ledger && !self.may_create {
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
