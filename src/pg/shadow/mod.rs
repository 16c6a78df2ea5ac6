//! A server on which databases are made and thrown away: a private one, or one that a URL names.
//!
//! On a server that somebody else runs, only databases of the name [`PREFIX`] are touched. What a killed process left is
//! removed by the next one: the advisory lock of the first one ends with its session.

mod check;

pub use check::PREFIX;

use super::Database;
use super::connect::{Connection, Settings, error};
use super::embedded::{Embedded, copies};
use super::roles;
use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Failure, FailureKind, Remedy, Setting};
use crate::source::LedgerConfig;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The key of the lock of its user: one at a time.
const LOCK: i64 = 0x6461_676d_6172_7368;

/// Parameters of a private server: many objects in one transaction, and nobody else in the databases that are copied.
const PARAMETERS: [(&str, &str); 4] = [
    ("max_locks_per_transaction", "4096"),
    ("max_connections", "40"),
    ("autovacuum", "off"),
    ("synchronous_commit", "off"),
];

/// A server for databases that are thrown away.
#[derive(Debug)]
pub struct Shadow {
    /// A session in a database that stays.
    connection: Connection,
    settings: Settings,
    embedded: Option<Arc<Embedded>>,
    ledger: LedgerConfig,
    made: u32,
    /// The roles that were there at first.
    roles: BTreeSet<String>,
    /// The `search_path` of its databases; absent: that of the server.
    search_path: Option<String>,
    /// The version of the server: `15.4`.
    pub version: String,
    /// The major version of the server.
    pub major: i32,
}

impl Shadow {
    /// Takes a private server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn private(
        binaries: Option<&std::path::Path>,
        major: Option<u32>,
        ledger: &LedgerConfig,
    ) -> Result<Self, Failure> {
        let embedded = Embedded::throwaway_like_with(binaries, major, &PARAMETERS).await?;
        let settings = embedded.settings();
        Self::new(settings, Some(Arc::new(embedded)), ledger).await
    }

    /// Takes the server of a URL; `environments`: the databases of the project, which it must not be.
    ///
    /// # Errors
    /// When it cannot be reached, holds anything of others, somebody else uses it for this at the moment, or the role
    /// cannot make databases.
    pub async fn of_url(settings: Settings, environments: &[Settings], ledger: &LedgerConfig) -> Result<Self, Failure> {
        check::is_no_environment(&settings, environments)?;
        let mut this = Self::new(settings, None, ledger).await?;
        check::holds_nothing(&this.connection, &this.settings).await?;
        let rows = this
            .connection
            .query("cannot lock the shadow server", &format!("SELECT pg_catalog.pg_try_advisory_lock({LOCK})"))
            .await?;
        if !rows.first().map_or(Ok(false), |row| row.get::<bool>(0))? {
            return Err(Failure::new(
                FailureKind::Locked,
                format!("another process uses the shadow server {} at the moment", this.settings.address()),
            )
            .help("run the command again later, or use another server"));
        }
        this.clean_up_after_others().await?;
        Ok(this)
    }

    async fn new(settings: Settings, embedded: Option<Arc<Embedded>>, ledger: &LedgerConfig) -> Result<Self, Failure> {
        let db = Database::connect(settings, embedded, ledger, Duration::ZERO, |_| {}).await?;
        let (version, major) = (db.server.release(), db.server.major());
        let Database { connection, settings, embedded, .. } = db;
        let mut this = Self {
            connection,
            settings,
            embedded,
            ledger: ledger.clone(),
            made: 0,
            roles: BTreeSet::new(),
            search_path: None,
            version,
            major,
        };
        this.roles = this.roles().await?;
        Ok(this)
    }

    /// Makes its databases like another one: with the names of the roles of its server, without their rights, and with
    /// the `search_path` that SQL of authors has there.
    ///
    /// # Errors
    /// When one of the two does not answer.
    pub async fn resemble(&mut self, other: &Connection) -> Result<(), Failure> {
        self.add_roles(&roles::names(other).await?).await?;
        self.search_path = Some(other.author_path().to_owned());
        Ok(())
    }

    /// Uses its databases as a superuser of this name, which no other server has: what it owns was made there. The search
    /// path becomes a setting of its sessions and none of the databases.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn act_as(&mut self, role: &str) -> Result<(), Failure> {
        let sql = format!("CREATE ROLE {} SUPERUSER LOGIN", quote_ident(role));
        self.run("cannot create a role on the shadow server", &sql).await?;
        role.clone_into(&mut self.settings.user);
        if let Some(path) = self.search_path.take() {
            // in options a space ends an argument (manual, libpq, `options`)
            let path = path.replace('\\', "\\\\").replace(' ', "\\ ");
            self.settings.options = Some(format!("-c search_path={path}"));
        }
        Ok(())
    }

    /// Makes a database, empty or as a copy of another one that nobody is connected to; gives its name.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create(&mut self, template: Option<&str>) -> Result<String, Failure> {
        self.made += 1;
        let name = format!("{PREFIX}{}_{}", std::process::id(), self.made);
        if let Some(template) = template {
            copies::settle(&self.connection, template).await?;
        }
        let sql =
            format!("CREATE DATABASE {} TEMPLATE {}", quote_ident(&name), quote_ident(template.unwrap_or("template0")));
        self.run("cannot create a database on the shadow server", &sql).await?;
        if self.embedded.is_none() {
            // for the next process, if this one is killed
            let roles = serde_json::to_string(&self.roles).unwrap_or_default();
            let sql = format!("COMMENT ON DATABASE {} IS {}", quote_ident(&name), quote_literal(&roles));
            self.run("cannot mark a database on the shadow server", &sql).await?;
        }
        if let Some(path) = &self.search_path {
            // the text of a setting is a list of names already
            let path = if path.is_empty() { "''" } else { path };
            let sql = format!("ALTER DATABASE {} SET search_path = {path}", quote_ident(&name));
            self.run("cannot set the search_path of a database on the shadow server", &sql).await?;
        }
        Ok(name)
    }

    /// Connects to one of its databases.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn connect(&self, name: &str) -> Result<Database, Failure> {
        let settings = self.settings.clone().with_dbname(name);
        Database::scratch(settings, &self.ledger).await
    }

    /// Removes one of its databases, whoever is connected to it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn remove(&self, name: &str) -> Result<(), Failure> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name));
        self.run("cannot remove a database of the shadow server", &sql).await
    }

    /// The names of all roles.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn roles(&self) -> Result<BTreeSet<String>, Failure> {
        roles::names(&self.connection).await
    }

    /// Its clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn now(&self) -> Result<i64, Failure> {
        let sql = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8";
        let rows = self.connection.query("cannot read the clock of the shadow server", sql).await?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }

    /// Whether the server is still there.
    pub async fn answers(&self) -> bool {
        self.connection.try_query("SELECT 1").await.is_ok()
    }

    /// Makes roles without rights, which SQL names and no changeset makes.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_roles(&self, names: &BTreeSet<String>) -> Result<(), Failure> {
        roles::add(&self.connection, names).await
    }

    /// Removes the roles that are not among these; those that something depends on stay.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn keep_roles(&self, names: &BTreeSet<String>) -> Result<(), Failure> {
        for name in self.roles().await?.difference(names) {
            if let Err(e) = self.connection.execute(&format!("DROP ROLE {}", quote_ident(name))).await
                && e.is_connection_lost()
            {
                return Err(error::query_failed("cannot remove a role of the shadow server", &e));
            }
        }
        Ok(())
    }

    /// Removes all its databases, and ends the server if it is a private one.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn close(self) -> Result<(), Failure> {
        let Some(embedded) = self.embedded else {
            self.remove_all().await?;
            return self.keep_roles(&self.roles).await;
        };
        drop(self.connection);
        match Arc::into_inner(embedded) {
            Some(embedded) => embedded.close().await,
            None => Ok(()),
        }
    }

    /// Removes what a killed process left: its databases, and the roles that were not there before it.
    async fn clean_up_after_others(&mut self) -> Result<(), Failure> {
        let sql = format!(
            "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database \
             WHERE pg_catalog.starts_with(datname::text, {})",
            quote_literal(PREFIX)
        );
        let rows = self.connection.query("cannot read the databases of the shadow server", &sql).await?;
        let mut roles: Option<BTreeSet<String>> = None;
        for row in &rows {
            let text = row.get::<Option<String>>(0)?.unwrap_or_default();
            roles = roles.or_else(|| serde_json::from_str(&text).ok());
        }
        self.remove_all().await?;
        if let Some(roles) = roles {
            self.keep_roles(&roles).await?;
            self.roles = self.roles().await?;
        }
        Ok(())
    }

    async fn remove_all(&self) -> Result<(), Failure> {
        let sql = format!(
            "SELECT datname::text FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, {})",
            quote_literal(PREFIX)
        );
        let rows = self.connection.query("cannot read the databases of the shadow server", &sql).await?;
        for row in &rows {
            self.remove(row.get(0)?).await?;
        }
        Ok(())
    }

    async fn run(&self, context: &str, sql: &str) -> Result<(), Failure> {
        self.connection.execute(sql).await.map_err(|e| match e.sqlstate.as_str() {
            "42501" => Failure::new(FailureKind::Refused, format!("{context}: {}", e.message)).help(
                Remedy::from("the role needs CREATEDB there; without ")
                    + Setting::ShadowUrl
                    + ", a private server is used",
            ),
            _ => error::query_failed(context, &e),
        })
    }
}
