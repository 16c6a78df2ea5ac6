//! Reaching the database of a target.

use super::Target;
use super::address::Url;
use crate::base::Failure;
use crate::pg::embedded::shadow;
use crate::pg::{Database, Embedded, Settings, connect_with, query_failed};
use crate::run::{Event, Observer};
use std::time::Duration;

impl Target {
    /// Connects to the environment's database; `observer` receives warnings and notes.
    ///
    /// # Errors
    /// Mistakes in dagmar.yaml, an ambiguous connection, or a server that cannot be reached.
    pub async fn connect(&self, observer: &mut dyn Observer) -> Result<Database, Failure> {
        self.connect_within(self.spec.wait, observer).await
    }

    /// Connects with another time limit for a server that is starting.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn connect_within(&self, wait: Duration, observer: &mut dyn Observer) -> Result<Database, Failure> {
        // its URL, its ledger and its policies come from there
        self.workspace().check_project()?;
        // a server may repeat what it is sent, a hook what it finds in its environment
        self.secrets.values().for_each(crate::pg::remember);
        let (mut settings, embedded) = match &self.url(observer).await? {
            Some(Url::Embedded) => {
                let embedded = self.embedded().await?;
                (embedded.settings(), Some(embedded.into()))
            }
            Some(Url::Server(url)) => (Settings::resolve(Some(url.expose()), self.process())?, None),
            None => (Settings::resolve(None, self.process())?, None),
        };
        settings.mark.clone_from(&self.spec.session);
        for warning in &settings.warnings {
            observer.on(&Event::warning(warning));
        }
        let mut said = false;
        let db = Database::connect(settings, embedded, self.ledger_config(), wait, |failure| {
            if !said {
                said = true;
                observer.on(&Event::Waiting { message: format!("waiting for the server: {failure}") });
            }
        })
        .await?;
        if let Some(limit) = self.spec.query_limit {
            // on the server: who gives up there leaves no session behind that goes on waiting
            let sql = format!("SET statement_timeout = {}", limit.as_millis());
            db.connection.execute(&sql).await.map_err(|e| query_failed("cannot limit queries", &e))?;
        }
        Ok(db)
    }

    /// Starts the private server of the environment.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn embedded(&self) -> Result<Embedded, Failure> {
        let root = &self.workspace().loaded.root;
        Embedded::persistent(root, &self.environment, self.binaries().as_deref()).await
    }

    /// Starts a temporary private server like the other one: with its major version if installed, its roles and
    /// its search path.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn shadow(&self, other: Option<&Database>) -> Result<Database, Failure> {
        self.secrets.values().for_each(crate::pg::remember);
        let major = other.and_then(|other| u32::try_from(other.server.major()).ok());
        let embedded = Embedded::throwaway_like(self.binaries().as_deref(), major).await?;
        let settings = embedded.settings();
        if let Some(other) = other {
            let first = connect_with(&settings, Duration::default(), |_| {}).await?;
            shadow::resemble(&first, &other.connection).await?;
        }
        Database::connect(settings, Some(embedded.into()), self.ledger_config(), Duration::ZERO, |_| {}).await
    }
}
