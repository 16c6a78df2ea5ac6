//! A database that an operation works on: its connection, what its server is, and where its
//! ledger is.

use super::connect::server::Server;
use super::connect::{Connection, Settings, connect_with};
use super::embedded::Embedded;
use super::ledger::read;
use crate::base::{Failure, FailureKind, Ident};
use crate::history::History;
use crate::source::LedgerConfig;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A database with its ledger.
pub struct Database {
    /// For statements.
    pub connection: Connection,
    /// The properties of the server.
    pub server: Server,
    /// For further connections.
    pub settings: Settings,
    /// The server itself, where it is a private one; several databases of it share it.
    pub embedded: Option<Arc<Embedded>>,
    config: LedgerConfig,
    /// Whether it was made to be thrown away, on a server that stays.
    scratch: bool,
}

impl Database {
    /// Connects to a database that was made to be thrown away.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub(super) async fn scratch(settings: Settings, ledger: &LedgerConfig) -> Result<Self, Failure> {
        let db = Self::connect(settings, None, ledger, Duration::ZERO, |_| {}).await?;
        Ok(Self { scratch: true, ..db })
    }

    /// Whether nothing of it is kept.
    #[must_use]
    pub fn is_thrown_away(&self) -> bool {
        self.scratch || self.embedded.as_ref().is_some_and(|server| server.is_throwaway())
    }

    /// Connects, and asks the server what it is. `wait` above zero: a server that is starting is waited
    /// for; `waiting` hears why there is no connection yet.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not answer.
    pub async fn connect(
        settings: Settings,
        embedded: Option<Arc<Embedded>>,
        ledger: &LedgerConfig,
        wait: Duration,
        waiting: impl FnMut(&Failure),
    ) -> Result<Self, Failure> {
        let connection = connect_with(&settings, wait, waiting).await?;
        let server = first_answer(&connection, &settings, ledger).await?;
        Ok(Self { connection, server, settings, embedded, config: ledger.clone(), scratch: false })
    }

    /// The schema of the ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ident {
        &self.config.schema
    }

    /// The schema of the ledger, and its trusted owners.
    #[must_use]
    pub fn ledger_config(&self) -> &LedgerConfig {
        &self.config
    }

    /// Reads what is applied.
    ///
    /// # Errors
    /// When the ledger cannot be read, or is of a later version.
    pub async fn history(&self) -> Result<History, Failure> {
        read::history(&self.connection, &self.server, self.ledger()).await
    }

    /// Refuses a server or a ledger that cannot be written.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_writable(&self) -> Result<(), Failure> {
        self.server.check_writable(self.ledger())
    }

    /// Whether the connection is no longer usable.
    pub async fn is_gone(&self) -> bool {
        let asked = tokio::time::timeout(Duration::from_secs(5), self.connection.execute("")).await;
        !matches!(asked, Ok(Ok(())))
    }

    /// Connects again, to a server that may have to come back first.
    ///
    /// # Errors
    /// When it does not come back in time, or cannot be written.
    pub async fn reconnect(&mut self, wait: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.connection = connect_with(&self.settings, left, |_| {}).await?;
            match first_answer(&self.connection, &self.settings, &self.config).await {
                // a server that is going down lets in, and closes again
                Err(_) if Instant::now() < deadline && self.is_gone().await => {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                server => {
                    self.server = server?;
                    return self.check_writable();
                }
            }
        }
    }

    /// Host and port, without secrets.
    #[must_use]
    pub fn address(&self) -> String {
        if self.embedded.is_some() { "the embedded server".to_owned() } else { self.settings.address() }
    }

    /// The address of the database, without secrets.
    #[must_use]
    pub fn describe(&self) -> String {
        if self.embedded.is_some() { "the embedded server".to_owned() } else { self.settings.describe() }
    }

    /// Ends the session; an embedded server that nobody else uses is stopped.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn close(self) -> Result<(), Failure> {
        drop(self.connection);
        match self.embedded.and_then(Arc::into_inner) {
            Some(embedded) => embedded.close().await,
            None => Ok(()),
        }
    }
}

/// Asks a server that has let us in what it is; one that stays silent is given up as one that
/// cannot be reached.
async fn first_answer(connection: &Connection, settings: &Settings, ledger: &LedgerConfig) -> Result<Server, Failure> {
    let asking = async {
        let answer = Server::ask(connection, ledger).await;
        // the client knows that the connection is closed, the driver knows why
        answer.map_err(|failure| match connection.end() {
            Some(end) if !failure.message.contains(&end.message) => failure.note(end.message.clone()),
            _ => failure,
        })
    };
    let Some(limit) = settings.answer_timeout else { return asking.await };
    tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs();
        let why = format!("`{}` accepted the connection but did not answer within {seconds}s", settings.describe());
        Err(Failure::new(FailureKind::Database, why).help(
            "it may be overloaded, or a pooler without a free connection; increase `connect_timeout` to wait longer",
        ))
    })
}
